"""What writers say: about people of their own, and what does no harm to others'. Each saying can be said again.

A saying is a JSON document, so that a writer that was killed finds in its log what it was about to say, and says it
again: whether it was heard before makes no difference to what comes of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from tests.kills.crowds import STEADY, TWINS, steady, twins, wearer
from workspace_operator.identity.calls import (
    AddDeviceCall,
    Call,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    SegmentCall,
    SuppressCall,
    UnsuppressCall,
    call_of_body,
)
from workspace_operator.identity.devices import device_of
from workspace_operator.identity.events import event_of
from workspace_operator.identity.references import Reference, reference_by_kind
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, Mode

Saying: TypeAlias = dict[str, Any]
MORTALS = 12
MOST_TOGETHER = 5


def ask_of(saying: Saying, heard: Callable[[Mode], None]) -> Callable[[Mode], Call]:
    """The ask that a saying is; ``heard`` is told the mode that it was asked under."""

    def ask(mode: Mode) -> Call:
        heard(mode)
        return _call(saying, mode)

    return ask


def _call(saying: Saying, mode: Mode) -> Call:
    making = _MAKING.get(saying["do"])
    return making(_reference(saying, mode), saying) if making else _call_about_address(saying, mode)


def _call_about_address(saying: Saying, mode: Mode) -> Call:
    """Block an address, or let it go: somebody's own would be gone with it where it is an identifier."""
    address = reference_by_kind(saying["address"], EMAIL, mode, suppressing=True)
    if saying["do"] == "free":
        return UnsuppressCall(reference=address)
    if mode is Mode.ID_ONLY:
        return SuppressCall(reference=address)
    return call_of_body(_reference(saying, mode), {"said": saying["said"]})


def _reference(saying: Saying, mode: Mode) -> Reference:
    """By the id; by the address if the saying has one and the mode lets that be done; by the cio_id if it has that."""
    if "cio_id" in saying:
        return reference_by_kind(saying["cio_id"], CIO_ID, mode)
    by_address = "named" in saying and mode is not Mode.ID_ONLY
    value, kind = (saying["named"], EMAIL) if by_address else (saying["id"], ID)
    return reference_by_kind(value, kind, mode, suppressing=True)


_MAKING: Mapping[str, Callable[[Reference, Saying], Call]] = {
    "identify": lambda reference, saying: call_of_body(reference, {**saying["body"], "said": saying["said"]}),
    "delete": lambda reference, _: DeleteCall(reference=reference),
    "suppress": lambda reference, _: SuppressCall(reference=reference),
    "unsuppress": lambda reference, _: UnsuppressCall(reference=reference),
    "happen": lambda reference, saying: EventCall(
        reference=reference, event=event_of({"name": "did", "id": saying["said"]})
    ),
    "device": lambda reference, saying: AddDeviceCall(
        reference=reference, device=device_of({"id": saying["token"], "platform": "android"})
    ),
    "no device": lambda reference, saying: DeleteDeviceCall(reference=reference, token=saying["token"]),
    "segment": lambda reference, saying: SegmentCall(
        reference=reference, segment=saying["segment"], joins=saying["joins"]
    ),
}


