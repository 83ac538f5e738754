"""Rules in the console: added, counted, looked at, confirmed, and removed."""

from collections.abc import Sequence

import pytest
from httpx import Response

from tests.console.cleanups.club import ADA_SILVA, LENA, Club, words_of
from tests.console.environment import HTML, VIEWER, Browser, hidden_fields, parsed
from tests.console.hostile import HOSTILE
from workspace_operator.cleanups.rules import Rule, RuleAction, RuleState, StoredRule
from workspace_operator.console.views.cleanups.groups import MAX_CELL
from workspace_operator.console.views.formats import visible


@pytest.fixture
def browser(club: Club) -> Browser:
    return club.console.installation()


def rules(club: Club) -> Sequence[StoredRule]:
    assert club.store.cleanup_rules is not None
    return club.store.cleanup_rules.rules(club.workspace.workspace_id, club.cleanup.number)


def send(club: Club, browser: Browser, action: str, **fields: str) -> Response:
    """Send a form of rule 1 as its page has it, but for some fields."""
    path = f"{club.path}/rules/1"
    return browser.post(f"{path}/{action}", {**hidden_fields(browser.get(path), f"/{action}"), **fields})


def test_clean_up_page_leads_to_the_rules(club: Club, browser: Browser) -> None:
    before = browser.get(club.path)
    club.add_rule(browser, action="clearAll")

    after = words_of(browser.get(club.path))

    assert "Rules: none. Add a rule" in words_of(before)
    assert f'href="{club.path}/rules"' in before.text
    assert "Rules: 1. Show the rules" in after


def test_looking_at_the_rules_opens_no_draft(club: Club, browser: Browser) -> None:
    page = browser.get(f"{club.path}/rules")

    assert "Rules: none. Add a rule" in words_of(page)
    assert club.store.sql_cleanups.cleanups(club.workspace.workspace_id) == []


def test_rule_from_the_form_to_its_removal(club: Club, browser: Browser) -> None:
    path = f"{club.path}/rules/1"

    added = club.add_rule(browser, action="mergeIntoOldest")
    counting, bar = browser.get(path), words_of(browser.get(club.path))
    club.work()
    counted = browser.get(path)
    confirmed = send(club, browser, "confirm", **hidden_fields(counted, "/confirm"))
    deciding, busy = words_of(browser.get(path)), words_of(browser.get(club.path))
    club.work()
    decided, clean_up = words_of(browser.get(path)), words_of(browser.get(club.path))
    removed = send(club, browser, "remove")
    removing = words_of(browser.get(f"{club.path}/rules"))
    club.work()

    assert (added.status_code, added.headers["location"]) == (303, path)
    assert "Counting what rule 1 decides about: 0 groups so far…" in words_of(counting)
    assert f'data-poll="{path}"' in counting.text
    assert "0 decisions. Counting what rule 1 decides about: 0 groups so far…" in bar
    assert (
        "This rule would decide about 2 groups (5 people). It has not been added yet. It settles all of these groups."
        in words_of(counted)
    )
    assert "data-poll" not in counted.text
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, path)
    assert "Rule 1 is deciding: 0 groups so far…" in deciding
    assert "Rule 1 is deciding" in busy
    assert "This rule has decided about 2 groups (5 people)." in decided
    assert "5 decisions. With these decisions, 3 people would still block the change." in clean_up
    assert (removed.status_code, removed.headers["location"]) == (303, f"{club.path}/rules")
    assert "The decisions of rule 1 are being removed…" in removing
    assert rules(club) == []
    assert browser.get(path).status_code == 404


def test_bar_cannot_apply_while_a_rule_decides(club: Club, browser: Browser) -> None:
    club.decide(browser, "daniel@club.example", f"useid {club.cio_ids['dan@club.example']}")
    club.add_rule(browser, action="mergeIntoOldest")
    club.work()
    send(club, browser, "confirm", groups="2", people="5")

    for path in (club.path, f"{club.path}/review"):
        [button] = [each for each in parsed(browser.get(path)).iter(f"{HTML}button") if each.text == "Apply 1 decision"]
        assert "disabled" in button.attrib


