"""Forged requests, foreign names, plain HTTP, tokens of forms, and rates."""

from ipaddress import ip_network

import pytest

from tests.console.environment import SAME_ORIGIN, URL, ConsoleEnv, text_of
from workspace_operator.application.sessions.tokens import digest_of
from workspace_operator.console.core.routes import BODY_LIMIT
from workspace_operator.console.security.form_tokens import FIELD, form_token
from workspace_operator.console.security.headers import CONTENT_SECURITY_POLICY
from workspace_operator.console.security.rate_limits import BURST, SIGN_INS_PER_MINUTE

PUBLIC = "https://console.example"


def is_signed_in(env: ConsoleEnv, token: str) -> bool:
    return env.store.sessions.find_session(digest_of(token)) is not None


@pytest.mark.parametrize(
    ("headers", "is_done"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, True),  # the browser's word counts
        ({"origin": URL}, True),
        ({"sec-fetch-site": "cross-site", "origin": URL}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "https://127.0.0.1:8200"}, False),
        ({"origin": "http://127.0.0.1:8201"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_own_pages_change_something(env: ConsoleEnv, headers: dict[str, str], is_done: bool) -> None:
    browser = env.installation()

    answer = browser.post("/signout", {FIELD: browser.form_token()}, headers=headers)

    assert answer.status_code == (303 if is_done else 403)
    assert is_signed_in(env, browser.token) is not is_done


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_not_taken(env: ConsoleEnv, method: str) -> None:
    answer = env.installation().send(method, "/signout", headers=SAME_ORIGIN)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_reading_a_page_needs_no_origin(env: ConsoleEnv) -> None:
    assert env.installation().get("/", sec_fetch_site="cross-site").status_code == 200


@pytest.mark.parametrize("token", ["", "x", "A" * 88, "é", None])
def test_form_without_its_token_changes_nothing(env: ConsoleEnv, token: str | None) -> None:
    browser = env.installation()

    answer = browser.post("/signout", {"other": "1"} if token is None else {FIELD: token})

    assert answer.status_code == 403
    assert "This form is no longer valid. Nothing was changed." in text_of(answer)
    assert is_signed_in(env, browser.token)


def test_form_token_of_another_session_changes_nothing(env: ConsoleEnv) -> None:
    browser, other = env.installation(), env.installation()

    answer = browser.post("/signout", {FIELD: other.form_token()})

    assert answer.status_code == 403
    assert is_signed_in(env, browser.token)


def test_repeated_form_token_changes_nothing(env: ConsoleEnv) -> None:
    browser = env.installation()

    answer = browser.post("/signout", {FIELD: [browser.form_token(), browser.form_token()]})

    assert answer.status_code == 403


def test_form_token_differs_in_each_page(env: ConsoleEnv) -> None:
    browser = env.installation()

    assert len({browser.form_token() for _ in range(5)}) == 5


def test_form_token_works_in_every_process(env: ConsoleEnv) -> None:
    browser = env.installation()

    assert browser.post("/signout", {FIELD: form_token(browser.token)}).status_code == 303


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8200", 200),
        ("localhost:9", 200),
        ("[::1]:8200", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8200", 421),
        ("localhost.evil.example", 421),
        ("10.0.0.1:8200", 421),
        ("", 421),
        ("127.0.0.1:99999", 421),
    ],
)
def test_name_of_a_stranger_is_refused(env: ConsoleEnv, host: str, status: int) -> None:
    assert env.browser().get("/signin", host=host).status_code == status


def public(env: ConsoleEnv, **options: object) -> ConsoleEnv:
    return ConsoleEnv(store=env.store, options={"console_url": PUBLIC, **options})


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (PUBLIC, 200),
        (f"{PUBLIC}:443", 200),
        (f"{PUBLIC}:8443", 421),
        ("https://other.example", 421),
        ("https://localhost", 421),
        ("http://console.example", 403),
    ],
)
def test_console_is_served_under_its_url_over_tls(env: ConsoleEnv, url: str, status: int) -> None:
    browser = public(env).browser(url=url, client=("203.0.113.9", 1))

    assert browser.get("/signin").status_code == status


