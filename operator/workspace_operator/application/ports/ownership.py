"""Who owns workspaces, as an administrator changes it."""

from collections.abc import Sequence
from typing import Protocol

from workspace_operator.reconcile.model.actions import ChangeOwner


class Ownership(Protocol):
    """Gives workspaces to other owners, beside every reconcile."""

    def is_empty(self, workspace_id: int) -> bool:
        """Whether a workspace holds nothing: no people, suppressions, activities, devices, segments or exports."""
        ...

    def reassign(self, changes: Sequence[ChangeOwner], *, replace_empty: bool) -> None:
        """Give workspaces to owners, all of them or none.

        Args:
            changes: which workspace goes to which owner.
            replace_empty: destroy the workspaces that the owners have now, provided that these are empty.

        Raises:
            Conflict: an owner has a workspace already that is not to be replaced, or is not empty.
            NameTaken: an account would have a display name twice.
            StaleRevision: a workspace has changed since it was read.
        """
        ...
