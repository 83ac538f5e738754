"""Ids, addresses, attributes and events of people are hostile, and appear as text on the pages of people."""

import pytest

from tests.console.cleanups.club import Club
from tests.console.environment import HTML, parsed
from tests.console.hostile import HOSTILE
from tests.console.people.visits import find, path, send
from tests.console.test_hostile_values import HIDDEN
from workspace_operator.console.views.cleanups.groups import MAX_CELL
from workspace_operator.console.views.formats import visible
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType

hostile = pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))


@hostile
def test_person_is_shown_as_text(empty_club: Club, value: str) -> None:
    id_ = f"{value[:100]} 1"
    empty_club.add(id_, f"{value[:100]} @", **{value[:100]: value[:1000], "name": value[:1000]})
    empty_club.add("other", f"{value[:100]} @")
    event = ActivityLogged(
        type=ActivityType.EVENT, cio_id=empty_club.cio_ids[id_], at=1, name=value[:100], data={"x": value}
    )
    empty_club.store.append_events(empty_club.workspace.workspace_id, [event])
    browser = empty_club.console.installation()

    page = browser.get(path(empty_club, id_))
    merging = browser.get(f"{path(empty_club, id_)}/merge?with={empty_club.cio_ids['other']}")
    searched = find(empty_club, empty_club.cio_ids[id_])

    shown = ["".join(each.itertext()) for each in parsed(page).iter(f"{HTML}bdi")]
    assert visible(value[:1000]) in shown
    assert visible(value[:100], limit=MAX_CELL) in shown
    assert visible(value[:100]) in shown
    for answer in (page, merging, searched):
        assert answer.status_code == 200
        assert not [each for each in parsed(answer).iter(f"{HTML}script") if not each.get("src")]
        assert HIDDEN.search(answer.text.replace("\n", "")) is None


@hostile
def test_what_somebody_enters_is_shown_as_text(club: Club, value: str) -> None:
    browser, value = club.console.installation(), value[:900]

    found = find(club, value)
    merging = browser.send("GET", f"{path(club, 'm-1007')}/merge", headers={}, params={"with": value})
    corrected = send(club, "m-1007", "address", email=value)
    deleted = send(club, "m-1007", "delete", typed=value)
    noted = browser.send("GET", path(club, "m-1007"), headers={}, params={"done": value, "merged": value})

    assert (corrected.status_code, deleted.status_code, noted.status_code) == (422, 422, 200)
    for answer in (found, merging, corrected, deleted, noted):
        assert answer.status_code in (200, 422)
        assert not [each for each in parsed(answer).iter(f"{HTML}script") if not each.get("src")]
        assert HIDDEN.search(answer.text.replace("\n", "")) is None
