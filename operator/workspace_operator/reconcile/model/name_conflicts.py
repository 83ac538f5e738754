"""Display names are unique per account, whatever Unicode form they are written in."""

from collections.abc import Iterable

from workspace_operator.resources.display_names import comparison_key
from workspace_operator.workspaces.model import Workspace


def name_holder(wanted: str, ours: Workspace | None, account: Iterable[Workspace]) -> Workspace | None:
    """The workspace that prevents ours from having a display name; None if the name is free.

    Older versions did not compare Unicode forms, so that two workspaces may have one name. The oldest one keeps it.

    ``ours`` is None if our workspace is not created yet; of ``account``, the workspaces that have the name are enough.
    """
    key = comparison_key(wanted)
    holders = [other for other in account if comparison_key(other.settings.display_name) == key]
    if ours is not None:
        number = ours.workspace_id
        holders = [other for other in holders if other.workspace_id != number]
        if comparison_key(ours.settings.display_name) == key:
            exact = [other for other in holders if other.settings.display_name == wanted]
            holders = exact + [other for other in holders if other.workspace_id < number]
    return min(holders, key=lambda other: other.workspace_id, default=None)
