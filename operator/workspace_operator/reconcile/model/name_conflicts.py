"""Who has a display name: one workspace of an account, whatever the Unicode form that it is written in."""

from collections.abc import Iterable

from workspace_operator.resources.display_names import comparison_key
from workspace_operator.workspaces.model import Workspace


def name_holder(wanted: str, ours: Workspace | None, account: Iterable[Workspace]) -> Workspace | None:
    """The workspace that keeps ours from having a display name; None if the name is free.

    Two forms of one name may be in force since before they were compared. Of such workspaces the oldest has the name.

    Args:
        wanted: the display name that ours shall have.
        ours: the workspace that shall have it; None while there is none.
        account: workspaces of its account; those that have the name are enough.
    """
    key = comparison_key(wanted)
    others = (each for each in account if ours is None or each.workspace_id != ours.workspace_id)
    holders = sorted(
        (each for each in others if comparison_key(each.settings.display_name) == key),
        key=lambda each: each.workspace_id,
    )
    if ours is None or comparison_key(ours.settings.display_name) != key:
        return next(iter(holders), None)
    return next(
        (each for each in holders if each.workspace_id < ours.workspace_id or each.settings.display_name == wanted),
        None,
    )