@dataclass(slots=True, kw_only=True)
class Speaker:
    """One writer's part, as far as it knows what it has said.

    Attributes:
        touchable: ids of the crowd that things may happen to, and an address of each.
        violates: whether it makes people stand in the way, and mends that again.
        steadies: addresses of its people that never stand in the way, by id.
        mortals: how each of those is who come and go.
        dirty: what mends those who stand in the way just now, by id.
    """

    number: int
    random: Random
    touchable: Sequence[tuple[str, str]]
    violates: bool
    said: int = 0
    steadies: dict[str, str] = field(init=False)
    mortals: dict[str, str] = field(init=False)
    dirty: dict[str, Saying] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [steady(self.number, each) for each in range(STEADY)]
        self.steadies = {each: f"{each}@own.example" for each in names}
        self.mortals = dict.fromkeys((f"w{self.number}-m-{each}" for each in range(MORTALS)), "away")

    def next(self) -> list[Saying]:
        """What to say now, to be said together; nobody is in it twice."""
        size = 1 if self.random.random() < 0.8 else self.random.randint(2, MOST_TOGETHER)
        sayings = {each["id"]: each for each in (self._one() for _ in range(size))}
        return [self._numbered(each) for each in sayings.values()]

    def calm(self) -> list[Saying]:
        """What mends everybody who stands in the way."""
        return [self._numbered(each) for each in self.dirty.values()]

    def learn(self, sayings: Sequence[Saying]) -> None:
        """All this was heard."""
        for each in sayings:
            self.said = max(self.said, int(each["said"].partition("-")[2]))
            if "address now" in each:
                self.steadies[each["id"]] = each["address now"]
            if "now" in each:
                self.mortals[each["id"]] = each["now"]
            if "mend" in each:
                self.dirty[each["id"]] = each["mend"]
            if each.get("mends"):
                self.dirty.pop(each["id"], None)

    def _numbered(self, saying: Saying) -> Saying:
        self.said += 1
        return {**saying, "said": f"w{self.number}-{self.said}"}

    def _one(self) -> Saying:
        ways = [self._change, self._move, self._happen, self._device, self._segment, self._come_or_go]
        weights = [25, 12, 20, 8, 5, 20]
        if self.violates:
            return self.random.choices([*ways, self._violate], [*weights, 15])[0]()
        return self.random.choices(ways, weights)[0]()

    def _steady(self) -> Saying:
        name = self.random.choice(list(self.steadies))
        return {"id": name, **({"named": self.steadies[name]} if self.random.random() < 0.5 else {})}

    def _change(self) -> Saying:
        return {"do": "identify", **self._steady(), "body": {"plan": self.random.choice(["free", "pro"])}}

    def _move(self) -> Saying:
        """An address changes, which one who is named by it may not."""
        name = self._steady()["id"]
        address = f"{name}-{self.random.randrange(1_000_000)}@own.example"
        return {"do": "identify", "id": name, "body": {"email": address.capitalize()}, "address now": address}

    def _happen(self) -> Saying:
        if self.random.random() < 0.3:
            return {"do": "happen", **self._steady()}
        id_, address = self.random.choice(self.touchable)
        return {"do": "happen", "id": id_, **({"named": address} if self.random.random() < 0.5 else {})}

    def _device(self) -> Saying:
        do = "device" if self.random.random() < 0.7 else "no device"
        return {"do": do, **self._steady(), "token": f"phone-{self.random.randrange(3)}"}

    def _segment(self) -> Saying:
        joins = self.random.random() < 0.7
        return {"do": "segment", **self._steady(), "segment": 2, "joins": joins}

    def _come_or_go(self) -> Saying:
        name = self.random.choice(list(self.mortals))
        state = self.mortals[name]
        if state == "away":
            address = f"{name}-{self.random.randrange(1_000_000)}@own.example"
            return {"do": "identify", "id": name, "body": {"email": address}, "now": "there"}
        if state == "blocked":
            return {"do": "unsuppress", "id": name, "now": "away"}
        if self.random.random() < 0.7:
            return {"do": "delete", "id": name, "now": "away"}
        return {"do": "suppress", "id": name, "now": "blocked"}

    def _violate(self) -> Saying:
        """Put somebody in the way, or mend who is there."""
        if self.dirty and self.random.random() < 0.6:
            return self.random.choice(list(self.dirty.values()))
        number = self.random.randrange(TWINS)
        taking, other, blocked = twins(self.number, number)
        own = f"{taking}-{self.random.randrange(1_000_000)}@own.example"
        wearing = wearer(self.number, number)
        sort = self.random.randrange(4)
        if sort == 0:
            return violation(taking, f"{other}@own.example", mended=own)
        if sort == 1:
            return violation(taking, "no address", mended=own)
        if sort == 2:
            return violation(wearing, f"other-{wearing}", mended=wearing)
        address = f"{blocked}@own.example"
        mend = {"do": "free", "id": blocked, "address": address, "mends": True}
        return {"do": "block", "id": blocked, "address": address, "mend": mend}


def violation(id_: str, email: str, *, mended: str) -> Saying:
    mend = {"do": "identify", "id": id_, "body": {"email": mended}, "mends": True}
    return {"do": "identify", "id": id_, "body": {"email": email}, "mend": mend}
