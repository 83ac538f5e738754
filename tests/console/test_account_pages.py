"""Own sessions, and the people of an account with their sign-ins."""

from xml.etree.ElementTree import Element

import pytest
from httpx import Response

from tests.console.environment import (
    ADMIN,
    AUTHOR,
    HTML,
    MANAGER,
    ROOT,
    STRANGER,
    VIEWER,
    Browser,
    ConsoleEnv,
    parsed,
    text_of,
)
from tests.console.hostile import HOSTILE
from workspace_operator.access.model import Member, Role
from workspace_operator.application.ports import SignInPin
from workspace_operator.application.sessions.tokens import digest_of
from workspace_operator.console.security.form_tokens import FIELD


def pin(env: ConsoleEnv, address: str) -> None:
    now = env.store.clock()
    pin = SignInPin(email_key=address, issuer="https://id.example", subject=address, pinned_at=now, signed_in_at=now)
    assert env.store.sign_in_pins.confirm(pin)


def end(browser: Browser, path: str, session: str) -> Response:
    return browser.post(f"{path}/sessions/end", {FIELD: browser.form_token(), "session": digest_of(session)})


def reset(browser: Browser, key: str, *, account: int = 1) -> Response:
    return browser.post(f"/account/{account}/sign-ins/reset", {FIELD: browser.form_token(), "key": key})


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/").status_code == 200


def values(answer: Response, name: str) -> list[str]:
    """The values of the fields of a name."""
    return [field.attrib["value"] for field in parsed(answer).iter(f"{HTML}input") if field.attrib["name"] == name]


def cells(row: Element) -> list[str]:
    """What the cells of a row say, with single spaces."""
    return [" ".join("".join(cell.itertext()).split()) for cell in row]


def last_entry(env: ConsoleEnv) -> tuple[str, str, str, object]:
    [entry] = env.store.audit_log.entries(0, limit=1)
    return entry.action, entry.actor, entry.subject, entry.detail


def test_own_sessions_are_shown_and_ended(nordlicht: ConsoleEnv) -> None:
    here, there = nordlicht.member(VIEWER, agent="Firefox"), nordlicht.member(VIEWER, agent="Phone")
    others = nordlicht.member(MANAGER, agent="Elsewhere")
    nordlicht.store.clock.advance(1)

    page = here.get("/account")
    answer = end(here, "/account", there.token)

    assert "Phone" in text_of(page)
    assert "this browser" in text_of(page)
    assert "Elsewhere" not in page.text
    assert values(page, "session") == [digest_of(there.token)]
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert [is_signed_in(browser) for browser in (here, there, others)] == [True, False, True]
    assert last_entry(nordlicht) == ("session_ended", VIEWER, "", {"address": VIEWER})


def test_sessions_of_others_are_not_ended(nordlicht: ConsoleEnv) -> None:
    others, root = nordlicht.member(MANAGER), nordlicht.installation()

    for victim in (others, root):
        assert end(nordlicht.member(VIEWER), "/account", victim.token).status_code == 303

    assert is_signed_in(others)
    assert is_signed_in(root)


def test_installation_sees_the_sessions_of_all_its_administrators(nordlicht: ConsoleEnv) -> None:
    here, there, member = nordlicht.installation(), nordlicht.installation(), nordlicht.member(VIEWER)
    nordlicht.store.clock.advance(1)

    page = here.get("/account")
    end(here, "/account", there.token)
    end(here, "/account", member.token)

    assert values(page, "session") == [digest_of(there.token)]
    assert [is_signed_in(browser) for browser in (here, there, member)] == [True, False, True]
    assert last_entry(nordlicht) == ("session_ended", ROOT.name, "", {"administrator": ROOT.name})


def test_ended_sessions_are_not_shown(nordlicht: ConsoleEnv) -> None:
    nordlicht.member(VIEWER, agent="Long ago")
    nordlicht.store.clock.advance(1_800)

    assert "Long ago" not in nordlicht.member(VIEWER).get("/account").text


def test_accounts_are_listed_for_those_who_administer_them(nordlicht: ConsoleEnv) -> None:
    nordlicht.account(name="other", display_name="Other", admins=(STRANGER,), members=())

    listed = {
        person: [name for name in ("Nordlicht", "Other") if name in text_of(browser.get("/account"))]
        for person, browser in (
            ("installation", nordlicht.installation()),
            ("admin", nordlicht.member(ADMIN)),
            ("other", nordlicht.member(STRANGER)),
            ("manager", nordlicht.member(MANAGER)),
        )
    }

    assert listed == {
        "installation": ["Nordlicht", "Other"],
        "admin": ["Nordlicht"],
        "other": ["Other"],
        "manager": [],
    }


def test_account_of_others_looks_like_a_missing_one(nordlicht: ConsoleEnv) -> None:
    nordlicht.account(name="other", display_name="Other", admins=(STRANGER,), members=())
    browser = nordlicht.member(STRANGER)

    hidden, missing = browser.get("/account/1"), browser.get("/account/999")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text
    assert browser.get("/account/2").status_code == 200
    assert reset(browser, MANAGER).status_code == 404
    assert end(browser, "/account/1", nordlicht.member(MANAGER).token).status_code == 404


def test_people_of_an_account_are_shown_with_their_sign_ins(nordlicht: ConsoleEnv) -> None:
    nordlicht.member(MANAGER, agent="Firefox")
    pin(nordlicht, MANAGER)

    page = nordlicht.member(ADMIN).get("/account/1")
    rows = [cells(row) for row in parsed(page).iterfind(f".//{HTML}tbody/{HTML}tr")]

    assert [row[0] for row in rows] == [ADMIN, MANAGER, AUTHOR, VIEWER]
    assert rows[0][1:3] == ["Admin of every workspace", "never"]
    assert rows[1][1] == "Manager of club"
    assert rows[1][2].startswith("1 Mar 2026, 12:00 UTC Reset sign-in")
    assert "Firefox" in rows[1][3]
    assert rows[3] == [VIEWER, "Viewer of club", "never", "none"]
    assert values(page, "key") == [MANAGER]
    assert "kind: Account metadata: namespace: team name: nordlicht" in text_of(page)


