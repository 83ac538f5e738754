"""Signing in by a link, signing out, and being signed out by time."""

import pytest

from tests.console.environment import MANAGER, ROOT, URL, ConsoleEnv, parsed, text_of
from workspace_operator.application.sessions.tokens import digest_of


def entered(env: ConsoleEnv, **link: object) -> str:
    return env.links.create(actor=ROOT, **link)  # type: ignore[arg-type]


def test_page_for_strangers_names_the_command(env: ConsoleEnv) -> None:
    answer = env.browser().get("/signin")

    assert answer.status_code == 200
    assert "On its machine: workspacectl console" in text_of(answer)


@pytest.mark.parametrize("path", ["/", "/w/1"])
def test_stranger_is_sent_to_sign_in(nordlicht: ConsoleEnv, path: str) -> None:
    answer = nordlicht.browser().get(path)

    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    assert "set-cookie" not in answer.headers


def test_looking_at_a_link_does_not_use_it_up(env: ConsoleEnv) -> None:
    token = entered(env)
    browser = env.browser()

    shown = [browser.get(f"/enter?t={token}") for _ in range(3)]

    assert [page.status_code for page in shown] == [200] * 3
    assert token in shown[0].text
    assert browser.post("/enter", {"t": token}).status_code == 303


def test_link_signs_in_and_leads_to_the_list(env: ConsoleEnv) -> None:
    answer = env.browser().post("/enter", {"t": entered(env)})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("console=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Lax"}


def test_link_leads_to_its_workspace(nordlicht: ConsoleEnv) -> None:
    answer = nordlicht.browser().post("/enter", {"t": entered(nordlicht, workspace_id=2)})

    assert answer.headers["location"] == "/w/2"


def test_cookie_over_tls_is_bound_to_the_host(env: ConsoleEnv) -> None:
    env.options["console_url"] = "https://console.example"
    env = ConsoleEnv(store=env.store, options=env.options)

    answer = env.browser(url="https://console.example").post("/enter", {"t": entered(env)})

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-console=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_used_link_says_how_to_get_another(env: ConsoleEnv) -> None:
    token, browser = entered(env), env.browser()
    browser.post("/enter", {"t": token})

    answer = browser.post("/enter", {"t": token})

    assert answer.status_code == 403
    assert "This link has been used or is older than 5 minutes. To get another link, run" in text_of(answer)
    assert "set-cookie" not in answer.headers


def test_old_link_is_refused(env: ConsoleEnv) -> None:
    token = entered(env)
    env.store.clock.advance(301)

    assert env.browser().post("/enter", {"t": token}).status_code == 403


@pytest.mark.parametrize("form", [{"x": "1"}, {"t": ["a", "b"]}, {"t": "x" * 1000}])
def test_wrong_form_signs_nobody_in(env: ConsoleEnv, form: dict[str, str | list[str]]) -> None:
    answer = env.browser().post("/enter", form)

    assert answer.status_code in (400, 403)
    assert "set-cookie" not in answer.headers


def test_session_has_another_secret_than_its_link(env: ConsoleEnv) -> None:
    token = entered(env)

    cookie = env.browser().post("/enter", {"t": token}).headers["set-cookie"]

    secret = cookie.removeprefix("console=").partition(";")[0]
    assert secret != token
    assert env.store.sessions.find_session(digest_of(secret)) is not None


def test_sign_in_gives_a_browser_a_new_secret(env: ConsoleEnv) -> None:
    """A secret that somebody planted in a browser is worth nothing after its person has signed in."""
    planted = env.installation()

    cookie = env.browser(token=planted.token).post("/enter", {"t": entered(env)}).headers["set-cookie"]

    assert planted.token not in cookie
    assert env.store.sessions.find_session(digest_of(planted.token)) is None


def test_signed_out_session_is_over_everywhere(env: ConsoleEnv) -> None:
    browser = env.installation()
    copy = env.browser(token=browser.token)

    answer = browser.post("/signout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/signin?ended=by_hand")
    assert answer.headers["set-cookie"].startswith("console=; Max-Age=0; ")
    assert copy.get("/").headers["location"] == "/signin"
    assert "You are signed out." in text_of(browser.get("/signin?ended=by_hand"))


@pytest.mark.parametrize(
    ("seconds", "activity", "location", "note"),
    [
        (1800, False, "/signin?ended=idle", "You were signed out after 30 minutes without activity."),
        (1700, True, "/signin?ended=expired", "your session has reached its time limit"),
    ],
)
def test_session_ends_by_time(env: ConsoleEnv, seconds: int, activity: bool, location: str, note: str) -> None:
    browser = env.installation()
    for _ in range(25 if activity else 0):
        env.store.clock.advance(seconds)
        browser.get("/")

    env.store.clock.advance(seconds)
    answer = browser.get("/")

    assert answer.headers["location"] == location
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert note in text_of(browser.get(location))


@pytest.mark.parametrize("request_", [{"x_poll": "1", "x_part": "workspaces"}, {}])
def test_refreshing_page_does_not_keep_a_session(env: ConsoleEnv, request_: dict[str, str]) -> None:
    browser = env.installation()
    path = "/" if request_ else "/?refresh=1"

    answers = []
    for _ in range(30):
        env.store.clock.advance(60)
        answers.append(browser.get(path, **request_).status_code)

    assert answers == [200] * 29 + [401 if request_ else 303]


@pytest.mark.parametrize(
    "cookie", ["console=", "console=x", "other={}", "console={}x", "CONSOLE={}", "__Host-console={}"]
)
def test_other_cookies_sign_nobody_in(env: ConsoleEnv, cookie: str) -> None:
    token = env.installation().token

    answer = env.browser().get("/", cookie=cookie.format(token))

    assert answer.headers["location"] == "/signin"


def test_own_cookie_is_found_among_others(env: ConsoleEnv) -> None:
    token = env.installation().token

    assert env.browser().get("/", cookie=f"a=1; console={token}; b=2").status_code == 200


def test_every_page_names_who_is_signed_in(nordlicht: ConsoleEnv) -> None:
    assert "Signed in as installation (root)" in text_of(nordlicht.installation().get("/"))
    assert f"Signed in as {MANAGER}" in text_of(nordlicht.member(MANAGER).get("/w/1"))


def test_sign_in_pages_are_clean_html(env: ConsoleEnv) -> None:
    for path in ("/signin", "/signin?ended=idle", "/signin?ended=nonsense", "/enter", "/enter?t=%22%3E%3Cscript%3E"):
        parsed(env.browser(url=URL).get(path))
