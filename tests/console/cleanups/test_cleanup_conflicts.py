"""Several people decide about one group: a form decides nothing that its sender did not see."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from httpx import Response

from tests.console.cleanups.club import ADA_SILVA, Club
from tests.console.environment import AUTHOR, HTML, MANAGER, SAME_ORIGIN, Browser, parsed, text_of
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, merge_into
from workspace_operator.store.repositories.cleanups.cleanups import SQLCleanups

PARTS = {**SAME_ORIGIN, "x-part": "group bar"}
MEANWHILE = f"{AUTHOR} decided about this person in the meantime. Decide again if you do not agree."
REMOVED = "The decision about this person was removed in the meantime. Decide again if you do not agree."


class Form:
    """The form of a group as a browser has loaded it, with the choices that are made in it."""

    def __init__(self, club: Club, browser: Browser, key: str = ADA_SILVA, path: str = "") -> None:
        self.club, self.browser = club, browser
        page = browser.get(path or f"{club.path}?find={key}")
        [section] = [each for each in parsed(page).iter(f"{HTML}section") if each.get("class") == "group"]
        [form] = section.iter(f"{HTML}form")
        inputs = list(form.iter(f"{HTML}input"))
        self.action = form.attrib["action"]
        self.fields = {each.attrib["name"]: each.attrib["value"] for each in inputs if each.get("type") == "hidden"}
        chosen = [each for each in inputs if each.get("type") == "radio" and "checked" in each.attrib]
        self.fields |= {each.attrib["name"]: each.attrib["value"] for each in chosen}

    def send(self, do: str = "", *, headers: Mapping[str, str] = SAME_ORIGIN, **choices: str) -> Response:
        """Send it as it is, but for some choices: by id, with _ for -."""
        people = self.fields["people"].split()
        made = {f"d{people.index(self.club.cio_ids[id_.replace('_', '-')])}": value for id_, value in choices.items()}
        form = {**self.fields, **made, **({"do": do} if do else {})}
        return self.browser.post(self.action, form, headers=headers)


def decisions(club: Club, *ids: str) -> list[Decision | None]:
    return [club.decision(club.cio_ids[id_]) for id_ in ids or ("m-1001", "m-1017", "m-1040")]


@pytest.fixture
def lena(club: Club) -> Browser:
    return club.console.member(MANAGER)


@pytest.fixture
def omar(club: Club) -> Browser:
    return club.console.member(AUTHOR)


def test_form_leaves_alone_what_its_sender_did_not_change(club: Club, lena: Browser, omar: Browser) -> None:
    Form(club, lena).send(m_1001="keep", m_1017="merge")
    stale = Form(club, lena)
    Form(club, omar).send(m_1017="clear")

    answer = stale.send(m_1040="delete")

    assert answer.status_code == 303
    assert decisions(club) == [KEEP, CLEAR, DELETE]


@pytest.mark.parametrize("choice", ["clear", "delete"])
def test_choice_about_somebody_who_was_decided_about_is_a_conflict(
    club: Club, lena: Browser, omar: Browser, choice: str
) -> None:
    stale = Form(club, lena)
    Form(club, omar).send(m_1017="keep")
    version = club.cleanup.version

    answer = stale.send(m_1017=choice, m_1040="delete")

    assert answer.status_code == 409
    assert MEANWHILE in text_of(answer)
    assert "New address" not in text_of(answer)
    assert (decisions(club), club.cleanup.version) == ([None, KEEP, None], version)


def test_group_of_a_conflict_is_shown_though_the_list_does_not_show_it_any_more(
    club: Club, lena: Browser, omar: Browser
) -> None:
    stale = Form(club, lena, path=f"{club.path}?show=open&find={ADA_SILVA}")
    Form(club, omar).send("mergeIntoOldest")

    answer = stale.send(m_1017="delete")

    assert answer.status_code == 409
    assert MEANWHILE in text_of(answer)


def test_script_is_told_of_a_conflict_in_the_group(club: Club, lena: Browser, omar: Browser) -> None:
    stale = Form(club, lena)
    Form(club, omar).send(m_1017="keep")

    answer = stale.send(headers=PARTS, m_1017="clear")

    assert answer.status_code == 200, "a script puts only the parts of such an answer into the page"
    assert MEANWHILE in answer.text
    assert "Nothing was decided: see the text under the decision." in answer.text
    assert decisions(club) == [None, KEEP, None]


def test_conflict_is_settled_by_deciding_again(club: Club, lena: Browser, omar: Browser) -> None:
    stale = Form(club, lena)
    Form(club, omar).send(m_1017="keep")
    stale.send(m_1017="clear")

    assert Form(club, lena).send(m_1017="clear").status_code == 303
    assert decisions(club) == [None, CLEAR, None]


def test_decision_that_was_removed_is_a_conflict(club: Club, lena: Browser, omar: Browser) -> None:
    Form(club, lena).send("mergeIntoOldest")
    stale = Form(club, lena)
    Form(club, omar).send("remove")

    answer = stale.send(m_1017="clear")

    assert answer.status_code == 409
    assert REMOVED in text_of(answer)
    assert decisions(club) == [None, None, None]


def test_same_choice_of_two_people_is_no_conflict(club: Club, lena: Browser, omar: Browser) -> None:
    stale = Form(club, lena)
    Form(club, omar).send(m_1017="clear")

    assert stale.send(m_1017="clear", m_1040="delete").status_code == 303
    assert decisions(club) == [None, CLEAR, DELETE]


def test_own_choices_overtake_each_other_without_a_conflict(club: Club, lena: Browser) -> None:
    first = Form(club, lena)
    first.send(m_1017="keep")

    assert first.send(m_1017="clear").status_code == 303
    assert decisions(club) == [None, CLEAR, None]


def test_merge_into_somebody_who_was_decided_about_is_a_conflict(club: Club, lena: Browser, omar: Browser) -> None:
    Form(club, lena).send(m_1001="keep")
    stale = Form(club, lena)
    Form(club, omar).send(m_1001="clear", m_1017="keep")

    answer = stale.send(m_1040="merge")

    assert answer.status_code == 409
    assert decisions(club) == [CLEAR, KEEP, None]


@pytest.mark.parametrize("do", ["mergeIntoOldest", "clearOthers", "deleteOthers", "remove"])
def test_button_of_a_group_acts_on_what_is_shown(club: Club, lena: Browser, omar: Browser, do: str) -> None:
    stale = Form(club, lena)
    Form(club, omar).send(m_1017="keep")

    answer = stale.send(do)

    assert answer.status_code == 409
    assert MEANWHILE in text_of(answer)
    assert decisions(club) == [None, KEEP, None]


def test_button_that_decides_what_somebody_else_did_is_no_conflict(club: Club, lena: Browser, omar: Browser) -> None:
    stale = Form(club, lena)
    Form(club, omar).send("mergeIntoOldest")

    assert stale.send("mergeIntoOldest").status_code == 303


def test_correction_of_somebody_who_was_decided_about_is_a_conflict(club: Club, lena: Browser, omar: Browser) -> None:
    cio_id = club.cio_ids["m-1017"]
    stale = Form(club, lena, path=f"{club.path}?find={ADA_SILVA}&open={cio_id}")
    Form(club, omar).send(m_1017="clear")
    stale.fields["email"] = "ada.s@club.example"

    answer = stale.send(f"correct {cio_id}")

    assert answer.status_code == 409
    assert MEANWHILE in text_of(answer)
    [field] = [each for each in parsed(answer).iter(f"{HTML}input") if each.get("name") == "email"]
    assert field.attrib["value"] == "ada.s@club.example"
    assert decisions(club) == [None, CLEAR, None]


def test_decision_between_reading_and_writing_is_a_conflict(
    club: Club, lena: Browser, omar: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, other = Form(club, lena), Form(club, omar)
    decide, overtaking = SQLCleanups.decide, [partial(other.send, m_1017="keep")]

    def overtaken(self: SQLCleanups, *args: object, **options: object) -> object:
        if overtaking:
            overtaking.pop()()
        return decide(self, *args, **options)  # type: ignore[arg-type]

    Form(club, lena).send(m_1001="keep")
    monkeypatch.setattr(SQLCleanups, "decide", overtaken)
    answer = form.send(m_1017="clear")

    assert answer.status_code == 409
    assert decisions(club) == [KEEP, KEEP, None]


def test_form_that_does_not_say_what_it_has_shown_is_refused(club: Club, lena: Browser) -> None:
    form = Form(club, lena)
    del form.fields["shown"]

    answer = form.send(m_1017="clear")

    assert answer.status_code == 400
    assert "load the page again" in text_of(answer)


@pytest.mark.parametrize(
    "steps",
    [
        [{"m_1017": "keep"}, {"m_1001": "clear"}],
        [{"m_1001": "clear"}, {"m_1017": "keep"}],
        [{"m_1017": "keep", "m_1001": "clear"}],
    ],
)
def test_merges_follow_to_the_person_who_keeps_the_address(
    club: Club, lena: Browser, steps: list[dict[str, Any]]
) -> None:
    Form(club, lena).send(m_1001="keep", m_1040="merge")
    assert decisions(club)[2] == merge_into(club.cio_ids["m-1001"])

    for step in steps:
        assert Form(club, lena).send(**step).status_code == 303

    assert decisions(club) == [CLEAR, KEEP, merge_into(club.cio_ids["m-1017"])]


def test_merges_follow_if_the_survivor_is_merged_itself(club: Club, lena: Browser) -> None:
    Form(club, lena).send(m_1001="keep", m_1040="merge")

    assert Form(club, lena).send(m_1017="keep", m_1001="merge").status_code == 303

    into = merge_into(club.cio_ids["m-1017"])
    assert decisions(club) == [into, KEEP, into]


def test_merge_into_a_person_that_was_named_stays(club: Club, lena: Browser) -> None:
    cio_id, named = club.cio_ids["m-1040"], club.cio_ids["m-1007"]
    Form(club, lena).send(m_1001="keep")
    club.decide(lena, ADA_SILVA, f"into {cio_id}", into="m-1007")

    Form(club, lena).send(m_1001="clear", m_1017="keep")

    assert decisions(club) == [CLEAR, KEEP, merge_into(named)]
