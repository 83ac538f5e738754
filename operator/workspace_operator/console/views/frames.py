"""The frame of every page: who is signed in, the workspace and its links."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.application.overviews.viewers import SeenWorkspace
from workspace_operator.application.ports import ConsoleSession
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.swatches import Swatch, swatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of the frame."""

    text: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFrame:
    """The workspace of a page, with the links to its pages."""

    name: str
    href: str
    swatch: Swatch
    links: Sequence[Link]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame of a page.

    Attributes:
        actor: who is signed in; empty if nobody is.
        form_token: for the form that signs out, and for those of the page.
        refreshes: URL that a browser without JavaScript loads again; empty for none.
    """

    title: str
    actor: str = ""
    form_token: str = ""
    workspace: WorkspaceFrame | None = None
    refreshes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceLink:
    """A page of each workspace: the key of its text, and its path below that of the workspace."""

    key: str
    path: str


def frame(
    title: str,
    *,
    session: ConsoleSession,
    form_token: str,
    seen: SeenWorkspace | None,
    links: Sequence[WorkspaceLink],
    current: str,
    refreshes: str,
) -> Frame:
    """The frame of a page for somebody who is signed in."""
    return Frame(
        title=title,
        actor=visible(session.actor),
        form_token=form_token,
        workspace=None if seen is None else _workspace_frame(seen, links, current),
        refreshes=refreshes,
    )


def _workspace_frame(seen: SeenWorkspace, links: Sequence[WorkspaceLink], current: str) -> WorkspaceFrame:
    workspace = seen.workspace
    settings, href = workspace.settings, f"/w/{workspace.workspace_id}"
    return WorkspaceFrame(
        name=visible(settings.display_name),
        href=href,
        swatch=swatch(settings.color, settings.display_name),
        links=[
            Link(text=text(f"{link.key}.link"), href=href + link.path, is_current=link.key == current) for link in links
        ],
    )
