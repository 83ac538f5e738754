"""Requests to pages, and what handlers answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

from workspace_operator.application.overviews.viewers import SeenWorkspace, Viewer
from workspace_operator.application.ports import Actor, ConsoleSession, Via
from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.uploads import UploadForm


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request whose sender may make it.

    Attributes:
        numbers: the variable segments of the path, by name.
        query: parameters; of a repeated one, the last.
        form: fields of the body; of a repeated one, all in order.
        session: None on pages for everybody.
        seen: the workspace of the path, which the viewer reaches; None on other pages.
        agent: the browser, as it names itself.
        parts: names of the parts of the page that a script asks for; empty: the whole page.
        upload: the file of a form that has one, which can be read once; its other fields are in ``form``.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    session: ConsoleSession | None = None
    seen: SeenWorkspace | None = None
    agent: str = ""
    parts: tuple[str, ...] = ()
    upload: UploadForm | None = None

    @property
    def viewer(self) -> Viewer:
        """Who looks, on pages that need a session."""
        assert self.session is not None, "the route of this page needs a session"  # noqa: S101 - a mistake in routes
        return Viewer.of(self.session)

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit log, on pages that need a session."""
        assert self.session is not None, "the route of this page needs a session"  # noqa: S101 - a mistake in routes
        return Actor(name=self.session.actor, via=Via.CONSOLE)

    @property
    def workspace_id(self) -> int:
        """The number of the workspace of the path."""
        return self.workspace.workspace.workspace_id

    @property
    def workspace(self) -> SeenWorkspace:
        """The workspace of the path, on pages that have one."""
        assert self.seen is not None, "the route of this page has no workspace"  # noqa: S101 - a mistake in routes
        return self.seen

    def field(self, name: str) -> str:
        """The value of a field that a form has once. Raises InvalidInput."""
        values = self.form.get(name, ())
        if len(values) != 1:
            raise InvalidInput(f"the form has the field {name} {len(values)} times, not once", field=name)
        return values[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page to show.

    Attributes:
        template: file name of its template. A part of the page is a block of the template; its name is the element id.
        part_ids: ids of the elements that parts replace, by name, where the id is not the name.
        title: of the window, before the name of the console.
        view: what the template shows, a frozen dataclass.
        link: key of the link in the frame that leads here; empty for none.
        refreshes: URL that a browser without JavaScript loads again after some seconds; empty for none.
    """

    template: str
    title: str
    view: Any
    status: HTTPStatus = HTTPStatus.OK
    link: str = ""
    refreshes: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    part_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """An answer to a form: go to a page of the console, as GET.

    Attributes:
        location: path and query.
        session_token: signs the browser in; None leaves its cookie; empty signs it out.
    """

    location: str
    session_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A CSV file to download; its lines are made while it is sent."""

    file_name: str
    lines: Iterator[str]


Answer: TypeAlias = Page | Redirect | Download

Handler: TypeAlias = Callable[[PageRequest], Answer]
"""Runs in a worker thread. Raises only ``workspace_operator.errors``; they become error pages."""
