"""Pages as a whole and in parts, compressed and unchanged; static files; errors of the store and of ours."""

from dataclasses import replace
from typing import Any

import pytest

from tests.console.environment import HTML, ConsoleEnv, parsed, text_of
from workspace_operator.errors import Conflict, InvalidInput, StaleRevision, StoreUnavailable
from workspace_operator.workspaces.model import PeopleCounts

PART = {"x_part": "workspaces"}


class Failing:
    """Use cases that fail with an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def list(self, _viewer: object) -> object:
        raise self.error


def failing(env: ConsoleEnv, error: Exception) -> ConsoleEnv:
    return ConsoleEnv(store=env.store, options={"summaries": Failing(error)})


def test_part_replaces_the_element_of_its_name(nordlicht: ConsoleEnv) -> None:
    answer = nordlicht.installation().get("/", **PART)

    assert answer.text.startswith('<template data-replaces="workspaces"><div id="workspaces" data-say=')
    assert answer.text.count("<template") == 1
    assert "<html" not in answer.text


def test_unknown_parts_are_left_out(nordlicht: ConsoleEnv) -> None:
    answer = nordlicht.installation().get("/", x_part='workspaces gone "><script>')

    assert answer.text.count("data-replaces") == 1
    assert "script" not in answer.text


def test_unchanged_part_is_not_sent_again(nordlicht: ConsoleEnv) -> None:
    browser = nordlicht.installation()
    etag = browser.get("/", **PART).headers["etag"]

    again = browser.get("/", **PART, if_none_match=etag)
    nordlicht.workspace("staging")
    changed = browser.get("/", **PART, if_none_match=etag)

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_signed_out_browser_gets_no_part(nordlicht: ConsoleEnv) -> None:
    answer = nordlicht.browser().get("/", **PART)

    assert (answer.status_code, answer.content) == (401, b"")


def test_whole_page_has_no_etag(nordlicht: ConsoleEnv) -> None:
    """It has a token that differs each time, and must not be kept."""
    answer = nordlicht.installation().get("/", if_none_match="*")

    assert answer.status_code == 200
    assert "etag" not in answer.headers


@pytest.mark.parametrize(
    ("accepted", "coding"), [("gzip, br", "gzip"), ("gzip;q=0.5", "gzip"), ("br", None), ("", None)]
)
def test_page_is_compressed_for_those_who_can_read_it(nordlicht: ConsoleEnv, accepted: str, coding: str | None) -> None:
    answer = nordlicht.installation().get("/", accept_encoding=accepted)

    assert answer.headers.get("content-encoding") == coding
    assert "accept-encoding" in answer.headers["vary"]
    parsed(answer)


def test_head_is_a_page_without_its_body(nordlicht: ConsoleEnv) -> None:
    browser = nordlicht.installation()

    answer = browser.send("HEAD", "/", headers={"accept-encoding": ""})

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(browser.get("/", accept_encoding="").content)


def test_static_files_are_kept_for_ever(env: ConsoleEnv) -> None:
    page = parsed(env.browser().get("/signin"))
    links = [
        *(element.attrib["href"] for element in page.findall(f".//{HTML}link[@rel='stylesheet']")),
        *(element.attrib["src"] for element in page.findall(f".//{HTML}script")),
    ]

    answers = [env.browser().get(link, accept_encoding=coding) for link in links for coding in ("gzip", "")]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert [answer.headers["content-type"] for answer in answers[::2]] == [
        "text/css; charset=utf-8",
        "text/javascript; charset=utf-8",
    ]
    assert [answer.headers.get("content-encoding") for answer in answers] == ["gzip", None] * 2
    assert answers[0].text == answers[1].text


@pytest.mark.parametrize(
    "path", ["/static/console.css", "/static/", "/static/../app.py", "/static/console.000000000000.js"]
)
def test_other_files_are_not_served(env: ConsoleEnv, path: str) -> None:
    assert env.browser().get(path).status_code == 404


def test_store_that_is_away_says_so_and_tries_again(nordlicht: ConsoleEnv) -> None:
    env = failing(nordlicht, StoreUnavailable("could not connect to db.internal.example: password=x"))

    answer = env.installation().get("/")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "The database does not answer. Nothing was lost. This page tries again in 10 seconds." in text_of(answer)
    assert "internal.example" not in answer.text
    assert '<noscript><meta http-equiv="refresh" content="10; url=/"></noscript>' in answer.text


def test_defect_has_a_number_and_no_details(nordlicht: ConsoleEnv, caplog: pytest.LogCaptureFixture) -> None:
    env = failing(nordlicht, ZeroDivisionError("secret"))

    answer = env.installation().get("/")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    [number] = {record.request_id for record in env.records}
    assert f"Request {number}: give this number to whoever runs the console." in text_of(answer)
    assert f"request {number} (GET /) failed" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (InvalidInput("the address needs a dot"), 400, "The form was not understood. the address needs a dot"),
        (StaleRevision("Lena changed 3 of these"), 409, "This was changed in the meantime. Lena changed 3 of these"),
        (Conflict("another cleanup is open"), 409, "another cleanup is open"),
    ],
)
def test_errors_of_use_cases_are_pages(nordlicht: ConsoleEnv, error: Exception, status: int, words: str) -> None:
    answer = failing(nordlicht, error).installation().get("/")

    assert answer.status_code == status
    assert words in text_of(answer)


class SlowPeople:
    """A counter that has no counts yet."""

    def counts(self, numbers: list[int]) -> dict[int, PeopleCounts | None]:
        return dict.fromkeys(numbers)


def counting(env: ConsoleEnv) -> ConsoleEnv:
    summaries: Any = env.dependencies().summaries
    return ConsoleEnv(store=env.store, options={"summaries": replace(summaries, people=SlowPeople())})


def test_page_that_is_counting_refreshes_itself(nordlicht: ConsoleEnv) -> None:
    browser = counting(nordlicht).installation()

    page, overview = browser.get("/"), browser.get("/w/1")

    assert "counting…" in text_of(page)
    assert '<div id="workspaces" data-poll="/">' in page.text
    assert '<noscript><meta http-equiv="refresh" content="5; url=/?refresh=1"></noscript>' in page.text
    assert '<div id="overview" data-poll="/w/1">' in overview.text


def test_page_at_rest_does_not_refresh_itself(nordlicht: ConsoleEnv) -> None:
    page = nordlicht.installation().get("/")

    assert "data-poll" not in page.text
    assert "http-equiv" not in page.text
