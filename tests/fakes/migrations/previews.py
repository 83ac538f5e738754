"""Looking ahead, in memory: by looking at everybody."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.database import InMemoryDatabase
from tests.fakes.migrations.violations import people_counts, violation_counts, violation_rows
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict, Violation
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.reconcile.plan.sending import SendingPreview
from workspace_operator.reconcile.plan.simulation import WorkspacesSnapshot

NAMED_SHARERS = 5


@dataclass(frozen=True, slots=True)
class FakePreviews:
    """Implements the port ``Previews``."""

    memory: InMemoryDatabase

    def snapshot(self, *, now: datetime) -> WorkspacesSnapshot:
        return WorkspacesSnapshot(
            workspaces=dict(self.memory.directory.workspaces),
            migrations=dict(self.memory.directory.migrations),
            heartbeat_times={cluster: each.beat_at for cluster, each in self.memory.heartbeats.items()},
            senders=self.memory.sending.live_senders(now),
            accounts=tuple(self.memory.directory.accounts.accounts.values()),
        )

    def preview_sending(self, workspace_id: int, *, now: datetime) -> SendingPreview:
        self.memory.state(workspace_id)
        return self.memory.sending.preview(workspace_id, now)

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:
        working_set = self.memory.state(workspace_id).working_set
        people = people_counts(working_set)
        unnamed = people.without_id if to_mode is Mode.ID_ONLY else people.without_identifier
        if (from_mode, to_mode) != (Mode.ID_ONLY, Mode.EMAIL_OR_ID):
            return Preview(people=people, people_without_usable_identifier=unnamed)
        groups = _groups(working_set)
        ids = [sum(each.id is not None for each in group) for group in groups]
        return Preview(
            people=people,
            people_without_usable_identifier=unnamed,
            violations=violation_counts(violation_rows(working_set)),
            people_concerned_beside_sharing=len(violation_rows(working_set, OnConflict.MERGE)),
            groups=len(groups),
            people_to_merge=sum(len(group) - 1 for group in groups),
            ids_given_up=sum(max(0, each - 1) for each in ids),
            samples=_samples(working_set, samples),
        )


def _groups(working_set: WorkingSet) -> list[list[Person]]:
    """People who share an address, the oldest first, by the address."""
    people = sorted(working_set.people.values(), key=lambda each: each.age_key)
    sharing = Counter(each.email_key for each in people if each.email_key is not None)
    keys = sorted(key for key, count in sharing.items() if count > 1)
    return [[each for each in people if each.email_key == key] for key in keys]


def _samples(working_set: WorkingSet, limit: int) -> dict[Violation, Sequence[ViolationSample]]:
    found = {violation: list(_violating(working_set, violation))[:limit] for violation in Violation}
    return {
        violation: tuple(_sample(working_set, each) for each in people) for violation, people in found.items() if people
    }


def _violating(working_set: WorkingSet, violation: Violation) -> Iterator[Person]:
    """Of each address that is shared or suppressed the oldest, by the address; of others everybody, by cio_id."""
    if violation is Violation.DUPLICATE_EMAIL:
        yield from (group[0] for group in _groups(working_set))
        return
    flags = {
        Violation.INVALID_EMAIL: lambda row: row.invalid_email,
        Violation.SUPPRESSED_EMAIL: lambda row: row.suppressed_email,
        Violation.ID_IS_ANOTHER_EMAIL: lambda row: row.id_is_another_email,
    }
    people = [working_set.people[row.cio_id] for row in violation_rows(working_set) if flags[violation](row)]
    if violation is Violation.SUPPRESSED_EMAIL:
        oldest = {each.email_key: each for each in sorted(people, key=lambda each: each.age_key, reverse=True)}
        people = [oldest[key] for key in sorted(oldest, key=str)]
    else:
        people.sort(key=lambda each: each.cio_id)
    yield from people


def _sample(working_set: WorkingSet, person: Person) -> ViolationSample:
    group = next((each for each in _groups(working_set) if person in each), [person])
    others = [each.cio_id for each in group[: NAMED_SHARERS + 1] if each is not person]
    return ViolationSample(
        cio_id=person.cio_id,
        id=person.id,
        email=person.email,
        sharing=len(group),
        shares_with=tuple(others[:NAMED_SHARERS]),
    )
