"""Texts of the usage."""

from collections.abc import Mapping
from typing import Final

USAGE_TEXTS: Final[Mapping[str, str]] = {
    "usage.title": "Usage",
    "usage.of_month": "People are those of now, messages those that were sent in {month} (UTC).",
    "usage.before": "The month before",
    "usage.csv": "Download (CSV)",
    "usage.workspace": "Workspace",
    "usage.people": "People",
    "usage.messages": "Messages sent",
    "usage.total.one": "In all, {count} workspace that you reach",
    "usage.total.other": "In all, {count} workspaces that you reach",
    "usage.none": "You reach no workspace.",
}
