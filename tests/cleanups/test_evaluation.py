"""What decisions settle: each reason of cleanups §4, and the count against carrying the decisions out."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.pages import rows
from tests.identity.builders import I0, NOW, person
from workspace_operator.cleanups.decisions import (
    CLEAR,
    DELETE,
    KEEP,
    Decision,
    DecisionContext,
    correct_to,
    merge_into,
    reason_refused,
)
from workspace_operator.cleanups.evaluation import (
    CONDITIONS,
    Evaluation,
    GroupCounts,
    OpenReason,
    PersonDecision,
    change_of,
    count_blocking,
    count_groups,
    evaluate_address,
    evaluate_without_address,
)
from workspace_operator.cleanups.execution import ExecutionContext, command_of, phase, skip_reason
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.person import Person, id_is_another_email
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Violation

KEY = "ada@example.com"
SHARED, SUPPRESSED = OpenReason.SHARED, OpenReason.SUPPRESSED
ANOTHER = OpenReason.ID_IS_ANOTHER_EMAIL

ONE, TWO, THREE = (person(f"p{number}", f"m-{number}", "Ada@example.com") for number in (1, 2, 3))
OTHER = person("p4", "m-4", "bob@example.com")
BY_ID = person("p5", "bob@example.com", "ada@example.com")
CORRECTED = correct_to(KEY)

# The sentence, people with decisions, whether the address is suppressed, how many block, and why.
ROWS: list[tuple[str, list[PersonDecision], bool, int, list[OpenReason]]] = [
    ("nobody decided about two", [(ONE, None), (TWO, None)], False, 2, [SHARED]),
    ("one keeps, one is undecided", [(ONE, KEEP), (TWO, None)], False, 2, [SHARED]),
    ("one keeps, one is cleared", [(ONE, KEEP), (TWO, CLEAR)], False, 0, []),
    ("one is left, who need not be decided about", [(ONE, None), (TWO, DELETE)], False, 0, []),
    ("one is merged into the other", [(ONE, KEEP), (TWO, merge_into("p1"))], False, 0, []),
    ("all are cleared", [(ONE, CLEAR), (TWO, CLEAR)], True, 0, []),
    ("two keep", [(ONE, KEEP), (TWO, KEEP), (THREE, CLEAR)], False, 2, [OpenReason.SEVERAL_KEEP]),
    ("two get it", [(ONE, CORRECTED), (TWO, CORRECTED)], False, 2, [OpenReason.GIVEN_TO_SEVERAL]),
    ("one gets what another has", [(ONE, None), (OTHER, CORRECTED)], False, 2, [OpenReason.TAKEN]),
    ("one gets what another gives up", [(ONE, correct_to("x@x.com")), (OTHER, CORRECTED)], False, 0, []),
    (
        "two get what two keep",
        [(ONE, KEEP), (TWO, KEEP), (OTHER, CORRECTED), (BY_ID, CORRECTED)],
        False,
        4,
        [OpenReason.SEVERAL_KEEP, OpenReason.GIVEN_TO_SEVERAL, OpenReason.TAKEN, ANOTHER],
    ),
    ("a suppressed address is kept", [(ONE, None)], True, 1, [SUPPRESSED]),
    ("a suppressed address is shared", [(ONE, None), (TWO, None)], True, 2, [SHARED, SUPPRESSED]),
    ("an id is another address", [(BY_ID, None)], False, 1, [ANOTHER]),
    ("one id of two is another address", [(BY_ID, None), (ONE, None)], False, 2, [SHARED, ANOTHER]),
    ("the address becomes the id", [(person("p6", KEY, "x@x.com"), CORRECTED)], False, 0, []),
    ("people of other addresses do not count", [(OTHER, None), (ONE, None)], False, 0, []),
]


@pytest.mark.parametrize(
    ("decided", "suppressed", "blocking", "reasons"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_address(decided: list[PersonDecision], suppressed: bool, blocking: int, reasons: list[OpenReason]) -> None:
    evaluation = evaluate_address(count_groups(decided, [KEY] if suppressed else []).get(KEY, GroupCounts()))

    assert evaluation == Evaluation(blocking=blocking, reasons=tuple(reasons))
    assert evaluation.is_settled == (blocking == 0)


def test_reasons_are_those_of_the_page() -> None:
    in_page = [row[0].strip("`") for row in rows("docs/spec/cleanups.md", "reason")]

    assert in_page[: len(CONDITIONS)] == [each.value for each in CONDITIONS]


@pytest.mark.parametrize(
    ("planned", "reasons"),
    [
        (person("p1", "m-1"), []),
        (person("p1"), []),
        (person("p1", "m-1", "ada@"), [OpenReason.INVALID]),
        (person("p1", "ada@example.com"), [ANOTHER]),
        (person("p1", "ada@example.com", "ada@"), [OpenReason.INVALID, ANOTHER]),
    ],
)
def test_person_without_address(planned: Person, reasons: list[OpenReason]) -> None:
    assert evaluate_without_address(planned) == Evaluation(blocking=min(len(reasons), 1), reasons=tuple(reasons))


@given(st.builds(GroupCounts, people=st.integers(0, 4), is_suppressed=st.booleans()), st.data())
def test_group_blocks_exactly_if_it_is_open(counts: GroupCounts, data: st.DataObject) -> None:
    drawn = st.integers(0, counts.people)
    keep, blocking_alone = data.draw(drawn), data.draw(drawn)
    corrected = data.draw(st.integers(0, counts.people - keep))
    evaluation = evaluate_address(
        GroupCounts(
            people=counts.people,
            keep=keep,
            corrected=corrected,
            blocking_alone=blocking_alone,
            is_suppressed=counts.is_suppressed,
        )
    )

    assert evaluation.is_settled == (evaluation.blocking == 0)


ADDRESSES = ("a@example.com", "A@example.com", "b@example.com", "c@example.com", "broken@", None)
IDS = ("a@example.com", "b@example.com", "d@example.com", "m-1", "m-2", "m-3", "m-4", "m-5")


@st.composite
def populations(draw: st.DrawFn) -> list[Person]:
    ids = draw(st.permutations(IDS))[: draw(st.integers(1, 6))]
    return [
        person(f"p{number}", id_ if draw(st.booleans()) else None, draw(st.sampled_from(ADDRESSES)))
        for number, id_ in enumerate(ids)
    ]


def violations_of(
    population: Collection[Person], suppressed: Collection[str], *, merges: bool = False
) -> Mapping[str, list[Violation]]:
    """Why each person blocks the migration, straight from identity-rules §7."""
    keys = Counter(each.email_key for each in population if each.email_key is not None)
    return {
        each.cio_id: [
            violation
            for violation, holds in (
                (Violation.DUPLICATE_EMAIL, not merges and keys[each.email_key or ""] > 1),
                (Violation.INVALID_EMAIL, each.email is not None and each.email_key is None),
                (Violation.SUPPRESSED_EMAIL, each.email_key in suppressed),
                (Violation.ID_IS_ANOTHER_EMAIL, id_is_another_email(each.id, each.email_key)),
            )
            if holds
        ]
        for each in population
    }


@st.composite
def cleanups(draw: st.DrawFn, *, merges: bool = False) -> tuple[list[PersonDecision], frozenset[str]]:
    """People with accepted decisions, and the suppressed keys; ``merges``: the migration merges duplicates."""
    population = draw(populations())
    suppressed = draw(st.frozensets(st.sampled_from(("a@example.com", "b@example.com"))))
    violations = violations_of(population, suppressed, merges=merges)
    names = [each.cio_id for each in population]
    decision = st.one_of(
        st.none(),
        st.sampled_from((KEEP, CLEAR, DELETE)),
        st.builds(correct_to, st.sampled_from(("a@example.com", "b@example.com", "new@example.com"))),
        st.builds(merge_into, st.sampled_from(names)),
    )
    drawn: dict[str, Decision | None] = {name: draw(decision) for name in names}
    by_name = {each.cio_id: each for each in population}
    for name, made in drawn.items():
        if made is None:
            continue
        survivor = made.survivor or ""
        context = DecisionContext(
            person=by_name[name],
            violations=violations[name],
            decision=made,
            survivor=by_name.get(survivor),
            survivor_decision=drawn.get(survivor),
        )
        if reason_refused(context) is not None:
            drawn[name] = None
    return [(each, drawn[each.cio_id]) for each in population], suppressed


def carried_out(decided: Sequence[PersonDecision]) -> Collection[Person]:
    """The people after the commands of the decisions, none of which is a reason to skip another one."""
    people = WorkingSet(mode=Mode.ID_ONLY, people=[each for each, _ in decided])
    made = [(each, decision) for each, decision in decided if decision is not None]
    keys = {each.cio_id: each.email_key for each, _ in decided}
    for before, decision in sorted(made, key=lambda pair: phase(pair[1])):
        now = ExecutionContext(
            decision=decision,
            decided_key=before.email_key,
            person=people.people.get(before.cio_id),
            survivor=people.people.get(decision.survivor or ""),
            decided_survivor_key=keys.get(decision.survivor or ""),
        )
        assert skip_reason(now) is None
        command = command_of(before.cio_id, decision)
        if command is not None:
            handle(I0, people, command, now=NOW, new_cio_id=lambda: "new")
    return people.people.values()


@given(cleanups())
def test_count_is_what_carrying_out_leaves(cleanup: tuple[list[PersonDecision], frozenset[str]]) -> None:
    decided, suppressed = cleanup

    left = violations_of(carried_out(decided), suppressed)

    assert count_blocking(decided, suppressed) == sum(map(bool, left.values()))


@given(cleanups(merges=True))
def test_count_where_the_migration_merges(cleanup: tuple[list[PersonDecision], frozenset[str]]) -> None:
    decided, suppressed = cleanup

    left = violations_of(carried_out(decided), suppressed, merges=True)

    assert count_blocking(decided, suppressed, merges=True) == sum(map(bool, left.values()))


@pytest.mark.parametrize(
    ("counts", "blocking", "reasons"),
    [
        (GroupCounts(people=3, keep=2), 0, []),
        (GroupCounts(people=3, corrected=2), 0, [OpenReason.GIVEN_TO_SEVERAL, OpenReason.TAKEN]),
        (GroupCounts(people=3, blocking_alone=1), 1, [ANOTHER]),
        (GroupCounts(people=3, is_suppressed=True), 3, [SUPPRESSED]),
    ],
)
def test_address_where_the_migration_merges(counts: GroupCounts, blocking: int, reasons: list[OpenReason]) -> None:
    assert evaluate_address(counts, merges=True) == Evaluation(blocking=blocking, reasons=tuple(reasons))


@given(cleanups(), st.data())
def test_changes_keep_the_counts(cleanup: tuple[list[PersonDecision], frozenset[str]], data: st.DataObject) -> None:
    """Decision by decision, the changes lead from the undecided people to the counts of all decisions."""
    decided, suppressed = cleanup
    counts = dict(count_groups([(each, None) for each, _ in decided], suppressed))

    for each, decision in data.draw(st.permutations(decided)):
        for key, change in change_of(each, None, decision).items():
            counts[key] = counts.get(key, GroupCounts(is_suppressed=key in suppressed)).plus(change)

    expected = count_groups(decided, suppressed)
    assert {key: group for key, group in counts.items() if group.people} == expected
