"""What a browser keeps while it signs in at the identity provider, and the pages that open afterwards."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.backends import START
from workspace_operator.application.sessions.attempts import MAX_PATH, SignInAttempt, local_path

ATTEMPT = SignInAttempt(secret="a" * 43, started_at=START, next_path="/w/7/cleanup?find=%C3%A9&show=all")


def test_attempt_is_read_as_it_was_written() -> None:
    assert SignInAttempt.read(ATTEMPT.token, now=START) == ATTEMPT


def test_secrets_differ_and_do_not_show_the_cookie() -> None:
    secrets = ATTEMPT.secrets

    assert len({secrets.state, secrets.nonce, secrets.code_verifier}) == 3
    assert {len(each) for each in (secrets.state, secrets.nonce, secrets.code_verifier)} == {43}
    assert ATTEMPT.secret not in (secrets.state, secrets.nonce, secrets.code_verifier)


def test_attempt_is_answered_by_its_state_only() -> None:
    state = ATTEMPT.secrets.state

    assert ATTEMPT.is_answered_by(state)
    assert not any(map(ATTEMPT.is_answered_by, ("", "é", state[:-1], state + "a", ATTEMPT.secrets.nonce)))


@pytest.mark.parametrize(
    "other",
    [
        replace(ATTEMPT, secret="b" * 43),
        replace(ATTEMPT, started_at=START + timedelta(seconds=1)),
        replace(ATTEMPT, next_path="/w/8"),
    ],
)
def test_state_binds_all_of_the_attempt(other: SignInAttempt) -> None:
    assert not other.is_answered_by(ATTEMPT.secrets.state)


@pytest.mark.parametrize(("seconds", "is_open"), [(0, True), (599, True), (600, False), (-1, False)])
def test_attempt_is_open_for_ten_minutes(seconds: int, is_open: bool) -> None:
    assert (SignInAttempt.read(ATTEMPT.token, now=START + timedelta(seconds=seconds)) is not None) is is_open


def cookie(*, secret: str = "a" * 43, seconds: object = int(START.timestamp()), path: bytes = b"/") -> str:
    return f"{secret}.{seconds}.{urlsafe_b64encode(path).decode()}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        cookie(secret="short"),
        cookie(seconds="x"),
        cookie(seconds="9" * 11),
        cookie(seconds=-1),
        cookie(path="/é".encode()),
        cookie() + "x",
        cookie().replace("Lw==", "L"),
    ],
)
def test_other_cookies_are_no_attempt(token: str) -> None:
    assert SignInAttempt.read(token, now=START) is None


def test_path_of_a_cookie_is_checked_again() -> None:
    attempt = SignInAttempt.read(cookie(path=b"//evil.example"), now=START)

    assert attempt is not None
    assert attempt.next_path == "/"


@pytest.mark.parametrize("path", ["/", "/w/7", "/w/7/cleanup?kind=invalidEmail&find=a%40b.example#g1", "/account/3"])
def test_local_paths_are_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "w/7",
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
        ),
        *("/\t/evil.example", "/w\n/7", "/w/7\r\nset-cookie: a=b", " /w/7", "/w 7", "/é", "javascript:alert(1)"),
        *("/signin", "/signin/company?next=/", "/signin/company/callback?code=x", "/signout", "/enter?t=x"),
        "/" + "a" * MAX_PATH,
    ],
)
def test_other_paths_become_the_start_page(path: str) -> None:
    assert local_path(path) == "/"
