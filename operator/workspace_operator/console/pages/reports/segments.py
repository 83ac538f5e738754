"""The manual segments of a workspace, and the people of one."""

from collections.abc import Sequence
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Download, Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.reports.segments import (
    MAX_COUNTED,
    MAX_COUNTED_ALONE,
    MEMBERS,
    SHOWN,
    segment_view,
    segments_view,
)
from workspace_operator.console.views.rights import right
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, check_text, quoted

SEGMENT: Final = "segment"
LINK: Final = "segments"


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    segments, records = dependencies.segments, dependencies.person_records

    def show(request: PageRequest) -> Page:
        number, after = request.workspace_id, _number_after(request)
        page = segments.page(number, after=after, limit=SHOWN + 1, count_limit=MAX_COUNTED + 1)
        view = segments_view(page, workspace_id=number)
        return Page(template="segments.html", title=text("segments.title"), view=view, link=LINK)

    def show_one(request: PageRequest) -> Page:
        number, wanted = request.workspace_id, request.numbers[SEGMENT]
        after = request.query.get("after", "")
        check_text(after, field="after", limit=MAX_ID_BYTES)
        page = segments.page(number, after=wanted - 1, limit=1, count_limit=MAX_COUNTED_ALONE + 1)
        if not page or page[0].number != wanted:
            raise NotFound(f"there is no segment {wanted}")
        members = list(records.members(number, wanted, after=after, limit=MEMBERS + 1))
        people = dependencies.cleanup_lists.people_by_cio_id(number, members)
        may_download = right(request.workspace, Permission.DOWNLOAD)
        view = segment_view(page[0], members, people, may_download, workspace_id=number)
        return Page(template="segment.html", title=view.name, view=view, link=LINK)

    def save(request: PageRequest) -> Download:
        number, wanted = request.workspace_id, request.numbers[SEGMENT]
        lines = dependencies.downloads.members(number, wanted, actor=request.actor)
        return Download(name=f"segment-{wanted}.csv", lines=lines)

    view, root = Permission.VIEW, "/w/{workspace}/segments"
    one = f"{root}/{{{SEGMENT}}}"
    return (
        Route(method="GET", pattern=root, access=view, handler=show, is_costly=True),
        Route(method="GET", pattern=one, access=view, handler=show_one, is_costly=True),
        Route(method="GET", pattern=f"{one}/csv", access=Permission.DOWNLOAD, handler=save, is_costly=True),
    )


def _number_after(request: PageRequest) -> int:
    text_ = request.query.get("after", "0")
    if not (text_.isascii() and text_.isdigit() and len(text_) <= 18):
        raise InvalidInput(f"after {quoted(text_)} must be the number of a segment", field="after")
    return int(text_)