def test_conditions_of_the_form(club: Club, browser: Browser) -> None:
    club.add_rule(
        browser,
        action="deleteOthers",
        max_people=" 5 ",
        equal_attributes="plan, first_name,",
        calls="days",
        days="30",
        suffix="@Club.example",
    )
    club.add_rule(browser, action="clearAll", calls="never", days="")

    now = int(club.store.clock().timestamp())
    assert [stored.rule for stored in rules(club)] == [
        Rule(
            action=RuleAction.DELETE_OTHERS,
            max_people=5,
            equal_attributes=("plan", "first_name"),
            not_called_since=now - 30 * 86_400,
            suffix="@club.example",
        ),
        Rule(action=RuleAction.CLEAR_ALL, not_called_since=0),
    ]
    said = words_of(browser.get(f"{club.path}/rules"))
    assert (
        "Delete the others At most 5 people share the address All of them have the same value of plan, or none" in said
    )
    assert "No system has sent data about any of them since" in said
    assert "The address ends with @club.example" in said
    assert "Clear the address of all No system has sent data about any of them, as far as this is recorded" in said


@pytest.mark.parametrize(
    ("fields", "wrong", "message"),
    [
        ({"max_people": "1"}, "max_people", "At most this many people is 1: send a whole number from 2"),
        ({"max_people": "few"}, "max_people", "At most this many people is 'few': send a whole number"),
        ({"max_people": "9" * 12}, "max_people", "send a whole number from 2 to 1000000000"),
        ({"equal_attributes": "plan,email"}, "equal_attributes", "'email' is no attribute that could be equal"),
        ({"suffix": "@"}, "suffix", "Address ends with '@' is not the end of an address"),
        ({"calls": "days", "days": "0"}, "days", "'0' is no number of days from 1 to 10000"),
        ({"calls": "days", "days": "soon"}, "days", "'soon' is no number of days"),
    ],
)
def test_wrong_field_is_explained_beside_it(
    club: Club, browser: Browser, fields: dict[str, str], wrong: str, message: str
) -> None:
    answer = club.add_rule(browser, action="clearOthers", **fields)

    assert answer.status_code == 422
    assert message in words_of(answer)
    [field] = [each.attrib for each in parsed(answer).iter(f"{HTML}input") if "aria-invalid" in each.attrib]
    assert (field["name"], field["aria-describedby"], field["value"]) == (wrong, "note", fields[wrong])
    checked = [each.attrib["value"] for each in parsed(answer).iter(f"{HTML}input") if "checked" in each.attrib]
    assert checked == ["clearOthers", fields.get("calls", "")]
    assert club.store.sql_cleanups.cleanups(club.workspace.workspace_id) == []


def test_unknown_action_is_refused(club: Club, browser: Browser) -> None:
    answer = club.add_rule(browser, action="deleteAll")

    assert (answer.status_code, "'deleteAll' is unknown" in words_of(answer)) == (422, True)


def test_rule_that_leaves_groups_open(empty_club: Club) -> None:
    empty_club.fill()
    empty_club.add("m-1006", "gone@club.example")
    empty_club.block()
    browser = empty_club.console.installation()
    empty_club.add_rule(browser, action="mergeIntoOldest")
    empty_club.work()

    said = words_of(browser.get(f"{empty_club.path}/rules/1"))

    assert "This rule would decide about 3 groups (7 people)." in said
    assert "1 group stays open because somebody has another problem, too." in said


def test_rule_about_nobody_cannot_be_confirmed(club: Club, browser: Browser) -> None:
    club.add_rule(browser, action="clearAll", suffix="@nowhere.example")
    club.work()

    page = browser.get(f"{club.path}/rules/1")

    assert "This rule decides about nobody" in words_of(page)
    assert "Add rule" not in words_of(page)
    assert "Remove rule" in words_of(page)


def test_numbers_that_have_changed_are_shown_again(club: Club, browser: Browser) -> None:
    club.add_rule(browser, action="clearAll")
    club.work()

    answer = send(club, browser, "confirm", groups="2", people="4")

    assert answer.status_code == 409
    assert "The numbers have changed since you looked at them." in words_of(answer)
    now_seen = hidden_fields(answer, "/confirm")
    assert (now_seen["groups"], now_seen["people"]) == ("2", "5")
    assert rules(club)[0].state is RuleState.COUNTED


@pytest.mark.parametrize("action", ["confirm", "remove"])
def test_form_of_a_rule_does_nothing_to_another_one_of_its_number(club: Club, browser: Browser, action: str) -> None:
    path = f"{club.path}/rules/1"
    club.add_rule(browser, action="mergeIntoOldest")
    club.work()
    stale = hidden_fields(browser.get(path), f"/{action}")
    send(club, browser, "remove")
    club.work()
    club.add_rule(browser, action="deleteOthers")
    club.work()

    answer = browser.post(f"{path}/{action}", stale)

    assert answer.status_code == 409
    assert "The rule that you saw has been removed in the meantime." in words_of(answer)
    assert (rules(club)[0].state, rules(club)[0].rule.action) == (RuleState.COUNTED, RuleAction.DELETE_OTHERS)
    assert browser.post(f"{path}/{action}", hidden_fields(answer, f"/{action}")).status_code == 303


