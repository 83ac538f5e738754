"""What holds after any calls whatever, in every mode and with every setting."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from tests.identity.builders import COLUMNS, NOW, command, numbered, reference_by
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    Identify,
    MergePeople,
    SetMembership,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
)
from workspace_operator.identity.model.lock_set import LockSet, lock_set_of
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    ActivityType,
    DeviceRemoved,
    DeviceUpserted,
    PeopleMerged,
    PersonDeleted,
    PersonEvent,
)
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import ChangeSet, Suppression, WorkingSet
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import IdentityRules, Mode
from workspace_operator.identity.values.tracked_events import TrackedEvent

IDS = st.sampled_from(["1", "2", "3", "a@x.org"])
EMAILS = st.sampled_from(["a@x.org", "A@X.org", "b@x.org", "c@x.org"])
CIO_IDS = st.sampled_from(["n0001", "cio_n0002", "n0003"])
IDS_AND_EMAILS = IDS.map(lambda value: reference_by("id", value)) | EMAILS.map(
    lambda value: reference_by("email", value)
)
REFERENCES = IDS_AND_EMAILS | CIO_IDS.map(lambda value: reference_by("cio_id", value))
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS | st.none(),
        "email": EMAILS | st.none() | st.just("nobody"),
        "cio_id": CIO_IDS | st.none(),
    },
)
PLANS = st.fixed_dictionaries({}, optional={"plan": st.sampled_from(["pro", "", 1, True]), "created_at": st.just(7)})


def made_call(
    reference: Reference,
    body: dict[str, str | None],
    attributes: dict[str, AttributeValue],
    options: dict[str, bool],
) -> Identify:
    return replace(command(reference, body, **options), attributes=attributes)


CALLS = st.builds(
    made_call,
    REFERENCES,
    BODIES,
    PLANS,
    st.fixed_dictionaries({"update_only": st.booleans(), "by_import": st.booleans()}),
)
ROWS = st.lists(st.builds(made_call, IDS_AND_EMAILS, BODIES, PLANS, st.just({"by_import": True})), max_size=12)


DEVICES = [Device(token=f"t{number}", platform="ios", attributes={}) for number in range(2)]
EVENT = TrackedEvent(name="bought", data={})
OTHER_CALLS = st.one_of(
    *[st.builds(make, reference=REFERENCES) for make in (DeletePerson, Suppress, Unsuppress)],
    st.builds(MergePeople, primary=REFERENCES, secondary=REFERENCES),
    st.builds(TrackEvent, reference=REFERENCES, event=st.just(EVENT)),
    st.builds(AddDevice, reference=REFERENCES, device=st.sampled_from(DEVICES)),
    st.builds(DeleteDevice, reference=REFERENCES, token=st.sampled_from(["t0", "t1"])),
    st.builds(SetMembership, reference=REFERENCES, segment=st.just(7), member=st.booleans()),
    st.just(TrackAnonymousEvent(event=EVENT)),
)
STEPS = st.lists(CALLS | OTHER_CALLS, max_size=12)
RULES = st.builds(replace, st.sampled_from(list(COLUMNS.values())), merge_multi_identifier=st.booleans())


@dataclass
class Tables:
    """A store in a few dicts that takes changes the way a database does: nothing twice."""

    people: dict[str, Person] = field(default_factory=dict)
    identifiers: dict[IdentifierKey, str] = field(default_factory=dict)
    suppressions: set[Suppression] = field(default_factory=set)
    devices: dict[str, set[str]] = field(default_factory=dict)

    def write(self, changes: ChangeSet) -> None:
        for gone in changes.removed:
            assert self.people.pop(gone.cio_id) == gone
        for replaced in changes.replaced:
            assert self.people[replaced.before.cio_id] == replaced.before
            self.people[replaced.after.cio_id] = replaced.after
        for new in changes.inserted:
            assert self.people.setdefault(new.cio_id, new) is new
        for identifier, owner in changes.identifiers_removed.items():
            assert self.identifiers.pop(identifier) == owner
        assert self.identifiers.keys().isdisjoint(changes.identifiers_added)
        self.identifiers |= changes.identifiers_added
        assert self.suppressions >= set(changes.suppressions_removed)
        assert self.suppressions.isdisjoint(changes.suppressions_added)
        self.suppressions -= set(changes.suppressions_removed)
        self.suppressions |= set(changes.suppressions_added)
        for step in changes.events:
            self._follow(step)

    def _follow(self, step: PersonEvent) -> None:
        match step:
            case DeviceUpserted():
                self.devices.setdefault(step.cio_id, set()).add(step.device.token)
            case DeviceRemoved():
                self.devices.get(step.cio_id, set()).discard(step.token)
            case PeopleMerged():
                tokens = self.devices.pop(step.secondary.cio_id, set())
                self.devices.setdefault(step.primary.cio_id, set()).update(tokens)
            case PersonDeleted():
                self.devices.pop(step.cio_id, None)
            case _:
                pass

    def load(self, mode: Mode, keys: LockSet) -> WorkingSet:
        """Only what the keys name."""
        owners = {self.identifiers[key] for key in keys.identifiers if key in self.identifiers}
        cio_ids = owners | set(keys.cio_ids)
        blocking = [row for row in self.suppressions if (row.kind, row.key) in keys.identifiers]
        groups = {row.suppression_id for row in blocking} if keys.needs_suppressions else set()
        working_set = WorkingSet(
            mode=mode,
            people=[person for cio_id, person in self.people.items() if cio_id in cio_ids],
            suppressions={*blocking, *(row for row in self.suppressions if row.suppression_id in groups)},
        )
        if keys.needs_devices:
            working_set.devices = {cio_id: set(self.devices.get(cio_id, ())) for cio_id in working_set.people}
        return working_set


def held(people: WorkingSet) -> set[Suppression]:
    return {
        Suppression(kind=kind, key=key, suppression_id=suppression_id)
        for (kind, key), holders in people.suppressed.items()
        for suppression_id in holders
    }


def perform_all(
    rules: IdentityRules, people: WorkingSet, commands: list[Command], *, ids: str = "n"
) -> list[CommandResult]:
    new_id = numbered(ids)
    return [handle(rules, people, each, now=NOW, new_cio_id=new_id) for each in commands]


@given(RULES, STEPS, STEPS)
def test_changes_written_equal_the_population(rules: IdentityRules, first: list[Command], then: list[Command]) -> None:
    people, tables = WorkingSet(mode=rules.mode), Tables()

    for ids, steps in (("n", first), ("m", then)):
        perform_all(rules, people, steps, ids=ids)
        tables.write(people.changes())
        people.mark_clean()

    assert (tables.people, tables.identifiers) == (people.people, people.owners)
    assert tables.suppressions == held(people)
    assert given_devices(tables.devices) == given_devices(people.devices)


def given_devices(devices: dict[str, set[str]]) -> dict[str, set[str]]:
    return {cio_id: tokens for cio_id, tokens in devices.items() if tokens}


@given(RULES, STEPS, STEPS)
def test_keys_name_all_that_calls_touch(rules: IdentityRules, first: list[Command], batch: list[Command]) -> None:
    whole, tables = WorkingSet(mode=rules.mode), Tables()
    perform_all(rules, whole, first)
    tables.write(whole.changes())
    whole.mark_clean()
    part = tables.load(rules.mode, lock_set_of(rules, batch))

    expected = perform_all(rules, whole, batch, ids="m")
    results = perform_all(rules, part, batch, ids="m")
    tables.write(part.changes())

    assert (results, part.events) == (expected, whole.events)
    assert (tables.people, tables.identifiers) == (whole.people, whole.owners)
    assert tables.suppressions == held(whole)


@given(RULES, STEPS)
def test_refusals_explain_themselves(rules: IdentityRules, commands: list[Command]) -> None:
    people = WorkingSet(mode=rules.mode)

    results = perform_all(rules, people, commands)

    refusals = [each for result in results if result.effect is not Effect.REJECTED for each in result.refusals]
    noted = [step for step in people.events if isinstance(step, ActivityLogged)]
    failed = [step.data for step in noted if step.type is ActivityType.FAILED_ATTRIBUTE_CHANGE]
    assert all(each.reason for each in refusals)
    assert failed == [{each.kind.value: {"reason": each.message, "value": each.value}} for each in refusals]


@given(st.booleans(), st.sampled_from(["E2", "E1"]), STEPS)
def test_people_stay_fit_for_both_identifiers(merges: bool, column: str, steps: list[Command]) -> None:
    rules = replace(COLUMNS[column], merge_multi_identifier=merges)
    people = WorkingSet(mode=rules.mode)

    perform_all(rules, people, steps)

    for person in people.people.values():
        assert people.identifiers_of(person)  # a person without a key could be named by nobody who does not know them
        assert (person.email_is_invalid, person.id_is_another_email) == (False, False)
    assert people.owners.keys().isdisjoint(people.suppressed)


@given(STEPS)
def test_email_only_people_keep_both(steps: list[Command]) -> None:
    people = WorkingSet(mode=Mode.EMAIL_ONLY)

    perform_all(COLUMNS["EmailOnly"], people, steps)

    assert all(person.id == person.cio_id and person.email_key for person in people.people.values())


def run_import(rules: IdentityRules, people: WorkingSet, rows: list[Identify]) -> list[CommandResult]:
    new_cio_id = numbered(f"m{len(people.people)}-")
    return [identify(rules, people, row, now=NOW, new_cio_id=new_cio_id) for row in rows]


@given(RULES, ROWS)
def test_import_run_twice_doubles_nobody(rules: IdentityRules, rows: list[Identify]) -> None:
    people = WorkingSet(mode=rules.mode)
    run_import(rules, people, rows)
    owners = dict(people.owners)

    again = run_import(rules, people, rows)

    assert Effect.CREATED not in {result.effect for result in again}
    assert people.owners == owners


@given(RULES, ROWS, st.integers(min_value=0, max_value=12))
def test_interrupted_import_loses_nobody(rules: IdentityRules, rows: list[Identify], done: int) -> None:
    at_once, interrupted = WorkingSet(mode=rules.mode), WorkingSet(mode=rules.mode)

    run_import(rules, at_once, rows)
    run_import(rules, interrupted, rows[:done])
    run_import(rules, interrupted, rows)

    assert given_names(interrupted) == given_names(at_once)
    assert len(interrupted.people) == len(at_once.people)


def given_names(people: WorkingSet) -> set[IdentifierKey]:
    """The identifiers that were not generated."""
    return {identifier for identifier, cio_id in people.owners.items() if identifier[1] != cio_id}


@given(RULES, st.lists(st.integers(0, 9), unique=True))
def test_clean_import_run_twice_changes_nothing(rules: IdentityRules, numbers: list[int]) -> None:
    kind = "email" if rules.mode is Mode.EMAIL_ONLY else "id"
    rows = [
        command(reference_by(kind, f"{number}@x.org"), {"email": f"{number}@X.org"}, by_import=True, plan=number)
        for number in numbers
    ]
    people = WorkingSet(mode=rules.mode)
    run_import(rules, people, rows)

    again = run_import(rules, people, rows)

    assert [result.effect for result in again] == [Effect.UNCHANGED] * len(numbers)
