"""All texts of the console, in English: another language is another catalogue of the same keys.

A text with a number has two forms, ``key.one`` and ``key.other``. Values are inserted as they are; templates escape the
result.
"""

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    # Frame
    "console": "Workspace console",
    "skip": "Skip to content",
    "all_workspaces": "All workspaces",
    "navigation": "Workspace",
    "signed_in_as": "Signed in as",
    "sign_out": "Sign out",
    "copy": "Copy",
    "copied": "Copied.",
    "up_to_date": "The page is up to date.",
    # Sign-in
    "signin.title": "Sign in",
    "signin.installation": "You run this installation? On its machine:",
    "signin.command": "workspacectl console",
    "signin.others": "Otherwise ask whoever runs it for a link.",
    "signin.signed_out": "You are signed out.",
    "signin.idle": "You were signed out after 30 minutes without activity.",
    "signin.expired": "You were signed out: a session ends after 12 hours at the latest.",
    "enter.explanation": "This link signs you in as installation administrator on this browser, for up to 12 hours.",
    "enter.button": "Sign in",
    "enter.not_you": "Not you? Close this page.",
    "enter.used": "This link has been used or is older than 5 minutes.",
    "enter.again": "Run it again to get another link:",
    # Workspaces
    "workspaces.title": "Workspaces",
    "workspaces.none": "You reach no workspace.",
    "workspaces.none_member": "An admin can add you to the members of an Account resource.",
    "workspaces.none_installation": "There is none yet. A workspace is added by a Workspace resource.",
    "workspaces.places.one": "{count} workspace",
    "workspaces.places.other": "{count} workspaces",
    "workspaces.limited": "{count} of {limit} workspaces",
    "workspaces.caption": "Workspaces of {account}",
    "workspaces.name": "Workspace",
    "workspaces.mode": "Identifiers",
    "workspaces.people": "People",
    "workspaces.sending": "Sending",
    "workspaces.change": "Identifier change",
    "workspaces.added": "A workspace is added by a Workspace resource.",
    "workspaces.show_yaml": "Show the YAML",
    "workspaces.deleted": "How is a workspace deleted?",
    "workspaces.delete_first": "Set spec.deletionPolicy of its resource to Delete.",
    "workspaces.delete_second": (
        "Add the annotation workspace-operator.dev/confirm-delete with the exact display name, and delete the resource."
    ),
    "counting": "counting…",
    "people.one": "{count} person",
    "people.other": "{count} people",
    "mode.EmailOrID": "email or id",
    "mode.IDOnly": "id only",
    "mode.EmailOnly": "email only",
    "sends.Normal": "Sends",
    "sends.Test": "Test only → {address}",
    "sends.Never": "Sends nothing",
    # Identifier changes
    "change.none": "In force",
    "change.blocked.one": "{count} person blocks the change to {mode}",
    "change.blocked.other": "{count} people block the change to {mode}",
    "change.suspended": "Change to {mode} is suspended",
    "change.running": "Change to {mode} runs",
    "change.progress": "Change to {mode} runs, {percent} %",
    "change.remaining.one": "about {count} minute left",
    "change.remaining.other": "about {count} minutes left",
    # Overview
    "overview.link": "Overview",
    "overview.title": "Overview",
    "overview.ready": "Every setting is in force.",
    "overview.stalled": "Not every setting is in force: see what needs a person.",
    "overview.running": "The identifiers change from {before} to {after}. Every other setting is in force.",
    "overview.blocked": "{blocking} of {people} block the change from {before} to {after}. Identifiers stay {before}.",
    "overview.people": "People",
    "overview.total": "People in all",
    "overview.with_email": "with an address",
    "overview.without_id": "without an id",
    "overview.settings": "Settings",
    "overview.identifiers": "Identifiers",
    "overview.resource": "Resource",
    "overview.credentials": "Credentials rotated",
    "overview.no_credentials": "never",
    "overview.attention": "What needs a person",
    "overview.nothing": "Nothing needs a person.",
    "attention.blocked.one": "{count} person blocks the identifier change: correct, merge or delete this person.",
    "attention.blocked.other": "{count} people block the identifier change: correct, merge or delete them.",
    "attention.suspended": "This workspace is suspended (spec.suspend). The identifier change waits.",
    "attention.stalled": "{reason}: {message}",
    "attention.silent": "The operator of this cluster does not report. Changes of the resource have no effect.",
    # Errors
    "error.not_found": "There is no such page, or you may not see it.",
    "error.refused": "You may look at {workspace}, but not do this.",
    "error.refused_people": "These people may: {people}.",
    "error.store_away": "The database does not answer.",
    "error.store_away_more": "Nothing was lost. This page tries again in 10 seconds.",
    "error.too_long": "This took too long. Narrow the search.",
    "error.ours": "Something went wrong on our side.",
    "error.ours_more": "Request {request}: give this number to whoever runs the console.",
    "error.invalid": "The form was not understood.",
    "error.stale": "This changed meanwhile.",
    "error.form_token": "This form is no longer valid.",
    "error.form_token_more": "Nothing was changed. Go back, load the page again, and send the form once more.",
    "error.origin": "This request did not come from a page of the console.",
    "error.origin_more": "Nothing was changed. Open the console itself, and try there.",
    "error.host": "The console is not served under this name.",
    "error.host_more": "Open it at its own address. Whoever runs it sets that address by --console-url.",
    "error.plain_http": "The console is served over TLS only.",
    "error.plain_http_more": "Open it with https, or on the machine itself.",
    "error.method": "This page does not take the method {method}.",
    "error.too_many": "Too many requests.",
    "error.too_many_more": "Try again in {seconds} seconds.",
    "error.too_large": "The form is too large.",
    "error.slow": "The form did not arrive in time.",
    "error.home": "All workspaces",
}


def text(key: str, **values: object) -> str:
    """A text with values inserted."""
    return TEXTS[key].format(**values)


def counted(key: str, count: int, **values: object) -> str:
    """A text with a number, in the form that the number needs."""
    form = "one" if count == 1 else "other"
    return text(f"{key}.{form}", count=f"{count:,}", **values)
