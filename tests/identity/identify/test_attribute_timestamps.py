"""The end of identity-rules §4: what a ``_timestamp`` decides."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.identity.builders import COLUMNS, E2, I0, NOW, command, person, reference_by, run_identify, working_set
from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.attribute_timestamps import MAX_REMOVED_TIMESTAMPS
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import ChangeSet, WorkingSet
from workspace_operator.identity.values.attributes import AttributeUpdates, AttributeValue
from workspace_operator.identity.values.rules import IdentityRules, Mode

MADE = 1000
THEN = 2000

Times = dict[str, float]


def known(times: Times | None = None, **attributes: AttributeValue) -> Person:
    """Somebody made at MADE whose attributes are as old as that, but for these."""
    return replace(person("p", "1", None, inserted_at=MADE, **attributes), attribute_timestamps=times)


def identified(
    people: WorkingSet, at: float | None, body: AttributeUpdates, *, rules: IdentityRules = E2
) -> CommandResult:
    """A call that says so of the person, about that time."""
    return run_identify(rules, people, replace(command(reference_by("id", "1")), attributes=body, timestamp=at))


def kept(people: WorkingSet) -> tuple[object, object]:
    after = people.people["p"]
    return (after.attributes, after.attribute_timestamps)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("has", "at", "says", "keeps"),
    [
        pytest.param(known(plan="a"), MADE - 1, "b", ("a", None), id="older is dropped"),
        pytest.param(known(plan="a"), MADE - 0.5, "b", ("a", None), id="older by a part of a second"),
        pytest.param(known(plan="a"), MADE, "b", ("b", None), id="equal is written"),
        pytest.param(known(plan="a"), MADE + 0.5, "b", ("b", MADE + 0.5), id="newer is written"),
        pytest.param(known({"plan": THEN}, plan="a"), THEN - 1, "b", ("a", THEN), id="older than a change"),
        pytest.param(known({"plan": THEN}, plan="a"), THEN, "b", ("b", THEN), id="as old as a change"),
        pytest.param(known({"plan": THEN}, plan="a"), None, "b", ("b", NOW), id="without a time is now"),
        pytest.param(known({"plan": NOW + 5}, plan="a"), None, "b", ("b", NOW), id="now is never too late"),
        pytest.param(known({"plan": 7}, plan="a"), MADE, "b", ("b", None), id="as old as the person again"),
        pytest.param(known(plan="a"), NOW + 1, "b", ("b", NOW), id="the future is now"),
        pytest.param(known(plan="a"), 10**400, "b", ("b", NOW), id="the far future, too"),
        pytest.param(known(), 1, "b", ("b", 1), id="what was never there has no age"),
        pytest.param(known(), MADE, "b", ("b", None), id="what was never there, as old as the person"),
        pytest.param(known(plan="a"), THEN, None, (None, THEN), id="removal keeps its time"),
        pytest.param(known(plan="a"), MADE, "", (None, MADE), id="removal at once keeps its time"),
        pytest.param(known(plan="a"), MADE - 1, None, ("a", None), id="older removal is dropped"),
        pytest.param(known({"plan": THEN}), THEN - 1, "b", (None, THEN), id="older than the removal"),
        pytest.param(known({"plan": THEN}), THEN, "b", ("b", THEN), id="as old as the removal"),
        pytest.param(known({"plan": MADE}), MADE, None, (None, MADE), id="removed again"),
        pytest.param(known({"plan": MADE}), MADE, "b", ("b", None), id="brought back at once"),
        pytest.param(known(), THEN, None, (None, THEN), id="removal of nothing, later"),
        pytest.param(known(), MADE, None, (None, None), id="removal of nothing, at once"),
        pytest.param(known(plan="a"), THEN, "a", ("a", THEN), id="confirmation moves the time"),
    ],
)
def test_time_decides_what_is_written(
    column: str, has: Person, at: float | None, says: str | None, keeps: tuple[str | None, float | None]
) -> None:
    has = replace(has, id="1", email="a@x.org", email_key="a@x.org")
    people = working_set(COLUMNS[column], has)

    identified(people, at, {"plan": says}, rules=COLUMNS[column])

    value, time = keeps
    assert kept(people) == ({} if value is None else {"plan": value}, None if time is None else {"plan": time})


def test_late_backfill_undoes_no_confirmation() -> None:
    people = working_set(E2, known(plan="a"))

    confirmed = identified(people, THEN, {"plan": "a"})
    late = identified(people, THEN - 1, {"plan": "b"})

    assert (confirmed.effect, late.effect) == (Effect.UNCHANGED, Effect.UNCHANGED)
    assert kept(people) == ({"plan": "a"}, {"plan": THEN})


def test_confirmation_is_written_but_no_news() -> None:
    before = known(plan="a")
    people = working_set(E2, before)

    result = identified(people, None, {"plan": "a"})

    after = replace(before, attribute_timestamps={"plan": NOW})
    assert (result.effect, result.person, result.before) == (Effect.UNCHANGED, after, before)
    [replaced] = people.changes().replaced
    assert (replaced.after, people.events) == (after, [])


@pytest.mark.parametrize("body", [{}, {"plan": "b"}])
def test_call_that_comes_too_late_changes_nothing(body: dict[str, AttributeValue]) -> None:
    people = working_set(E2, known(plan="a"))

    result = identified(people, MADE - 1, body)

    assert (result.effect, result.reason) == (Effect.UNCHANGED, "")
    assert people.changes() == ChangeSet()


@pytest.mark.parametrize(
    ("at", "times"), [(None, None), (NOW, None), (NOW + 1, None), (THEN, {"plan": THEN, "city": THEN})]
)
def test_new_person_keeps_the_times_sent(at: float | None, times: Times | None) -> None:
    people = working_set(E2)

    result = identified(people, at, {"plan": "a", "city": None})

    assert result.person is not None
    assert (result.person.inserted_at, result.person.attributes) == (NOW, {"plan": "a"})
    assert result.person.attribute_timestamps == times


@given(st.dictionaries(st.integers(MADE + 1, NOW - 1), st.sampled_from(["a", "b", None]), max_size=5), st.data())
def test_order_of_arrival_does_not_matter(body: dict[int, str | None], data: st.DataObject) -> None:
    in_time, anyhow = working_set(E2, known(plan="z")), working_set(E2, known(plan="z"))

    for at in sorted(body):
        identified(in_time, at, {"plan": body[at]})
    for at in data.draw(st.permutations(list(body))):
        identified(anyhow, at, {"plan": body[at]})

    assert kept(anyhow) == kept(in_time)


def test_identifiers_have_no_times() -> None:
    people = working_set(E2, replace(known(), email="a@x.org", email_key="a@x.org"))

    changed = replace(command(reference_by("cio_id", "p"), {"id": "2", "email": "b@x.org"}), timestamp=1)
    result = run_identify(
        E2, people, replace(changed, attributes={"id": "3", "email": "c@x.org", "cio_id": "q", "plan": "a"})
    )

    assert result.refusals == ()
    assert (people.people["p"].id, people.people["p"].email) == ("2", "b@x.org")
    assert kept(people) == ({"plan": "a"}, {"plan": 1})


@pytest.mark.parametrize(
    ("email", "at", "says", "keeps"),
    [
        ("a", MADE - 1, "b", ("a", None)),
        ("a", THEN, "b", ("b", {"email": THEN})),
        ("a", THEN, None, (None, {"email": THEN})),
        ("a", MADE, None, (None, {"email": MADE})),
        (None, MADE - 1, "b", ("b", {"email": MADE - 1})),
    ],
)
def test_plain_email_has_a_time(
    email: str | None, at: int, says: str | None, keeps: tuple[str | None, Times | None]
) -> None:
    people = working_set(I0, person("p", "1", email, inserted_at=MADE))

    run_identify(I0, people, replace(command(reference_by("id", "1"), {"email": says}), timestamp=at))

    assert (people.people["p"].email, people.people["p"].attribute_timestamps) == keeps
    assert people.people["p"].attributes == {}


def test_oldest_removals_are_forgotten() -> None:
    removed: Times = {f"gone{number:03}": THEN + number for number in range(MAX_REMOVED_TIMESTAMPS)}
    people = working_set(E2, known({**removed, "plan": THEN}, plan="a", city="a"))

    identified(people, NOW, {"city": None})

    del removed["gone000"]
    assert people.people["p"].attribute_timestamps == {**removed, "plan": THEN, "city": NOW}


@pytest.mark.parametrize(
    ("mine", "theirs", "times"),
    [
        pytest.param(known(plan="a"), known(plan="b"), None, id="as old as both"),
        pytest.param(known({"plan": THEN}, plan="a"), known({"plan": 9}, plan="b"), {"plan": THEN}, id="its own value"),
        pytest.param(known(plan="a"), known({"plan": THEN}, plan="b"), None, id="its own value, though older"),
        pytest.param(known(), known({"plan": THEN}, plan="b"), {"plan": THEN}, id="the other's value"),
        pytest.param(known({"plan": 9}), known({"plan": 7}, plan="b"), {"plan": 7}, id="the other's for a removed one"),
        pytest.param(known({"plan": 9}), known({"plan": 7}), {"plan": 9}, id="removed by both"),
        pytest.param(known(), known({"plan": MADE}), {"plan": MADE}, id="removed by the other"),
        pytest.param(known(plan="a"), known({"plan": THEN}), None, id="removed by the other only"),
        pytest.param(
            known({"unsubscribed": 7}, unsubscribed=False),
            known({"unsubscribed": THEN}, unsubscribed=True),
            {"unsubscribed": THEN},
            id="unsubscribed by the other",
        ),
        pytest.param(
            known({"unsubscribed": THEN}, unsubscribed=True),
            known({"unsubscribed": 7}, unsubscribed=False),
            {"unsubscribed": THEN},
            id="unsubscribed itself",
        ),
    ],
)
def test_survivor_carries_times_along(mine: Person, theirs: Person, times: Times | None) -> None:
    merged = survivor(mine, replace(theirs, cio_id="q"), mode=Mode.EMAIL_OR_ID, now=NOW)

    assert merged.attribute_timestamps == times


def test_attributes_of_the_younger_are_younger() -> None:
    younger = person("q", "2", "a@x.org", inserted_at=THEN, plan="b")

    merged = {mode: survivor(known(), younger, mode=mode, now=NOW) for mode in Mode}

    assert {mode: each.attribute_timestamps for mode, each in merged.items()} == {
        Mode.EMAIL_OR_ID: {"plan": THEN},
        Mode.ID_ONLY: {"plan": THEN, "email": THEN},
        Mode.EMAIL_ONLY: {"plan": THEN},
    }


def test_survivor_forgets_the_oldest_removals() -> None:
    mine: Times = {f"mine{number:03}": THEN + number for number in range(MAX_REMOVED_TIMESTAMPS)}
    theirs: Times = {f"theirs{number:03}": THEN + number + 0.5 for number in range(MAX_REMOVED_TIMESTAMPS)}

    merged = survivor(known(mine), replace(known(theirs), cio_id="q"), mode=Mode.EMAIL_OR_ID, now=NOW)

    latest = sorted({**mine, **theirs}.items(), key=lambda each: each[1])[-MAX_REMOVED_TIMESTAMPS:]
    assert merged.attribute_timestamps == dict(latest)
