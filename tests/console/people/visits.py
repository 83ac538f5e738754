"""What tests do on the pages of people of a club."""

from httpx import Response

from tests.console.cleanups.club import Club
from tests.console.environment import Browser


def root(club: Club) -> str:
    """The path of the search."""
    return f"/w/{club.workspace.workspace_id}/people"


def path(club: Club, id_: str) -> str:
    """The path of a person, by id."""
    return f"{root(club)}/{club.cio_ids[id_]}"


def find(club: Club, text: str, browser: Browser | None = None) -> Response:
    """The page of a search."""
    browser = browser or club.console.installation()
    return browser.send("GET", root(club), headers={}, params={"find": text})


def send(club: Club, id_: str, form: str, browser: Browser | None = None, **fields: str) -> Response:
    """Send a form of the page of a person."""
    browser = browser or club.console.installation()
    return browser.post(f"{path(club, id_)}/{form}", {"form_token": browser.form_token("/"), **fields})


def merge(club: Club, survivor: str, secondary: str) -> Response:
    """Merge two people, by ids."""
    kept, merged = club.cio_ids[survivor], club.cio_ids[secondary]
    return send(club, survivor, "merge", survivor=kept, secondary=merged)


def follow(club: Club, answer: Response, browser: Browser | None = None) -> Response:
    """The page that a form leads to."""
    assert answer.status_code == 303, answer.text
    return (browser or club.console.installation()).get(answer.headers["location"])


def audited(club: Club) -> list[tuple[str, str, str]]:
    """Actor, action and subject of the newest entries of the audit log."""
    entries = club.store.audit_log.entries(club.workspace.workspace_id, limit=10)
    return [(entry.actor, entry.action, entry.subject) for entry in entries]
