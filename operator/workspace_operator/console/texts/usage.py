"""Texts of the usage."""

from collections.abc import Mapping
from typing import Final

USAGE_TEXTS: Final[Mapping[str, str]] = {
    "usage.title": "Usage",
    "usage.of_month": "People: current number. Messages: sent in {month} (UTC).",
    "usage.before": "The month before",
    "usage.csv": "Download (CSV)",
    "usage.workspace": "Workspace",
    "usage.people": "People",
    "usage.messages": "Messages sent",
    "usage.total.one": "Total: {count} workspace you can access",
    "usage.total.other": "Total: {count} workspaces you can access",
    "usage.none": "You have no access to any workspace.",
}
