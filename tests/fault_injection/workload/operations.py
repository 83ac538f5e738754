"""Operations of writers on their own people, and events of others. Each operation is idempotent.

An operation is a JSON document, so that a new process finds the last operation of a killed one in its log, and sends
it again: the final state does not depend on whether it took effect before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from tests.fault_injection.workload.population import (
    STEADY,
    TWINS,
    writer_person,
    writer_person_with_email_id,
    writer_sharers,
)
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    SetMembership,
    Suppress,
    TrackEvent,
    Unsuppress,
    identify_from_request,
)
from workspace_operator.identity.values.devices import device_of
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, Mode
from workspace_operator.identity.values.tracked_events import tracked_event_of

Operation: TypeAlias = dict[str, Any]
DELETABLE_PEOPLE = 12
MAX_BATCH = 5


def command_of(operation: Operation, mode: Mode) -> Command:
    making = _MAKING.get(operation["do"])
    return making(_reference(operation, mode), operation) if making else _call_about_address(operation, mode)


def _call_about_address(operation: Operation, mode: Mode) -> Command:
    """Suppress or unsuppress an address; where it is an identifier, suppression would delete its owner."""
    address = reference_of_kind(operation["address"], EMAIL, mode, for_suppression=True)
    if operation["do"] == "free":
        return Unsuppress(reference=address)
    if mode is Mode.ID_ONLY:
        return Suppress(reference=address)
    return identify_from_request(_reference(operation, mode), {"command_id": operation["command_id"]})


def _reference(operation: Operation, mode: Mode) -> Reference:
    """Reference by cio_id if given, by the address if given and an identifier in this mode, otherwise by id."""
    if "cio_id" in operation:
        return reference_of_kind(operation["cio_id"], CIO_ID, mode)
    by_address = "named" in operation and mode is not Mode.ID_ONLY
    value, kind = (operation["named"], EMAIL) if by_address else (operation["id"], ID)
    return reference_of_kind(value, kind, mode, for_suppression=True)


_MAKING: Mapping[str, Callable[[Reference, Operation], Command]] = {
    "identify": lambda reference, operation: identify_from_request(
        reference, {**operation["body"], "command_id": operation["command_id"]}
    ),
    "delete": lambda reference, _: DeletePerson(reference=reference),
    "suppress": lambda reference, _: Suppress(reference=reference),
    "unsuppress": lambda reference, _: Unsuppress(reference=reference),
    "happen": lambda reference, operation: TrackEvent(
        reference=reference, event=tracked_event_of({"name": "did", "id": operation["command_id"]})
    ),
    "device": lambda reference, operation: AddDevice(
        reference=reference, device=device_of({"id": operation["token"], "platform": "android"})
    ),
    "no device": lambda reference, operation: DeleteDevice(reference=reference, token=operation["token"]),
    "segment": lambda reference, operation: SetMembership(
        reference=reference, segment=operation["segment"], member=operation["joins"]
    ),
}


@dataclass(slots=True, kw_only=True)
class OperationGenerator:
    """The operations of one writer, and the state of its people that follows from them.

    Attributes:
        shared_people: ids and addresses of other people who may get events.
        adds_violations: whether it adds and fixes violations.
        regular_people: addresses of its people without violations, by id.
        deletable_people: states of its people who are created and deleted, by id.
        dirty: operations that fix its current violations, by id.
    """

    number: int
    random: Random
    shared_people: Sequence[tuple[str, str]]
    adds_violations: bool
    sent: int = 0
    regular_people: dict[str, str] = field(init=False)
    deletable_people: dict[str, str] = field(init=False)
    dirty: dict[str, Operation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [writer_person(self.number, each) for each in range(STEADY)]
        self.regular_people = {each: f"{each}@own.example" for each in names}
        self.deletable_people = dict.fromkeys((f"w{self.number}-m-{each}" for each in range(DELETABLE_PEOPLE)), "away")

    def next(self) -> list[Operation]:
        """The next batch, with at most one operation per person."""
        size = 1 if self.random.random() < 0.8 else self.random.randint(2, MAX_BATCH)
        operations = {each["id"]: each for each in (self._one() for _ in range(size))}
        return [self._numbered(each) for each in operations.values()]

    def fixes(self) -> list[Operation]:
        """Operations that fix all current violations."""
        return [self._numbered(each) for each in self.dirty.values()]

    def apply_locally(self, operations: Sequence[Operation]) -> None:
        """Update the state after operations."""
        for each in operations:
            self.sent = max(self.sent, int(each["command_id"].partition("-")[2]))
            if "address now" in each:
                self.regular_people[each["id"]] = each["address now"]
            if "now" in each:
                self.deletable_people[each["id"]] = each["now"]
            if "fix" in each:
                self.dirty[each["id"]] = each["fix"]
            if each.get("fixes"):
                self.dirty.pop(each["id"], None)

    def _numbered(self, operation: Operation) -> Operation:
        self.sent += 1
        return {**operation, "command_id": f"w{self.number}-{self.sent}"}

    def _one(self) -> Operation:
        ways = [self._change, self._move, self._event, self._device, self._segment, self._create_or_delete]
        weights = [25, 12, 20, 8, 5, 20]
        if self.adds_violations:
            return self.random.choices([*ways, self._violate], [*weights, 15])[0]()
        return self.random.choices(ways, weights)[0]()

    def _regular_operation(self) -> Operation:
        name = self.random.choice(list(self.regular_people))
        return {"id": name, **({"named": self.regular_people[name]} if self.random.random() < 0.5 else {})}

    def _change(self) -> Operation:
        return {"do": "identify", **self._regular_operation(), "body": {"plan": self.random.choice(["free", "pro"])}}

    def _move(self) -> Operation:
        """Change an address; only a reference by id may do so."""
        name = self._regular_operation()["id"]
        address = f"{name}-{self.random.randrange(1_000_000)}@own.example"
        return {"do": "identify", "id": name, "body": {"email": address.capitalize()}, "address now": address}

    def _event(self) -> Operation:
        if self.random.random() < 0.3:
            return {"do": "happen", **self._regular_operation()}
        id_, address = self.random.choice(self.shared_people)
        return {"do": "happen", "id": id_, **({"named": address} if self.random.random() < 0.5 else {})}

    def _device(self) -> Operation:
        do = "device" if self.random.random() < 0.7 else "no device"
        return {"do": do, **self._regular_operation(), "token": f"phone-{self.random.randrange(3)}"}

    def _segment(self) -> Operation:
        member = self.random.random() < 0.7
        return {"do": "segment", **self._regular_operation(), "segment": 2, "joins": member}

    def _create_or_delete(self) -> Operation:
        name = self.random.choice(list(self.deletable_people))
        state = self.deletable_people[name]
        if state == "away":
            address = f"{name}-{self.random.randrange(1_000_000)}@own.example"
            return {"do": "identify", "id": name, "body": {"email": address}, "now": "there"}
        if state == "blocked":
            return {"do": "unsuppress", "id": name, "now": "away"}
        if self.random.random() < 0.7:
            return {"do": "delete", "id": name, "now": "away"}
        return {"do": "suppress", "id": name, "now": "blocked"}

    def _violate(self) -> Operation:
        """Add a violation, or fix one."""
        if self.dirty and self.random.random() < 0.6:
            return self.random.choice(list(self.dirty.values()))
        number = self.random.randrange(TWINS)
        taking, other, blocked = writer_sharers(self.number, number)
        own = f"{taking}-{self.random.randrange(1_000_000)}@own.example"
        wearing = writer_person_with_email_id(self.number, number)
        sort = self.random.randrange(4)
        if sort == 0:
            return violation(taking, f"{other}@own.example", fixed_email=own)
        if sort == 1:
            return violation(taking, "no address", fixed_email=own)
        if sort == 2:
            return violation(wearing, f"other-{wearing}", fixed_email=wearing)
        address = f"{blocked}@own.example"
        fix = {"do": "free", "id": blocked, "address": address, "fixes": True}
        return {"do": "block", "id": blocked, "address": address, "fix": fix}


def violation(id_: str, email: str, *, fixed_email: str) -> Operation:
    fix = {"do": "identify", "id": id_, "body": {"email": fixed_email}, "fixes": True}
    return {"do": "identify", "id": id_, "body": {"email": email}, "fix": fix}
