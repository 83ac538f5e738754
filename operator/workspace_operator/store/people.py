"""People in the database: a batch of calls is loaded into a Population, carried out there, and written back.

Whatever runs at once, each transaction has an order among those that concern the same identifiers: it locks all that
its calls can touch before it decides (`loading`). Blocking values and letting them go again concerns every call, and
closes the fence, as do changes of the settings.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import TypeAlias

import sqlalchemy as sa

from workspace_operator.application.ports import Answer, Performer, ReferenceAsk
from workspace_operator.errors import InvalidInput, LockTimeout, NotFound, OutcomeUnknown, StoreUnavailable
from workspace_operator.identity.calls import AnonymousEventCall, Ask, Call, IdentifyCall, SuppressCall, UnsuppressCall
from workspace_operator.identity.emails import email_key_prefix
from workspace_operator.identity.keys import Keys, keys_of
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Changes, Population, Suppression
from workspace_operator.identity.references import IdentifierKey, Reference
from workspace_operator.identity.rules import CIO_ID, EMAIL_ONLY, ID, ID_ONLY, IdentityRules, Mode
from workspace_operator.reconcile.observed import PeopleCounts
from workspace_operator.store import quick
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.counting import count_people
from workspace_operator.store.dialects import among
from workspace_operator.store.dry_runs import dry_run
from workspace_operator.store.engines import StartOver
from workspace_operator.store.fences import Standing, close_fence, pass_known_fence, standing_of
from workspace_operator.store.folding import FoldingStore
from workspace_operator.store.loading import (
    KINDS,
    PERSON_COLUMNS,
    Loaded,
    holding_anonymous_ids,
    load,
    load_whole,
    look,
    person_of,
    reserve,
    surroundings,
)
from workspace_operator.store.people_search import people_beginning_with
from workspace_operator.store.sharing import sharers
from workspace_operator.store.streams import streamed
from workspace_operator.store.tables import device, person, suppression
from workspace_operator.store.tracking import track
from workspace_operator.store.trails import activity_row, write_trail
from workspace_operator.store.unfolded import has_unfolded, refuse_unfolded_keys, shown
from workspace_operator.store.violating import note_mending
from workspace_operator.store.writing import only_notes, write_people, write_updates

PEOPLE_AT_A_TIME = 2000
MOST_REMEMBERED = 10_000

SHARED_TRIES = 4
"""Who was overtaken so often closes the fence, and has the workspace to themselves: nobody is overtaken for ever."""

Witness: TypeAlias = Callable[[sa.Connection, Standing, Sequence[Call], Sequence[Outcome], int], None]
"""Told of every transaction before it commits: what held, the calls, the answers, and the time they were given.