def test_member_who_is_an_admin_too_is_an_admin(nordlicht: ConsoleEnv) -> None:
    nordlicht.account("club", admins=(ADMIN, VIEWER.upper()))

    page = parsed(nordlicht.member(ADMIN).get("/account/1"))

    rows = {cells(row)[0]: cells(row)[1] for row in page.iterfind(f".//{HTML}tbody/{HTML}tr")}
    assert rows[VIEWER.upper()] == "Admin of every workspace"
    assert VIEWER not in rows


def test_admin_signs_others_out(nordlicht: ConsoleEnv) -> None:
    manager, admin = nordlicht.member(MANAGER), nordlicht.member(ADMIN)
    nordlicht.store.clock.advance(1)

    answer = end(admin, "/account/1", manager.token)

    assert (answer.status_code, answer.headers["location"]) == (303, "/account/1")
    assert not is_signed_in(manager)
    assert last_entry(nordlicht) == ("session_ended", ADMIN, "account 1", {"address": MANAGER})


def test_admin_ends_sessions_of_own_people_only(nordlicht: ConsoleEnv) -> None:
    victims = (nordlicht.member(STRANGER), nordlicht.installation())

    for victim in victims:
        assert end(nordlicht.member(ADMIN), "/account/1", victim.token).status_code == 303

    assert all(map(is_signed_in, victims))


def test_reset_unbinds_the_address_and_ends_its_sessions(nordlicht: ConsoleEnv) -> None:
    manager, viewer = nordlicht.member(MANAGER), nordlicht.member(VIEWER)
    pin(nordlicht, MANAGER)
    pin(nordlicht, VIEWER)
    nordlicht.store.clock.advance(1)

    answer = reset(nordlicht.member(ADMIN), MANAGER)

    assert (answer.status_code, answer.headers["location"]) == (303, "/account/1")
    assert [each.email_key for each in nordlicht.store.sign_in_pins.pins_of([MANAGER, VIEWER])] == [VIEWER]
    assert (is_signed_in(manager), is_signed_in(viewer)) == (False, True)
    assert last_entry(nordlicht) == ("sign_in_reset", ADMIN, "account 1", {"address": MANAGER})


def test_reset_of_an_address_that_the_account_does_not_name_is_refused(nordlicht: ConsoleEnv) -> None:
    pin(nordlicht, STRANGER)

    assert reset(nordlicht.member(ADMIN), STRANGER).status_code == 404
    assert nordlicht.store.sign_in_pins.pins_of([STRANGER]) != []


def test_admin_who_is_taken_out_may_nothing_more(nordlicht: ConsoleEnv) -> None:
    admin, manager = nordlicht.member(ADMIN), nordlicht.member(MANAGER)
    form = {FIELD: admin.form_token(), "session": digest_of(manager.token)}
    nordlicht.account("club", admins=())

    assert admin.post("/account/1/sessions/end", form).status_code == 404
    assert is_signed_in(manager)


@pytest.mark.parametrize("path", ["/account/sessions/end", "/account/1/sessions/end", "/account/1/sign-ins/reset"])
def test_forms_need_their_token(nordlicht: ConsoleEnv, path: str) -> None:
    admin, manager = nordlicht.member(ADMIN), nordlicht.member(MANAGER)
    pin(nordlicht, MANAGER)

    answer = admin.post(path, {"session": digest_of(manager.token), "key": MANAGER})

    assert answer.status_code == 403
    assert is_signed_in(manager)
    assert nordlicht.store.sign_in_pins.pins_of([MANAGER]) != []


def test_people_beyond_a_page_are_on_the_next(nordlicht: ConsoleEnv) -> None:
    members = tuple(
        Member(email=f"m{number:03}@nordlicht.example", workspaces=frozenset(("club",)), role=Role.VIEWER)
        for number in range(120)
    )
    nordlicht.account("club", members=members)
    admin, seen, path = nordlicht.member(ADMIN), [], "/account/1"
    while path:
        page = parsed(admin.get(path))
        seen += [row.findtext(f"{HTML}th/{HTML}bdi") for row in page.iterfind(f".//{HTML}tbody/{HTML}tr")]
        links = (link.attrib["href"] for link in page.iter(f"{HTML}a"))
        path = next((href for href in links if href.startswith("/account/1?after=")), "")

    assert seen == [ADMIN, *(member.email for member in members)]


def test_sign_ins_of_all_are_shown_to_the_installation(nordlicht: ConsoleEnv) -> None:
    nordlicht.member(VIEWER)

    page = nordlicht.installation().get("/account/history")

    entries = [cells(row)[1:3] for row in parsed(page).iterfind(f".//{HTML}tbody/{HTML}tr")]
    assert [f"{VIEWER} Console", "Signed in"] in entries
    assert nordlicht.member(ADMIN).get("/account/history").status_code == 404


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_text(nordlicht: ConsoleEnv, value: str) -> None:
    nordlicht.account("club", display_name=value)
    nordlicht.member(ADMIN, agent="".join(filter(str.isprintable, value)))
    browser = nordlicht.member(ADMIN)

    for path in ("/account", "/account/1"):
        page = parsed(browser.get(path))
        assert not [each for each in page.iter() if each.tag in (f"{HTML}img", f"{HTML}iframe", f"{HTML}base")]
        assert len(list(page.iter(f"{HTML}script"))) == 1
