"""Manual segments: the list, and the people of one."""

import pytest

from tests.console.cleanups.club import words_of
from tests.console.environment import HTML, VIEWER, ConsoleEnv, parsed
from tests.console.hostile import HOSTILE
from tests.console.reports.segments import Segments
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.reports import segments as views


@pytest.fixture
def made(env: ConsoleEnv) -> Segments:
    return Segments.of(env)


def rows_of(made: Segments, path: str = "") -> list[str]:
    page = parsed(made.console.installation().get(made.path + path))
    return [" ".join(" ".join(row.itertext()).split()) for row in page.iter(f"{HTML}tr")][1:]


def link_of(made: Segments, path: str, text: str) -> str | None:
    page = parsed(made.console.installation().get(made.path + path))
    links = (link for link in page.iter(f"{HTML}a") if "".join(link.itertext()) == text)
    return next((link.attrib["href"].removeprefix(made.path) for link in links), None)


def test_segments_are_listed_with_their_people(made: Segments) -> None:
    made.add("to delete", "a", "b")
    made.add("empty")

    assert rows_of(made) == [
        "to delete #1 2 people 1 Mar 2026, 12:00 UTC",
        "empty #2 0 people 1 Mar 2026, 12:00 UTC",
    ]


def test_workspace_without_segments_says_how_to_make_one(made: Segments) -> None:
    said = words_of(made.console.installation().get(made.path))

    assert "No segment yet. A segment is created from a CSV file by the command workspacectl segments create" in said


def test_large_segment_is_not_counted_to_the_end(made: Segments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.pages.reports.segments.MAX_COUNTED", 2)
    monkeypatch.setattr(views, "MAX_COUNTED", 2)
    made.add("large", "a", "b", "c", "d")

    assert rows_of(made)[0].startswith("large #1 more than 2 people")


def test_list_of_segments_goes_on(made: Segments) -> None:
    for number in range(views.SHOWN + 1):
        made.add(f"segment {number}")

    following = link_of(made, "", "Next segments →")

    assert following == "?after=25"
    assert [row.split(" 0 people")[0] for row in rows_of(made, following)] == ["segment 25 #26"]


def test_people_of_a_segment_are_listed(made: Segments) -> None:
    made.add("to delete", "a", "b")

    assert sorted(row.split()[1:] for row in rows_of(made, "/1")) == [["a", "a@club.example"], ["b", "b@club.example"]]


def test_list_of_people_goes_on(made: Segments) -> None:
    made.add("many", *map(str, range(views.MEMBERS + 1)))

    following = link_of(made, "/1", "Next people →")

    assert following is not None
    assert len(rows_of(made, "/1")) == views.MEMBERS
    assert len(rows_of(made, following)) == 1


def test_segment_without_people_says_so(made: Segments) -> None:
    made.add("empty")

    assert "Nobody is in this segment." in words_of(made.console.installation().get(f"{made.path}/1"))


@pytest.mark.parametrize("number", [1, 3])
def test_unknown_segment_is_not_found(made: Segments, number: int) -> None:
    made.console.store.segments.create(made.workspace.workspace_id, "two", now=made.console.store.clock())
    made.console.store.segments.remove(made.workspace.workspace_id, 1)
    made.add("other")  # has the number 1 again, or a higher one
    made.console.store.segments.remove(made.workspace.workspace_id, 1)

    assert made.console.installation().get(f"{made.path}/{number}").status_code == 404


@pytest.mark.parametrize("after", ["x", "-1", "9" * 19])
def test_wrong_position_is_named(made: Segments, after: str) -> None:
    answer = made.console.installation().get(f"{made.path}?after={after}")

    assert answer.status_code == 400
    assert "must be the number of a segment" in words_of(answer)


def test_viewer_is_told_who_may_download(nordlicht: ConsoleEnv) -> None:
    store = nordlicht.store
    store.segments.create(1, "to delete", now=store.clock())

    said = words_of(nordlicht.member(VIEWER).get("/w/1/segments/1"))

    assert "your role does not allow downloading. These people may: lena@" in said


@pytest.mark.parametrize("value", [value for value in HOSTILE if len(value) < 200], ids=range(39))
def test_names_are_shown_as_text(made: Segments, value: str) -> None:
    made.add(value, value)
    browser = made.console.installation()

    pages = [parsed(browser.get(path)) for path in (made.path, f"{made.path}/1")]

    texts = [["".join(element.itertext()) for element in page.iter(f"{HTML}bdi")] for page in pages]
    assert f"{visible(value)} #1" in texts[0]
    assert f"{visible(value)} #1" in texts[1]
    assert visible(value) in texts[1]
