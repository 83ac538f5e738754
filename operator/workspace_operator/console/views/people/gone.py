"""The page of a person that was deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.application.profiles.profiles import DeletedPerson
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import day


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneView:
    """A person that was deleted.

    Attributes:
        sentences: when and why, as far as that is known.
        cleanup: the cleanup that deleted it, as a link; empty texts without one.
    """

    sentences: Sequence[str]
    cleanup: str
    cleanup_href: str
    history_href: str
    search_href: str


def gone_view(deleted: DeletedPerson, cio_id: str, workspace_root: str) -> GoneView:
    """The page of a person that was deleted."""
    key = "gone.plain" if deleted.at is None else "gone.on"
    sentences = [text(key, cio_id=cio_id, day="" if deleted.at is None else day(deleted.at))]
    sentences += [text("gone.suppressed")] if deleted.was_suppressed else []
    sentences += [text("gone.no_cleanup")] if deleted.cleanup is None else []
    return GoneView(
        sentences=sentences,
        cleanup="" if deleted.cleanup is None else text("gone.cleanup", number=deleted.cleanup),
        cleanup_href="" if deleted.cleanup is None else f"{workspace_root}/cleanup/{deleted.cleanup}",
        history_href=f"{workspace_root}/history",
        search_href=f"{workspace_root}/people",
    )
