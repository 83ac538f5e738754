"""A second opinion on identity-rules: the people of one workspace in a plain dict, written from the text alone.

Of the product only the language is used (calls, kinds, effects, settings) and the parsing of values (e-mail keys,
references); no rule is. There is no index: whoever is looked for is found by looking at everybody. Numbers in
comments are sections and rows of identity-rules.md.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.model.reference.activities import Activities
from tests.model.reference.attributes import (
    age_of,
    survivor_of,
    without_invalid_timestamps,
    write_attributes,
    write_plain_email,
)
from tests.model.reference.permissions import id_is_another_email, is_unset, reason_reserved
from tests.model.reference.records import CommandOutcome, Merged, ModelPerson, Value
from tests.model.reference.unmerge import unmerge
from tests.model.reference.working_copy import Draft, evaluate
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
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values import refusal_reasons as reasons
from workspace_operator.identity.values.attributes import MAX_ATTRIBUTES
from workspace_operator.identity.values.devices import MAX_DEVICES
from workspace_operator.identity.values.references import Reference, identifier_key
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind, IdentityRules, Mode

# How a person can be named; EmailOnly has ids for finding only.
KINDS: Mapping[Mode, frozenset[IdentifierKind]] = {
    Mode.EMAIL_OR_ID: frozenset({ID, EMAIL, CIO_ID}),
    Mode.ID_ONLY: frozenset({ID, CIO_ID}),
    Mode.EMAIL_ONLY: frozenset({ID, EMAIL, CIO_ID}),
}

UNNAMED = "somebody new"
IN_THE_FUTURE = CommandOutcome(effect=Effect.REJECTED, reason=reasons.IN_THE_FUTURE)


class People:
    """Everybody in one workspace, and what is remembered of them."""

    def __init__(self, rules: IdentityRules) -> None:
        self.rules = rules
        self.rows: set[str] = set()
        self.cio_ids: list[str] = []
        self.people: dict[str, ModelPerson] = {}
        self.suppressions: list[set[Value]] = []
        self.activities = Activities()
        self.journal: list[Merged] = []

    def perform(self, call: Command, *, now: int, cio_id: str = UNNAMED) -> CommandOutcome:
        """Carry out a call, and tell what it came to. A newcomer is called ``cio_id``."""
        match call:
            case TrackEvent() | TrackAnonymousEvent() if is_ahead(call.event.timestamp, now):
                return IN_THE_FUTURE
            case AddDevice() if is_ahead(call.device.last_used, now):
                return IN_THE_FUTURE
            case Identify():
                return self.identify(call, now, cio_id)
            case TrackEvent() | AddDevice():
                return self._record_or_create(call, now, cio_id)
            case DeleteDevice() | SetMembership():
                return self._record_for_known(call)
            case TrackAnonymousEvent():
                self.activities.log_event(None, call.event, now, anonymous_id=call.anonymous_id)
                return CommandOutcome(effect=Effect.RECORDED)
            case MergePeople():
                return self.merge(call.primary, call.secondary, now)
            case _:
                return self._delete_or_suppress(call, now)

    # --- finding -------------------------------------------------------------------------------------------------

    def find(self, kind: IdentifierKind, key: str | None) -> ModelPerson | None:
        """Whom an identifier stands for; in IDOnly an email is none."""
        if key is None:
            return None
        if kind is CIO_ID:
            return self.people.get(key)
        if kind not in KINDS[self.rules.mode]:
            return None
        found = [each for each in self.people.values() if each.own(kind) == key]
        assert len(found) <= 1, "an identifier has two owners"
        return found[0] if found else None

    def identifiers_of(self, person: ModelPerson) -> set[Value]:
        """The identifiers that belong to a person in this mode (2)."""
        return {value for value in person.values if value[0] in KINDS[self.rules.mode]}

    def is_suppressed(self, kind: IdentifierKind, key: str | None) -> bool:
        return any((kind, key) in group for group in self.suppressions)

    def unknown(self, reference: Reference) -> CommandOutcome:
        """The result of a command about no person: a reserved value is rejected, unless it is suppressed (1)."""
        if self.is_suppressed(reference.kind, reference.key):
            return _ignored(reasons.SUPPRESSED)
        unknown = reasons.UNKNOWN_CIO_ID if reference.kind is CIO_ID else reasons.UNKNOWN_IDENTIFIER
        return _rejected_as_reserved(reference) or _ignored(unknown)

    # --- identify (4) --------------------------------------------------------------------------------------------

    def identify(self, call: Identify, now: int, cio_id: str) -> CommandOutcome:
        draft = self._subject(call, now, cio_id)
        if isinstance(draft, CommandOutcome):
            return draft
        evaluate(self, draft, call, now)
        call = without_invalid_timestamps(call, draft, now)
        if self.rules.mode is Mode.ID_ONLY:
            write_plain_email(draft.person, call, now)
        had = len(draft.person.attributes)
        write_attributes(draft.person, call, now)
        if len(draft.person.attributes) > max(had, MAX_ATTRIBUTES):
            return _rejected(reasons.TOO_MANY_ATTRIBUTES, draft)
        if draft.before is None and self._has_conflicting_id(draft.person):
            return self._end("last D", _rejected(reasons.NEW_ID_IS_AN_EMAIL, draft))
        return self._store(draft, call, now)

    def _subject(self, call: Identify, now: int, cio_id: str) -> Draft | CommandOutcome:
        """4, first table."""
        kind, key = call.reference.kind, call.reference.key
        other = EMAIL if kind is ID else ID
        match = self.find(kind, key)
        ended = self._early_outcome(call, match)
        if ended is not None:
            return ended
        if call.by_import and len(self._people_named_in(call)) > 1:  # 3, CSV import
            return self._end("import", _rejected(reasons.ROW_MATCHES_TWO_PEOPLE))
        if call.by_import and (id_ := self._other_id_of_address(call)):  # 3, CSV import
            return self._end("import", _rejected(reasons.email_of_another_person(id_)))
        if match is not None:
            self.rows.add("c")
            return Draft.of(match, identified_by=kind)
        by_body = None if is_unset(_body_key(call, other)) else self.find(other, _body_key(call, other))
        if by_body is not None:
            self.rows.add("d")
            return Draft.of(by_body, identified_by=other, reference_is_update=True)
        return self._newcomer(call, now, cio_id)

    def _early_outcome(self, call: Identify, match: ModelPerson | None) -> CommandOutcome | None:
        """4, rows a and b, and what 1 says of values."""
        kind, key = call.reference.kind, call.reference.key
        if kind not in KINDS[self.rules.mode]:
            return self._end("a", _rejected(reasons.KIND_NOT_IN_MODE))
        if call.non_text_email is not None and self.rules.mode is not Mode.ID_ONLY:  # 1: other types are a 400
            return _rejected(reasons.NOT_TEXT)
        if self.is_suppressed(kind, key):
            return self._end("b", _ignored(reasons.SUPPRESSED))
        if match is None and (rejected := _rejected_as_reserved(call.reference)):  # 1
            return self._end("reserved", rejected)
        is_unknown = kind is CIO_ID and match is None
        return self._end("b", _ignored(reasons.UNKNOWN_CIO_ID)) if is_unknown else None

    def _end(self, row: str, outcome: CommandOutcome) -> CommandOutcome:
        self.rows.add(row)
        return outcome

    def _newcomer(self, call: Identify, now: int, cio_id: str) -> Draft | CommandOutcome:
        """4, rows e and f."""
        reference, by_email = call.reference, call.reference.kind is EMAIL
        if call.update_only:
            self.activities.note(ActivityType.SKIPPED_UPDATE, None, now, {reference.kind.value: reference.value})
            return self._end("e", CommandOutcome(effect=Effect.SKIPPED, reason=reasons.UPDATE_ONLY))
        self.rows.add("f")
        if self.rules.mode is Mode.EMAIL_ONLY and not by_email:
            return _ignored(reasons.UNKNOWN_GENERATED_ID)
        id_ = cio_id if self.rules.mode is Mode.EMAIL_ONLY else None if by_email else reference.key
        email = reference.value if by_email else None
        return Draft.new(
            ModelPerson(cio_id=cio_id, id=id_, email=email, inserted_at=now, age=now), identified_by=reference.kind
        )

    def _people_named_in(self, call: Identify) -> set[str]:
        """Everybody whom a row of a file names, by whatever."""
        named = (
            self.find(call.reference.kind, call.reference.key),
            *(self.find(kind, _body_key(call, kind)) for kind in (ID, EMAIL, CIO_ID)),
        )
        return {each.cio_id for each in named if each is not None}

    def _other_id_of_address(self, call: Identify) -> str | None:
        """The id of the address's owner, if the row of a file has that address with an id that no person has."""
        if self.rules.mode is not Mode.EMAIL_OR_ID or call.reference.kind is CIO_ID:
            return None
        said = {call.reference.kind: call.reference.key}
        id_, key = (said.get(kind) or _body_key(call, kind) for kind in (ID, EMAIL))
        holder = self.find(EMAIL, key)
        return holder.id if id_ and self.find(ID, id_) is None and holder is not None else None

    def _has_conflicting_id(self, person: ModelPerson) -> bool:
        """A newcomer whose id is somebody else's address: nobody is there yet to hold the refusal."""
        return self.rules.mode is Mode.EMAIL_OR_ID and id_is_another_email(person.id, person.key)

    def _store(self, draft: Draft, call: Identify, now: int) -> CommandOutcome:
        person, before = draft.person, draft.merged or draft.before
        person.age = age_of(person, now)
        if draft.secondary is not None:
            self._absorb(draft, now)
        self.people[person.cio_id] = person
        effect = _effect(person, before, merged=draft.secondary is not None)
        self._log_activities(draft, now)
        if call.anonymous_id is not None:
            self.activities.link_anonymous(call.anonymous_id, person.cio_id)
        return CommandOutcome(effect=effect, refused=tuple(draft.refused))

    def _log_activities(self, draft: Draft, now: int) -> None:
        """What an identify call leaves behind as activities."""
        person, before = draft.person, draft.merged or draft.before
        if before is None:
            assert person.cio_id not in self.cio_ids, "a cio_id is used again"
            self.cio_ids.append(person.cio_id)
            self.activities.note(ActivityType.PROFILE_CREATE, person.cio_id, now)
        elif changes := _changes(before, person):
            self.activities.note(ActivityType.ATTRIBUTE_CHANGE, person.cio_id, now, changes)
        for each in draft.refused:
            result = {"value": each.value, "reason": each.reason}
            self.activities.note(ActivityType.FAILED_ATTRIBUTE_CHANGE, person.cio_id, now, {str(each.kind): result})

    # --- changing to EmailOrID (7) -------------------------------------------------------------------------------

    def violations(self) -> dict[str, int]:
        """What stands in the way, in people each."""
        everybody = self.people.values()
        keys = Counter(each.key for each in everybody if each.key is not None)
        return {
            "duplicate_email": sum(number for number in keys.values() if number > 1),
            "invalid_email": sum(each.email is not None and each.key is None for each in everybody),
            "suppressed_email": sum(self.is_suppressed(EMAIL, each.key) for each in everybody),
            "id_is_another_email": sum(id_is_another_email(each.id, each.key) for each in everybody),
        }

    # --- deleting and suppressing (6) ----------------------------------------------------------------------------

    def _delete_or_suppress(self, call: DeletePerson | Suppress | Unsuppress, now: int) -> CommandOutcome:
        if isinstance(call, Unsuppress):
            return self.unsuppress(call.reference)
        remove = self.delete if isinstance(call, DeletePerson) else self.suppress
        return remove(call.reference, now)

    def delete(self, reference: Reference, now: int) -> CommandOutcome:
        person = self.find(reference.kind, reference.key)
        if person is None:
            return self.unknown(reference)
        self._remove(person, now, suppressed=False)
        return CommandOutcome(effect=Effect.DELETED)

    def suppress(self, reference: Reference, now: int) -> CommandOutcome:
        """Both identifiers of a person, the address in every mode; or a value that nobody has."""
        person = self.find(reference.kind, reference.key)
        if person is not None:
            self._remove(person, now, suppressed=True)
            if person.values:
                self.suppressions.append(person.values)
            return CommandOutcome(effect=Effect.SUPPRESSED)
        if self.is_suppressed(reference.kind, reference.key):
            return CommandOutcome(effect=Effect.UNCHANGED, reason=reasons.ALREADY_SUPPRESSED)
        if reference.kind is CIO_ID or reason_reserved(reference.kind, reference.key):
            return self.unknown(reference)
        self.suppressions.append({reference.identifier})
        return CommandOutcome(effect=Effect.SUPPRESSED)

    def unsuppress(self, reference: Reference) -> CommandOutcome:
        """What was suppressed together is freed together."""
        if not self.is_suppressed(reference.kind, reference.key):
            known = self.find(reference.kind, reference.key)
            unchanged = CommandOutcome(effect=Effect.UNCHANGED, reason=reasons.NOT_SUPPRESSED)
            return (_rejected_as_reserved(reference) if known is None else None) or unchanged
        self.suppressions = [group for group in self.suppressions if reference.identifier not in group]
        return CommandOutcome(effect=Effect.UNSUPPRESSED)

    def _remove(self, person: ModelPerson, now: int, *, suppressed: bool) -> None:
        """The person and all data go, also out of the journal, which tells of those whom they absorbed, too (5)."""
        del self.people[person.cio_id]
        self.activities.delete_person(person.cio_id)
        held = [each for each in self.journal if each.holder == person.cio_id and not each.undone]
        concerned = {person.cio_id, *(each.secondary.cio_id for each in held)}
        self.journal = [each for each in self.journal if concerned.isdisjoint(each.cio_ids)]
        self.activities.note(ActivityType.PROFILE_DELETE, person.cio_id, now, {"suppressed": suppressed})

    # --- merging (5) ---------------------------------------------------------------------------------------------

    def merge(self, primary: Reference, secondary: Reference, now: int) -> CommandOutcome:
        """In every mode, any two; an identifier is taken only where one is lacking."""
        one, other = self.find(primary.kind, primary.key), self.find(secondary.kind, secondary.key)
        if one is None or other is None:
            unknown = [self.unknown(each) for each, who in ((primary, one), (secondary, other)) if who is None]
            return next((each for each in unknown if each.effect is Effect.REJECTED), unknown[0])
        if one is other:
            return CommandOutcome(effect=Effect.UNCHANGED, reason=reasons.SAME_PERSON)
        survivor = survivor_of(one, other, self.rules.mode, now)
        draft = Draft.of(one, identified_by=primary.kind)
        draft.person, draft.merged, draft.primary, draft.secondary = survivor, survivor.copy(), one, other
        self._absorb(draft, now, automatic=False)
        self.people[survivor.cio_id] = survivor
        return CommandOutcome(effect=Effect.MERGED)

    def _absorb(self, draft: Draft, now: int, *, automatic: bool = True) -> None:
        """All that hangs on one person moves to the other, and the journal tells."""
        primary, secondary, survivor = draft.primary, draft.secondary, draft.merged
        assert primary is not None
        assert secondary is not None
        assert survivor is not None
        del self.people[secondary.cio_id]
        self.activities.move(secondary.cio_id, survivor.cio_id)
        for each in self.journal:
            if each.holder == secondary.cio_id and not each.undone:
                each.holder = survivor.cio_id
        entry = Merged(
            primary=primary.copy(),
            secondary=secondary.copy(),
            survivor=survivor,
            automatic=automatic,
            at=now,
            holder=survivor.cio_id,
        )
        self.journal.append(entry)
        self.activities.note(ActivityType.PROFILE_MERGE, survivor.cio_id, now, {"automatic": automatic})

    def undo(self, number: int, now: int) -> set[Value] | None:
        """Take a merge back; what is not free, or None if it is undone, or its survivor was absorbed since."""
        entry = self.journal[number]
        if entry.undone or entry.holder != entry.primary.cio_id:
            return None
        holder = self.people[entry.holder]
        survivor, restored, unavailable = unmerge(self, entry, holder, now)
        self.people |= {survivor.cio_id: survivor, restored.cio_id: restored}
        self._return_history(entry)
        entry.undone = True
        self.activities.note(ActivityType.PROFILE_CREATE, restored.cio_id, now)
        if changes := _changes(holder, survivor):
            self.activities.note(ActivityType.ATTRIBUTE_CHANGE, survivor.cio_id, now, changes)
        return unavailable

    def _return_history(self, entry: Merged) -> None:
        """What the one who is back did, also as those whom they had absorbed, is theirs again."""
        holder, back = entry.primary.cio_id, entry.secondary.cio_id
        theirs = {back}
        for each in reversed(self.journal):  # who absorbed somebody first was absorbed later
            if not each.undone and each.primary.cio_id in theirs:
                each.holder = back
                theirs.add(each.secondary.cio_id)
        self.activities.move(holder, back, of=theirs)

    # --- what hangs on people ------------------------------------------------------------------------------------

    def _record_or_create(self, call: TrackEvent | AddDevice, now: int, cio_id: str) -> CommandOutcome:
        """Somebody unknown is taken as a bare identify first (4)."""
        identified = self.identify(Identify(reference=call.reference, attributes={}), now, cio_id)
        person = self.find(call.reference.kind, call.reference.key)
        if person is None:
            return identified
        if isinstance(call, TrackEvent):
            self.activities.log_event(person.cio_id, call.event, now)
            return CommandOutcome(effect=Effect.RECORDED)
        if call.device.token not in person.devices and len(person.devices) >= MAX_DEVICES:
            return _rejected(reasons.TOO_MANY_DEVICES)
        person.devices[call.device.token] = call.device
        return CommandOutcome(effect=Effect.RECORDED)

    def _record_for_known(self, call: DeleteDevice | SetMembership) -> CommandOutcome:
        person = self.find(call.reference.kind, call.reference.key)
        if person is None:
            return self.unknown(call.reference)
        if isinstance(call, DeleteDevice):
            person.devices.pop(call.token, None)
        elif call.member:
            person.segments.add(call.segment)
        else:
            person.segments.discard(call.segment)
        return CommandOutcome(effect=Effect.RECORDED)


