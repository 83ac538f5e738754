"""Links to files: those who may not download see who may."""

from dataclasses import dataclass

from workspace_operator.console.views.rights import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLink:
    """A file to save. ``refusal`` says why the viewer may not; empty if they may."""

    text: str
    href: str
    refusal: str


def download_link(text: str, href: str, right: Right) -> DownloadLink:
    """The link to a file for a viewer with or without the right to download."""
    return DownloadLink(text=text, href=href, refusal=right.refusal)