@pytest.mark.parametrize(
    ("proxy", "headers", "status"),
    [
        ("10.0.0.7", {"x_forwarded_proto": "https"}, 200),
        ("10.244.3.9", {"x_forwarded_proto": "https"}, 200),
        ("::ffff:10.244.3.9", {"x_forwarded_proto": "https"}, 200),
        ("10.245.0.1", {"x_forwarded_proto": "https"}, 403),
        ("unix", {"x_forwarded_proto": "https"}, 403),
        ("10.0.0.7", {"x_forwarded_proto": "http"}, 403),
        ("10.0.0.7", {}, 403),
        ("10.0.0.8", {"x_forwarded_proto": "https"}, 403),
    ],
)
def test_only_a_trusted_proxy_vouches_for_tls(
    env: ConsoleEnv, proxy: str, headers: dict[str, str], status: int
) -> None:
    browser = public(env, trusted_proxies=[ip_network("10.0.0.7"), ip_network("10.244.0.0/16")]).browser(
        url="http://console.example", client=(proxy, 1)
    )

    assert browser.get("/signin", **headers).status_code == status


def test_plain_http_from_elsewhere_is_refused(env: ConsoleEnv) -> None:
    answer = env.browser(client=("192.0.2.1", 1)).get("/signin")

    assert answer.status_code == 403
    assert "over TLS only" in text_of(answer)


@pytest.mark.parametrize("path", ["/", "/signin", "/nowhere", "/static/console.css", "/w/1"])
def test_every_answer_has_the_headers(nordlicht: ConsoleEnv, path: str) -> None:
    headers = nordlicht.installation().get(path).headers

    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers
    assert "server" not in headers


def test_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    for directive in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "trusted-types console"):
        assert directive in CONTENT_SECURITY_POLICY


def test_sign_ins_of_a_network_are_limited(env: ConsoleEnv) -> None:
    env = ConsoleEnv(store=env.store, options={"monotonic": lambda: 0.0})
    answers = [
        env.browser(client=(f"127.0.0.{number}", 1)).post("/enter", {"t": "x"}).status_code
        for number in range(1, SIGN_INS_PER_MINUTE + 2)
    ]

    assert answers == [403] * SIGN_INS_PER_MINUTE + [429]


def test_changes_of_a_session_are_limited(env: ConsoleEnv) -> None:
    env = ConsoleEnv(store=env.store, options={"monotonic": lambda: 0.0})
    browser, other = env.installation(), env.installation()
    browser.get("/")

    answers = [browser.post("/signout", {FIELD: "x"}) for _ in range(BURST + 1)]

    assert [answer.status_code for answer in answers] == [403] * BURST + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Too many requests. Try again in 1 seconds." in text_of(answers[-1])
    assert other.post("/signout", {FIELD: "x"}).status_code == 403


def test_invented_sessions_have_the_rate_of_their_network(env: ConsoleEnv) -> None:
    env = ConsoleEnv(store=env.store, options={"monotonic": lambda: 0.0})

    answers = [env.browser(token=f"invented-{number}").get("/").status_code for number in range(BURST + 1)]

    assert answers == [303] * BURST + [429]


def test_costly_pages_of_a_session_are_limited(env: ConsoleEnv) -> None:
    env = ConsoleEnv(store=env.store, options={"monotonic": lambda: 0.0})
    browser, other = env.installation(), env.installation()
    assert browser.get("/").status_code == 200, "it is the first one of this session, and counts for the network"

    answers = [browser.get("/").status_code for _ in range(BURST + 1)]

    assert answers[-1] == 429
    assert other.get("/").status_code == 200
    assert browser.get("/signin").status_code == 200


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"a" * (BODY_LIMIT + 1), "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"t=1", "text/plain", 415),
        (b"t=%ff", "application/x-www-form-urlencoded", 400),
        (b"t=\xff", "application/x-www-form-urlencoded", 400),
        (b"t=a%00b", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"t=1"] * 2001), "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_is_no_form_is_refused(env: ConsoleEnv, body: bytes, media_type: str, status: int) -> None:
    headers = {**SAME_ORIGIN, "content-type": media_type}

    answer = env.browser().send("POST", "/enter", headers=headers, content=body)

    assert answer.status_code == status
    text_of(answer)


def test_endless_form_is_cut_off(env: ConsoleEnv) -> None:
    async def pieces() -> object:
        for _ in range(100):
            yield b"a" * 10_000

    headers = {**SAME_ORIGIN, "content-type": "application/x-www-form-urlencoded"}

    answer = env.browser().send("POST", "/enter", headers=headers, content=pieces())

    assert answer.status_code == 413


def test_log_names_routes_and_no_secret(nordlicht: ConsoleEnv) -> None:
    browser = nordlicht.installation()
    for path in ("/w/1?secret=1", "/enter?t=secret", "/nowhere/secret"):
        browser.get(path)

    assert [(record.route, record.workspace_id) for record in nordlicht.records] == [
        ("/w/{workspace}", 1),
        ("/enter", 0),
        ("", 0),
    ]
    assert "secret" not in repr(nordlicht.records)