def _ignored(reason: str) -> CommandOutcome:
    return CommandOutcome(effect=Effect.IGNORED, reason=reason)


def _rejected(reason: str, draft: Draft | None = None) -> CommandOutcome:
    refused = () if draft is None else tuple(draft.refused)
    return CommandOutcome(effect=Effect.REJECTED, reason=reason, refused=refused)


def _rejected_as_reserved(reference: Reference) -> CommandOutcome | None:
    reason = reason_reserved(reference.kind, reference.key)
    return _rejected(reason) if reason else None


def is_ahead(seconds: int | None, now: int) -> bool:
    """Events and devices of the day after tomorrow are not taken."""
    return seconds is not None and seconds - now > 24 * 3600


def _effect(person: ModelPerson, before: ModelPerson | None, *, merged: bool) -> Effect:
    if before is None:
        return Effect.CREATED
    return Effect.UPDATED if merged or _changes(before, person) or before.age != person.age else Effect.UNCHANGED


def _changes(before: ModelPerson, after: ModelPerson) -> dict[str, dict[str, Any]]:
    """What of a person is otherwise; 1 and true are equal only to Python."""
    old, new = _attributes_of(before), _attributes_of(after)
    names = sorted(old.keys() | new.keys())
    return {
        name: {"from": old.get(name), "to": new.get(name)}
        for name in names
        if repr(old.get(name)) != repr(new.get(name))
    }


def _attributes_of(person: ModelPerson) -> dict[str, Any]:
    return {**person.attributes, "id": person.id, "email": person.email}


def _body_key(call: Identify, kind: IdentifierKind) -> str | None:
    """What is looked up of an identifier in the body."""
    said = {ID: call.id, EMAIL: call.email, CIO_ID: call.cio_id}[kind]
    return identifier_key(kind, said) if isinstance(said, str) else None
