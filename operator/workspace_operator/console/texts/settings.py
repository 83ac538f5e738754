"""Texts of the settings of a workspace."""

from collections.abc import Mapping
from typing import Final

SETTINGS_TEXTS: Final[Mapping[str, str]] = {
    "settings.link": "Settings",
    "settings.title": "Settings",
    "settings.described": "This workspace is described by the Workspace resource",
    "settings.change_there": "The console changes no setting: it says what to commit.",
    "settings.setting": "Setting",
    "settings.wanted": "Requested",
    "settings.in_force": "In force",
    "settings.since": "since",
    "settings.change": "Change this",
    "settings.change_of": "Change: {name}",
    "settings.show": "Show what to commit",
    "settings.commit": "Commit this to the manifest:",
    "settings.effects": "What it would do, as workspacectl plan says:",
    "settings.wrong": "This change would be rejected:",
    "settings.too_long": (
        "The people of this workspace are too many to be looked at for a page. Run workspacectl plan to see what the "
        "change would do."
    ),
    "setting.displayName": "Name",
    "setting.color": "Colour",
    "setting.identifiers_mode": "Identifiers",
    "setting.identifiers_onConflict": "People who share an address",
    "setting.identifiers_emailUpdates": "Who may change an address",
    "setting.identifiers_idUpdates": "Who may change an id",
    "setting.mergeOptions_multiIdentifier": "Automatic merging",
    "setting.sendBehavior_mode": "Sending",
    "setting.sendBehavior_testAddress": "Test address",
    "setting.openTracking": "Open tracking",
    "setting.sending_transport": "Transport",
    "setting.sending_from": "Sender",
    "setting.credentials_appKeyMay": "What App keys may do",
}
