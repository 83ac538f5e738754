"""Display names are unique per account, whatever Unicode form they are written in."""

from collections.abc import Iterable

from workspace_operator.resources.display_names import comparison_key
from workspace_operator.workspaces.model import Workspace


def name_holder(wanted: str, ours: Workspace | None, account: Iterable[Workspace]) -> Workspace | None:
    """The workspace that prevents ours from having a display name; None if the name is free.

    Older versions did not compare Unicode forms, so that two workspaces may have one name. The oldest one keeps it.

    Args:
        wanted: the desired display name of our workspace.
        ours: our workspace; None if it is not created yet.
        account: workspaces of its account; those that have the name are enough.
    """
    key = comparison_key(wanted)
    others = (other for other in account if ours is None or other.workspace_id != ours.workspace_id)
    holders = sorted(
        (other for other in others if comparison_key(other.settings.display_name) == key),
        key=lambda other: other.workspace_id,
    )
    if ours is None or comparison_key(ours.settings.display_name) != key:
        return next(iter(holders), None)
    return next(
        (
            holder
            for holder in holders
            if holder.workspace_id < ours.workspace_id or holder.settings.display_name == wanted
        ),
        None,
    )
