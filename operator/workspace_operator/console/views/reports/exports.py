"""The files of a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workspace_operator.application.ports import Export
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.downloads import DownloadLink, download_link
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.console.views.rights import Right

SHOWN: Final = 50
"""Lists of people who block a change that are shown, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLine:
    """A list of the people who blocked an identifier change."""

    number: int
    description: str
    made: ShownTime
    people: str
    download: DownloadLink


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsView:
    """The files of a workspace: all people, and lists, newest first."""

    people: DownloadLink
    lines: Sequence[ExportLine]


def exports_view(exports: Sequence[Export], download: Right, *, workspace_id: int) -> ExportsView:
    """The files of a workspace for a viewer with or without the right to download."""
    root = f"/w/{workspace_id}/exports"
    return ExportsView(
        people=download_link(text("exports.people"), f"{root}/people", download),
        lines=[
            ExportLine(
                number=export.number,
                description=visible(export.description),
                made=time(export.created_at),
                people=counted("people", export.total),
                download=download_link(text("exports.download"), f"{root}/{export.number}/csv", download),
            )
            for export in exports[:SHOWN]
        ],
    )