@pytest.mark.parametrize("action", ["confirm", "remove"])
def test_form_of_a_rule_does_nothing_to_a_rule_of_another_draft(club: Club, browser: Browser, action: str) -> None:
    path, of = f"{club.path}/rules/1", club.workspace.workspace_id
    club.add_rule(browser, action="mergeIntoOldest")
    club.work()
    stale = hidden_fields(browser.get(path), f"/{action}")
    club.store.sql_cleanups.discard(of, 1, actor=LENA, now=club.store.clock())
    club.add_rule(browser, action="mergeIntoOldest")
    club.work()

    answer = browser.post(f"{path}/{action}", stale)

    assert answer.status_code == 409
    assert "The rule that you saw has been removed in the meantime." in words_of(answer)
    assert (club.cleanup.number, rules(club)[0].state) == (2, RuleState.COUNTED)


@pytest.mark.parametrize("groups", ["two", "-1", "9" * 30])
def test_damaged_form_is_refused(club: Club, browser: Browser, groups: str) -> None:
    club.add_rule(browser, action="clearAll")
    club.work()

    assert send(club, browser, "confirm", groups=groups, people="5").status_code == 400


def test_groups_are_listed_with_their_pages(club: Club, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.pages.cleanups.rules.GROUPS", 1)
    club.add_rule(browser, action="clearAll")
    club.work()
    page = browser.get(f"{club.path}/rules/1")
    links = {"".join(each.itertext()): each.attrib["href"] for each in parsed(page).iter(f"{HTML}a")}

    first = browser.get(links["Look at 25 of them"])
    links = {"".join(each.itertext()): each.attrib["href"] for each in parsed(first).iter(f"{HTML}a")}
    second = browser.get(links["Next groups →"])

    assert "ada.silva@club.example 3 people share this address" in words_of(first)
    assert browser.get(links[ADA_SILVA]).status_code == 200
    assert "bo@club.example 2 people share this address" in words_of(second)
    assert "Next groups" not in words_of(second)


def test_groups_that_are_decided_are_not_listed(club: Club, browser: Browser) -> None:
    club.add_rule(browser, action="clearAll", suffix="bo@club.example")
    club.work()
    club.decide(browser, "bo@club.example", "clearOthers")

    said = words_of(browser.get(f"{club.path}/rules/1?groups=1"))

    assert "None of the groups read so far match this rule." in said


def test_no_rule_while_a_cleanup_is_applied(club: Club, browser: Browser) -> None:
    club.settle(browser)
    club.apply(browser)

    page = browser.get(f"{club.path}/rules")
    answer = club.add_rule(browser, action="clearAll")

    assert "No rule can be added now." in words_of(page)
    assert answer.status_code == 409
    assert browser.get(f"{club.path}/rules/1").status_code == 404


def test_viewer_sees_rules_but_cannot_press_anything(club: Club, browser: Browser) -> None:
    club.add_rule(browser, action="clearAll")
    club.work()
    viewer = club.console.member(VIEWER)

    pages = [viewer.get(f"{club.path}/rules{rule}") for rule in ("", "/1")]

    assert all("You can view this, but your role does not allow changes." in words_of(page) for page in pages)
    buttons = [each for each in parsed(pages[1]).iter(f"{HTML}button") if each.text in ("Add rule", "Remove rule")]
    assert ["disabled" in each.attrib for each in buttons] == [True, True]
    [fieldset] = parsed(pages[0]).iter(f"{HTML}fieldset")
    assert "disabled" in fieldset.attrib


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_what_somebody_enters_is_shown_as_text(club: Club, browser: Browser, value: str) -> None:
    wrong = club.add_rule(browser, action=value[:100], equal_attributes=value[:100], suffix=value[:60])
    name = value.replace(",", " ")[:100].strip()
    club.add_rule(browser, action="clearAll", equal_attributes=name)

    page = browser.get(f"{club.path}/rules")

    typed = [each.attrib["value"] for each in parsed(wrong).iter(f"{HTML}input") if each.get("name") == "suffix"]
    assert wrong.status_code == 422
    assert typed == [visible(value[:60].strip())]
    assert visible(name, limit=MAX_CELL) in {
        "".join(each.itertext()).removeprefix("All of them have the same value of ").removesuffix(", or none")
        for each in parsed(page).iter(f"{HTML}bdi")
    }
    assert "\u202e" not in page.text
