"""Invariants of a run that has come to rest; each is a generator of failures."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.fault_injection.checks.snapshots import Merged, StoreSnapshot, blocking_violations
from tests.fault_injection.faults.schedules import Scenario
from tests.fault_injection.workload.ledger import ExpectedPerson, Ledger
from tests.fault_injection.workload.population import SEGMENT, SeedPerson, groups_of
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage


def final_stage_matches_people(scenario: Scenario, store: StoreSnapshot) -> Iterator[str]:
    """The migration is completed if there are no violations, otherwise blocked with an exact export."""
    stage, ways = Stage(store.migration["stage"]), blocking_violations(store)
    if scenario.on_conflict is OnConflict.MERGE and stage is Stage.BLOCKED:
        ways = {cio_id: ways[cio_id] for cio_id in ways if ways[cio_id] != {"duplicate"}}
    if scenario.to is Mode.ID_ONLY:
        expected = (Stage.COMPLETED, Mode.ID_ONLY)
    else:
        expected = (Stage.BLOCKED, Mode.ID_ONLY) if ways else (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    if (stage, store.mode) != expected:
        yield f"ended as {stage} in mode {store.mode}, but people demand {expected}: {list(ways.items())[:3]}"
    if stage is Stage.BLOCKED:
        yield from _report_is_true(store, ways)


def _report_is_true(store: StoreSnapshot, ways: Mapping[str, frozenset[str]]) -> Iterator[str]:
    if dict(store.violations) != dict(ways):
        wrong = set(store.violations.items()) ^ set(ways.items())
        yield f"the export does not list the violations: {sorted(wrong)[:5]}"
    counts = [store.migration[name] for name in ("duplicate_email", "invalid_email", "suppressed_email")]
    expected = [
        sum(reason in reasons for reasons in ways.values()) for reason in ("duplicate", "invalid", "suppressed")
    ]
    if [*counts, store.migration["people_concerned"]] != [*expected, len(ways)]:
        yield f"the migration counts {counts}, there are {expected}, {len(ways)} in all"


def no_person_is_lost(store: StoreSnapshot, population: Sequence[SeedPerson], accounts: Ledger) -> Iterator[str]:
    """Exactly the people who were created and neither deleted nor merged exist."""
    merged = {each.secondary["cio_id"] for each in store.merges}
    known = {each.cio_id for each in population} | set(accounts.known)
    expected = known - accounts.gone - merged
    there = set(store.people)
    yield from (f"{each} is lost: {accounts.known.get(each)}" for each in sorted(expected - there)[:5])
    yield from (f"{store.people[each]} should be gone" for each in sorted((accounts.gone | merged) & there)[:5])
    yield from (f"unexpected person {store.people[each]}" for each in sorted(there - expected - accounts.gone)[:5])


def people_match_results(store: StoreSnapshot, population: Sequence[SeedPerson], accounts: Ledger) -> Iterator[str]:
    """People, and merged people at their merge, match the last result of a writer, or else their initial state."""
    primaries = {each.primary["cio_id"] for each in store.merges}
    merged = {each.secondary["cio_id"]: each.secondary for each in store.merges}
    begun = {
        each.cio_id: ExpectedPerson(at=0, id=each.id, email=each.email, command_id="nothing") for each in population
    }
    for cio_id, known in (begun | accounts.known).items():
        row = store.people.get(cio_id) or merged.get(cio_id)
        if row is None or cio_id in accounts.gone:
            continue
        command_id = row["attributes"].get("command_id")
        if command_id != known.command_id and command_id in accounts.again:
            continue  # it took effect before its result was lost
        got_id = known.id is None and cio_id in primaries
        if (row["id"], row["email"], command_id) != (row["id"] if got_id else known.id, known.email, known.command_id):
            yield f"{cio_id} is {row}, and should be {known}"


def merges_are_in_the_journal(
    store: StoreSnapshot, population: Sequence[SeedPerson], *, merging: bool
) -> Iterator[str]:
    """Each merge is of people with one address into the oldest, and the counts of the migration match."""
    groups: dict[str, list[Merged]] = defaultdict(list)
    for each in store.merges:
        groups[each.primary["cio_id"]].append(each)
    for cio_id, group in groups.items():
        yield from _group_is_whole(store, cio_id, group)
    migration = store.migration
    people, ids = len(store.merges), sum(_ids_given_up(each) for each in groups.values())
    results = (migration["people_to_merge"], migration["people_merged"], migration["ids_given_up"])
    if results != (people, people, ids):
        yield f"the migration counts {results} to merge, merged, ids given up; the journal {people}, {ids}"
    if merging:
        journalled = {cio_id: {each.secondary["cio_id"] for each in group} for cio_id, group in groups.items()}
        for eldest, *others in groups_of(population):
            if journalled.get(eldest.cio_id) != {each.cio_id for each in others}:
                yield f"{[eldest, *others]} were not merged, but {journalled.get(eldest.cio_id)} into {eldest.cio_id}"


def _group_is_whole(store: StoreSnapshot, cio_id: str, group: Sequence[Merged]) -> Iterator[str]:
    first = group[0].primary
    ages = [_age_key(each) for each in (first, *(each.secondary for each in group))]
    if ages != sorted(ages):
        yield f"{cio_id} is not the oldest of its group, or the group was not merged by age"
    if len({each["email_key"] for each in (first, *(each.secondary for each in group))}) != 1:
        yield f"people were merged into {cio_id} who do not share its address"
    moment = store.migration["switched_at"]
    for each in group:
        if (each.holder, each.automatic, each.at // 1_000_000) != (cio_id, True, moment // 1_000_000):
            yield f"merge {each.merge_id} of {cio_id} is not of the cut-over: {each.holder}, {each.at}, {moment}"


def _age_key(person: Mapping[str, Any]) -> tuple[int, int, str]:
    return (person["created_at"], person["inserted_at"], person["cio_id"])


def _ids_given_up(group: Sequence[Merged]) -> int:
    ids = [each["id"] for each in (group[0].primary, *(each.secondary for each in group)) if each["id"] is not None]
    return max(len(ids) - 1, 0)


def records_are_complete(store: StoreSnapshot, population: Sequence[SeedPerson], accounts: Ledger) -> Iterator[str]:
    """The records of a person belong to their survivor."""
    for each in population:
        if each.cio_id in accounts.gone or not each.has_records:
            continue
        holder = store.holder_of(each.cio_id)
        if store.events.get(each.event) != (holder, each.cio_id):
            yield f"the event of {each} is {store.events.get(each.event)}"
        if (holder, each.device) not in store.devices or (holder, SEGMENT) not in store.members:
            yield f"the device or the membership of {each} is not {holder}'s"
    for event, cio_id in accounts.events.items():
        if cio_id not in accounts.gone and store.events.get(event, ("",))[0] != store.holder_of(cio_id):
            yield f"event {event} of {cio_id} is {store.events.get(event)}"
    for has, held in ((accounts.devices, store.devices), (accounts.members, store.members)):
        yield from (f"{key} should exist: {results}" for key, results in has.items() if results != (key in held))


def cut_over_is_atomic(scenario: Scenario, accounts: Ledger) -> Iterator[str]:
    """No command or read sees the old mode after another one has seen the new mode."""
    switched = [each.until for each in accounts.seen if each.mode == scenario.to]
    if not switched:
        yield "the new mode was never seen"
        return
    late = [each for each in accounts.seen if each.mode != scenario.to and each.since > min(switched)]
    yield from (f"{each} was after the cut-over, which was seen at {min(switched)}" for each in late[:5])


def addresses_have_their_keys(store: StoreSnapshot) -> Iterator[str]:
    """Each stored e-mail key is the key of its address."""
    for each in store.people.values():
        if each["email_key"] != (None if each["email"] is None else email_key(each["email"])):
            yield f"{each} has a wrong key"
