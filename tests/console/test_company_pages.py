"""Signing in with a company account, as a browser sees it."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from httpx import Response

from tests.console.environment import ADMIN, MANAGER, STRANGER, URL, VIEWER, Browser, ConsoleEnv, parsed, text_of
from tests.fakes.identity_provider import AUTHORIZE, FakeIdentityProvider, answered
from workspace_operator.access.model import Member, Role
from workspace_operator.application.sessions.tokens import digest_of

CALLBACK = "/signin/company/callback"


@pytest.fixture
def provider() -> FakeIdentityProvider:
    return FakeIdentityProvider()


@pytest.fixture
def env(provider: FakeIdentityProvider) -> ConsoleEnv:
    env = ConsoleEnv(provider=provider)
    env.workspace("club")
    env.account("club")
    return env


def sign_in(browser: Browser, start: str = "/signin/company", **changes: str) -> Response:
    """Follow the way to the provider and back."""
    started = browser.get(start)
    assert started.status_code == 303
    browser.cookie = started.headers["set-cookie"].partition(";")[0]
    return browser.get(f"{CALLBACK}?{urlencode({**answered(started.headers['location']), **changes})}")


def session_of(answer: Response) -> str:
    [cookie] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("console=")]
    return cookie.partition(";")[0].removeprefix("console=")


def test_link_leads_to_the_provider_with_a_cookie(env: ConsoleEnv) -> None:
    page = env.browser().get("/signin")
    link = next(link for link in parsed(page).iter() if link.attrib.get("class") == "main")
    answer = env.browser().get(link.attrib["href"].removeprefix(URL))

    assert "Sign in with company account" in text_of(page)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, AUTHORIZE)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("signin=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Lax"}


def test_member_is_signed_in_and_the_attempt_is_over(env: ConsoleEnv) -> None:
    answer = sign_in(env.browser())

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "signin=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax" in answer.headers.get_list("set-cookie")
    browser = env.browser(token=session_of(answer))
    assert f"Signed in as {ADMIN}" in text_of(browser.get("/w/1"))


def test_without_a_provider_there_is_no_company_sign_in() -> None:
    env = ConsoleEnv()

    assert "company" not in env.browser().get("/signin").text
    assert env.browser().get("/signin/company").status_code == 404
    assert env.browser().get(CALLBACK).status_code == 404


@pytest.mark.parametrize("path", ["/w/1", "/w/1/cleanup?kind=invalidEmail&find=a%40b.example", "/account"])
def test_one_comes_back_to_the_page_that_was_asked_for(env: ConsoleEnv, path: str) -> None:
    browser = env.browser()
    asked = browser.get(path)
    page = parsed(browser.get(asked.headers["location"]))
    link = next(link for link in page.iter() if link.attrib.get("class") == "main").attrib["href"]

    assert sign_in(browser, link.removeprefix(URL)).headers["location"] == path


def test_one_comes_back_after_being_signed_out_by_time(env: ConsoleEnv) -> None:
    browser = env.member(VIEWER)
    env.store.clock.advance(1_801)

    answer = browser.get("/w/1/history")

    assert answer.headers["location"] == "/signin?ended=idle&next=%2Fw%2F1%2Fhistory"
    assert "without activity. Your decisions are saved." in text_of(browser.get(answer.headers["location"]))


def test_form_and_refreshing_page_do_not_come_back(env: ConsoleEnv) -> None:
    browser = env.browser()

    assert browser.post("/w/1/cleanup/decide", {"action": "keep"}).headers["location"] == "/signin"
    assert browser.get("/?refresh=1").headers["location"] == "/signin"
    assert browser.get("/w/1?refresh=1").headers["location"] == "/signin?next=%2Fw%2F1"
    assert browser.get("/w/1", x_part="people").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/signin",
    ],
)
def test_no_other_place_opens_afterwards(env: ConsoleEnv, path: str) -> None:
    query = urlencode({"next": path})

    assert "evil" not in env.browser().get(f"/signin?{query}").text
    assert sign_in(env.browser(), f"/signin/company?{query}").headers["location"] == "/"


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (
            {"email": STRANGER},
            f"{STRANGER} is in no account here. Ask an admin to add this address to the Account resource.",
        ),
        (
            {"is_email_verified": False},
            "Your company account has not confirmed this address, so it cannot be used here.",
        ),
        ({"email": ""}, "Your company account names no e-mail address"),
    ],
)
def test_refusal_says_why(
    env: ConsoleEnv, provider: FakeIdentityProvider, identity: dict[str, object], message: str
) -> None:
    provider.identity = replace(provider.identity, **identity)  # type: ignore[arg-type]

    answer = sign_in(env.browser())

    assert answer.status_code == 403
    assert message in text_of(answer)
    assert "Try again" in text_of(answer)
    assert answer.headers.get_list("set-cookie") == ["signin=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]


def test_another_company_account_is_refused_until_the_reset(env: ConsoleEnv, provider: FakeIdentityProvider) -> None:
    first = env.browser(token=session_of(sign_in(env.browser())))
    provider.identity = replace(provider.identity, subject="0002")
    refused = sign_in(env.browser())
    root = env.installation()
    root.post("/account/1/sign-ins/reset", {"key": ADMIN, "form_token": root.form_token()})

    assert (
        "This address was used with another company account before. An admin can reset it under Account > Sign-ins."
        in text_of(refused)
    )
    assert first.get("/").status_code == 303
    assert sign_in(env.browser()).status_code == 303


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("access_denied", "The company sign-in was cancelled (access_denied)."),
        ("<script>alert(1)</script>", "The company sign-in was cancelled (no reason given)."),
        ("a" * 41, "The company sign-in was cancelled (no reason given)."),
    ],
)
def test_error_of_the_provider_is_named(env: ConsoleEnv, error: str, shown: str) -> None:
    answer = sign_in(env.browser(), error=error, error_description="<b>Call 0900 evil</b>")

    assert answer.status_code == 403
    assert shown in text_of(answer)
    assert "evil" not in answer.text


@pytest.mark.parametrize("query", ["", "?code=x&state=y", "?error=access_denied", "?code=x&code=y&state="])
def test_callback_without_an_attempt_signs_nobody_in(env: ConsoleEnv, query: str) -> None:
    answer = env.browser().get(f"{CALLBACK}{query}")

    assert answer.status_code == 403
    assert "This sign-in was begun in another browser or window" in text_of(answer)
    assert env.store.audit_log.entries(0, limit=1) == []


def test_callback_is_replayed_in_vain(env: ConsoleEnv) -> None:
    browser = env.browser()
    started = browser.get("/signin/company")
    browser.cookie = started.headers["set-cookie"].partition(";")[0]
    path = f"{CALLBACK}?{urlencode(answered(started.headers['location']))}"

    assert [browser.get(path).status_code for _ in range(2)] == [303, 403]


def test_provider_that_is_away_is_told_apart_from_the_database(env: ConsoleEnv, provider: FakeIdentityProvider) -> None:
    provider.is_away = True

    answer = env.browser().get("/signin/company")

    assert answer.status_code == 503
    assert "The company sign-in does not answer as it should." in text_of(answer)


def test_sign_in_gives_a_browser_a_new_secret(env: ConsoleEnv) -> None:
    """A session that somebody planted in a browser is over after its person has signed in."""
    planted = env.installation()
    started = planted.get("/signin/company")
    attempt = started.headers["set-cookie"].partition(";")[0]
    browser = env.browser(token=planted.token)
    browser.cookie = f"{browser.cookie}; {attempt}"

    answer = browser.get(f"{CALLBACK}?{urlencode(answered(started.headers['location']))}")

    assert session_of(answer) != planted.token
    assert env.store.sessions.find_session(digest_of(planted.token)) is None


def test_cookie_over_tls_is_bound_to_the_host(provider: FakeIdentityProvider) -> None:
    env = ConsoleEnv(provider=provider, options={"console_url": "https://console.example"})

    answer = env.browser(url="https://console.example").get("/signin/company")
    link = env.browser().get("/signin")

    assert answer.headers["set-cookie"].startswith("__Host-signin=")
    assert answer.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert 'href="https://console.example/signin/company"' in link.text


def test_sign_ins_are_limited_by_network(env: ConsoleEnv) -> None:
    answers = [env.browser(client=(f"127.0.0.{number}", 1)).get(CALLBACK).status_code for number in range(1, 12)]

    assert answers == [403] * 10 + [429]


def test_role_is_read_at_each_request(env: ConsoleEnv, provider: FakeIdentityProvider) -> None:
    provider.identity = replace(provider.identity, email=MANAGER)
    browser = env.browser(token=session_of(sign_in(env.browser())))
    token = browser.form_token("/w/1")
    viewer = Member(email=MANAGER, workspaces=frozenset(("club",)), role=Role.VIEWER)
    env.account(members=(viewer,))
    lowered = browser.post("/w/1/cleanup/retry", {"form_token": token})
    env.account(members=())
    removed = browser.post("/w/1/cleanup/retry", {"form_token": token})

    assert (lowered.status_code, removed.status_code) == (403, 404)
    assert "You can view Club, but your role does not allow this." in text_of(lowered)
