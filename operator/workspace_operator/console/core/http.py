"""Requests to pages, and what handlers answer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

from workspace_operator.application.overviews.viewers import SeenWorkspace, Viewer
from workspace_operator.application.ports import Actor, ConsoleSession, Via
from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.uploads import UploadForm
from workspace_operator.reconcile.model.accounts import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request whose sender may make it.

    Attributes:
        numbers: the variable segments of the path, by name.
        cio_id: of the person of the path; empty on other pages.
        repeated_query: parameters of the address; of a repeated one, all in order.
        form: fields of the body; of a repeated one, all in order.
        session: None on pages for everybody.
        seen: the workspace of the path, which the viewer reaches; None on other pages.
        account_of_path: the account of the path, which the viewer administers; None on other pages.
        agent: the browser, as it names itself.
        parts: names of the parts of the page that a script asks for; empty: the whole page.
        attempt_token: the browser's attempt to sign in at the identity provider; empty without one.
        upload: the file of a form that has one, which can be read once; its other fields are in ``form``.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    cio_id: str = ""
    repeated_query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    session: ConsoleSession | None = None
    seen: SeenWorkspace | None = None
    account_of_path: Account | None = None
    agent: str = ""
    parts: tuple[str, ...] = ()
    attempt_token: str = ""
    upload: UploadForm | None = None

    @property
    def query(self) -> Mapping[str, str]:
        """Parameters of the address; of a repeated one, the last."""
        return {name: values[-1] for name, values in self.repeated_query.items()}

    @property
    def viewer(self) -> Viewer:
        """Who looks, on pages that need a session."""
        return Viewer.of(self.own_session)

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit log, on pages that need a session."""
        return Actor(name=self.own_session.actor, via=Via.CONSOLE)

    @property
    def own_session(self) -> ConsoleSession:
        """The session of the sender, on pages that need one."""
        assert self.session is not None, "the route of this page needs a session"  # noqa: S101 - a mistake in routes
        return self.session

    @property
    def workspace_id(self) -> int:
        """The number of the workspace of the path."""
        return self.workspace.workspace.workspace_id

    @property
    def workspace(self) -> SeenWorkspace:
        """The workspace of the path, on pages that have one."""
        assert self.seen is not None, "the route of this page has no workspace"  # noqa: S101 - a mistake in routes
        return self.seen

    @property
    def account(self) -> Account:
        """The account of the path."""
        assert self.account_of_path is not None, "the route of this page has no account"  # noqa: S101 - likewise
        return self.account_of_path

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
        ends_attempt: whether an attempt of the browser to sign in at the identity provider is over.
    """

    template: str
    title: str
    view: Any
    status: HTTPStatus = HTTPStatus.OK
    link: str = ""
    refreshes: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    part_ids: Mapping[str, str] = field(default_factory=dict)
    ends_attempt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Go to another page, as GET.

    Attributes:
        location: path and query of a page of the console, or the URL of the identity provider.
        session_token: signs the browser in; None leaves its cookie; empty signs it out.
        attempt_token: begins an attempt to sign in at the identity provider, likewise.
    """

    location: str
    session_token: str | None = None
    attempt_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A CSV file to save.

    Attributes:
        name: of the file, in ASCII; the same for each download of the list.
        lines: made while the file is sent, in other threads than that of the handler, and without its time limit.
    """

    name: str
    lines: Iterable[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignPage:
    """HTML that is not ours, for an ``<iframe sandbox>``: it runs nothing and loads nothing."""

    html: str


Answer: TypeAlias = Page | Redirect | Download | ForeignPage
Handler: TypeAlias = Callable[[PageRequest], Answer]
"""Runs in a worker thread. Raises only ``workspace_operator.errors``; they become error pages."""