All locks are held then, so the order in which a database tells is one in which the calls could have come one by one.
Only tests set it: an order column in every table would cost each write.
"""


@dataclass(frozen=True, slots=True)
class SQLPeople(FoldingStore):
    """Implements the port ``People``."""

    new_cio_id: Callable[[], str] = field(default_factory=CioIDs)
    witness: Witness | None = None
    _remembered: dict[int, Standing] = field(default_factory=dict, init=False)
    _without_strangers: set[int] = field(default_factory=set, init=False)

    def rules(self, workspace_id: int) -> IdentityRules:
        """Tell the identifier settings in force. Raises NotFound."""
        with self.database.reading() as connection:
            return standing_of(connection, workspace_id).rules

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:
        """Carry calls out under the settings in force, an answer each. Raises NotFound."""
        if len(asks) == 1 and not self.database.is_sqlite:
            outcome = self._perform_quickly(workspace_id, asks[0], now)
            if outcome is not None:
                return [outcome]

        def perform() -> Sequence[Answer]:
            transaction = _Transaction(people=self, workspace_id=workspace_id, asks=asks, now=now)
            return self.database.writing(transaction.run)

        return self.folder.folding(workspace_id, perform)

    @contextmanager
    def dry_run(self, workspace_id: int) -> Iterator[Performer]:
        """Give a performer whose identify calls see the effects of those before, and write nothing. Raises NotFound."""
        self.rules(workspace_id)
        with dry_run(self.database, self.folder, new_cio_id=self.new_cio_id, call_of=_call) as performer:
            yield performer

    def _perform_quickly(self, workspace_id: int, ask: Ask, now: int) -> Outcome | None:
        """Go the short way, if it is one; None if the long way has to be gone."""
        standing = self._remembered.get(workspace_id)
        if standing is None or not quick.may_write(standing):
            return None
        call = _call(ask, standing.rules.mode)
        if not isinstance(call, IdentifyCall) or not quick.suits(call):
            return None
        found: quick.Quick | None = None
        try:
            with self.database.statements(together=self.witness is not None) as connection:
                found = quick.decide(connection, standing, call, now=now, new_cio_id=self.new_cio_id)
                if found is None or not quick.write(connection, standing, found, new_id=self.new_cio_id):
                    return None
                if self.witness is not None:
                    self.witness(connection, standing, [call], [found.outcome], now)
        except StoreUnavailable as error:
            if isinstance(error, LockTimeout) or (found is not None and isinstance(error, OutcomeUnknown)):
                raise
            return None  # nothing was written: the long way has other connections, and limits of its own
        return found.outcome

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person that the reference stands for under the rules in force."""
        return next(iter(self.find_many(workspace_id, [reference])), None)

    def find_many(self, workspace_id: int, asks: Sequence[ReferenceAsk]) -> Sequence[Person]:
        """Find people of one moment, each once, unknown ones left out. Raises NotFound, and InvalidInput of an ask."""

        def find() -> Sequence[Person | None]:
            with self.database.reading_one_snapshot() as connection:
                standing = standing_of(connection, workspace_id)
                references = [ask(standing.rules.mode) if callable(ask) else ask for ask in asks]
                people = look(connection, standing, _keys_of(references))
            return [people.find(each) for each in references]

        found = self.folder.folding(workspace_id, find)
        return list({each.cio_id: each for each in found if each is not None}.values())

    def having_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        """Find who has an e-mail key, the oldest cio_id first; several only where email is no identifier."""
        query = sa.select(*PERSON_COLUMNS).where(person.c.workspace_id == workspace_id, person.c.email_key == key)

        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                if standing_of(connection, workspace_id).row.folds:
                    refuse_unfolded_keys(connection, workspace_id, [key])
                return [person_of(row) for row in connection.execute(query.order_by(person.c.cio_id).limit(limit))]

        return self.folder.folding(workspace_id, find)

    def beginning_with(self, workspace_id: int, text: str, *, limit: int) -> Sequence[Person]:
        """Find people whose id or email begins with a text, those found by id first."""

        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                return people_beginning_with(connection, workspace_id, text, email_key_prefix(text), limit=limit)

        return self.folder.folding(workspace_id, find)

    def sharing_email(self, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        """Stream e-mail key and cio_id of all who share one, by (key, age), the oldest or newest first."""
        with self.database.reading_one_snapshot() as connection:
            if standing_of(connection, workspace_id).rules.mode is ID_ONLY:
                yield from sharers(connection, workspace_id, newest_first=newest_first)

    def all(self, workspace_id: int) -> Iterator[Person]:
        """Stream everybody of one moment, in order of creation."""
        query = sa.select(*PERSON_COLUMNS).where(person.c.workspace_id == workspace_id).order_by(person.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            folds = has_unfolded(connection, workspace_id)
            with streamed(connection, query, size=PEOPLE_AT_A_TIME) as found:
                for rows in found.partitions():
                    people = list(map(person_of, rows))
                    yield from shown(connection, workspace_id, people) if folds else people

    def count(self, workspace_id: int) -> PeopleCounts:
        """Count people, from the indexes."""
        with self.database.reading_one_snapshot() as connection:
            return count_people(connection, workspace_id)

    def recall(self, connection: sa.Connection, workspace_id: int) -> Standing:
        """What holds in a workspace as far as this process knows, or as it reads it now."""
        known = self._remembered.get(workspace_id)
        if known is None:
            known = standing_of(connection, workspace_id)
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[workspace_id] = known
        return known

    def expects_strangers(self, workspace_id: int) -> bool:
        """Whether the last calls there named somebody who was not there, or changed identifiers."""
        return workspace_id not in self._without_strangers

    def met(self, workspace_id: int, *, strangers: bool) -> None:
        """Expect as much of the next calls: mostly they are all of one sort."""
        (self._without_strangers.discard if strangers else self._without_strangers.add)(workspace_id)

    def forget(self, workspace_id: int) -> None:
        """Read anew next time."""
        self._remembered.pop(workspace_id, None)


@dataclass(slots=True, kw_only=True)
class _Transaction:
    """One batch of calls; ``run`` may be called several times, until nobody comes between."""

    people: SQLPeople
    workspace_id: int
    asks: Sequence[Ask]
    now: int
    whole: bool = False
    """Whether to look at everything that the calls can touch before anything is locked."""
    tries: int = 0

    def run(self, connection: sa.Connection) -> list[Answer]:
        """Load, carry out, write."""
        try:
            standing = self.people.recall(connection, self.workspace_id)
            calls = self._calls(standing)
            self.tries += 1
            if _closes_fence(calls) or (self.tries > SHARED_TRIES and not self.people.database.is_sqlite):
                close_fence(connection, self.workspace_id)
                standing = standing_of(connection, self.workspace_id)
                return self._perform(connection, standing, self._calls(standing), alone=True)
            alone = self.people.database.is_sqlite
            self.whole |= len(calls) > 1 and self.people.expects_strangers(self.workspace_id)
            if not alone and (self.whole or _anonymous_ids(calls)):
                # Before anything is reserved: who closes the fence would wait for that, and we for the fence.
                pass_known_fence(connection, standing)
            return self._perform(connection, standing, calls, alone=alone)
        except (StartOver, NotFound):
            self.people.forget(self.workspace_id)
            self.whole = True
            raise

    def _calls(self, standing: Standing) -> list[Call | InvalidInput]:
        return [_call(each, standing.rules.mode) for each in self.asks]

    def _perform(
        self, connection: sa.Connection, standing: Standing, calls: Sequence[Call | InvalidInput], *, alone: bool
    ) -> list[Answer]:
        taken = [each for each in calls if not isinstance(each, InvalidInput)]
        anonymous_ids = frozenset() if alone else _anonymous_ids(taken)
        with holding_anonymous_ids(connection, self.workspace_id, anonymous_ids):
            rest = iter(self._carry_out(connection, standing, taken, alone=alone))
        return [each if isinstance(each, InvalidInput) else next(rest) for each in calls]

    def _carry_out(
        self, connection: sa.Connection, standing: Standing, calls: Sequence[Call], *, alone: bool
    ) -> Sequence[Outcome]:
        loaded, made = self._load(connection, standing, calls, alone=alone)
        outcomes = [
            perform(standing.rules, loaded.population, call, now=self.now, new_cio_id=self._maker(cio_id))
            for call, cio_id in zip(calls, made, strict=True)
        ]
        changes = loaded.population.changes()
        touched = list(_touched(changes))
        if not alone and not loaded.covers(touched):
            raise StartOver
        self.people.met(self.workspace_id, strangers=bool(touched or loaded.reserved))
        self._write(connection, standing, changes, loaded.reserved)
        if self.people.witness is not None:
            self.people.witness(connection, standing, calls, outcomes, self.now)
        return outcomes

    def _load(
        self, connection: sa.Connection, standing: Standing, calls: Sequence[Call], *, alone: bool
    ) -> tuple[Loaded, Sequence[str | None]]:
        """Load what the calls may touch; and for each call the cio_id that was made for whom it may create."""
        keys = keys_of(standing.rules, calls)
        if not alone and self.whole:
            keys, absent = surroundings(connection, standing, keys)
            reserving, made = self._reservations(standing, calls, absent)
            loaded = load_whole(connection, standing, keys, reserving)
        else:
            loaded = load(connection, standing, keys)
            absent = frozenset() if alone else frozenset(keys.identifiers) - loaded.found
            if absent and (loaded.found or loaded.population.people):
                raise StartOver  # what is absent is locked before what is there
            loaded.reserved, made = self._reservations(standing, calls, absent)
            reserve(connection, self.workspace_id, loaded.reserved)
        _complete(connection, self.workspace_id, loaded.population, keys)
        return loaded, made

    def _reservations(
        self, standing: Standing, calls: Sequence[Call], absent: frozenset[IdentifierKey]
    ) -> tuple[dict[IdentifierKey, str], Sequence[str | None]]:
        """Whom absent identifiers are reserved for: the person that the first call with them would make."""
        reserving: dict[IdentifierKey, str] = {}
        if not absent:
            return reserving, [None] * len(calls)
        made: list[str | None] = []
        for call in calls:
            fresh = [each for each in keys_of(standing.rules, [call]).identifiers if each in absent]
            cio_id = self.people.new_cio_id() if fresh else None
            made.append(cio_id)
            if cio_id is not None and standing.rules.mode is EMAIL_ONLY:
                fresh.append((ID, cio_id))  # the id that is generated
            for each in fresh:
                reserving.setdefault(each, str(cio_id))
        return reserving, made

    def _maker(self, first: str | None) -> Callable[[], str]:
        """What makes cio_ids for one call, beginning with the one that identifiers are reserved for."""
        new_cio_id = self.people.new_cio_id
        return new_cio_id if first is None else chain([first], iter(new_cio_id, None)).__next__

    def _write(
        self, connection: sa.Connection, standing: Standing, changes: Changes, reserved: Mapping[IdentifierKey, str]
    ) -> None:
        noted = None if reserved or self.people.database.is_sqlite else only_notes(changes)
        new_id = self.people.new_cio_id
        if noted is None:
            write_people(connection, self.workspace_id, changes, reserved)
        if standing.row.tracks_changes:
            track(connection, self.workspace_id, changes, new_id=new_id)
        touched = [*(each.cio_id for each in changes.removed), *(each.after.cio_id for each in changes.replaced)]
        freed = bool(changes.suppressions_removed)
        if touched or freed:
            # Before those who are gone are taken out of the export that is asked here.
            note_mending(connection, standing.row, touched, freed=freed, now=datetime.fromtimestamp(self.now, UTC))
        if noted is None:
            write_trail(connection, self.workspace_id, changes.trail, new_id=new_id)
        else:
            rows = [activity_row(self.workspace_id, new_id(), each) for each in noted]
            write_updates(connection, self.workspace_id, [each.after for each in changes.replaced], rows)


def _call(ask: Ask, mode: Mode) -> Call | InvalidInput:
    if not callable(ask):
        return ask
    try:
        return ask(mode)
    except InvalidInput as error:
        return error


def _closes_fence(calls: Sequence[Call | InvalidInput]) -> bool:
    return any(isinstance(each, SuppressCall | UnsuppressCall) for each in calls)


def _anonymous_ids(calls: Sequence[Call | InvalidInput]) -> frozenset[str]:
    named = (each.anonymous_id for each in calls if isinstance(each, IdentifyCall | AnonymousEventCall))
    return frozenset(each for each in named if each is not None)


def _keys_of(references: Sequence[Reference]) -> Keys:
    return Keys(
        identifiers=tuple(sorted({each.identifier for each in references if each.kind is not CIO_ID})),
        cio_ids=tuple(sorted({each.key for each in references if each.kind is CIO_ID})),
    )


def _touched(changes: Changes) -> Iterator[IdentifierKey]:
    for each in (*changes.identifiers_added, *changes.identifiers_removed):
        yield (each.kind, each.key)


def _complete(connection: sa.Connection, workspace_id: int, population: Population, keys: Keys) -> None:
    """Load what only some calls need."""
    if keys.unsuppresses:
        groups = {each for holders in population.blocked.values() for each in holders}
        rows = sa.select(suppression).where(
            suppression.c.workspace_id == workspace_id, among(suppression.c.suppression_id, groups)
        )
        for row in connection.execute(rows):
            population.block(Suppression(kind=KINDS[row.kind], key=row.value_key, suppression_id=row.suppression_id))
    if keys.adds_devices:
        tokens = sa.select(device.c.cio_id, device.c.token).where(
            device.c.workspace_id == workspace_id, among(device.c.cio_id, population.people)
        )
        for cio_id, token in connection.execute(tokens):
            population.devices.setdefault(cio_id, set()).add(token)
    population.settle()
