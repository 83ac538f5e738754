"""Operations under stress: mixed commands on so few identifiers that they conflict all the time."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.model.harness.commands import (
    UNKNOWN_CIO_ID,
    AddDeviceCommand,
    AnonymousEventCommand,
    AnyCommand,
    DeleteDeviceCommand,
    EventCommand,
    IdentifyCommand,
    MergeCommand,
    Name,
    RemovalCommand,
    RemovalType,
    SegmentCommand,
)
from workspace_operator.identity.model.commands import DeletePerson, Suppress, Unsuppress
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind

IDS = [*(f"user-{number}" for number in range(10)), "p0@x.org"]
EMAILS = [*(f"p{number}@x.org" for number in range(10)), "P1@X.org"]
MAX_BATCH = 8
ROWS_TOGETHER = 25


@dataclass
class OperationGenerator:
    """One writer; ``cio_ids`` are from its latest results."""

    random: Random
    name: str
    cio_ids: deque[str] = field(default_factory=lambda: deque([UNKNOWN_CIO_ID], maxlen=12))
    _events: int = 0

    def generate(self, calls: int) -> Iterator[Sequence[AnyCommand]]:
        """Generate so many commands: single ones, several in a transaction, and rows of a file."""
        said = 0
        while said < calls:
            sort = self.random.random()
            size = 1 if sort < 0.75 else self.random.randint(2, MAX_BATCH if sort < 0.97 else ROWS_TOGETHER)
            asks = [self._row() if sort >= 0.97 else self._anything() for _ in range(min(size, calls - said))]
            said += len(asks)
            yield asks

    def _anything(self) -> AnyCommand:
        [say] = self.random.choices(self._ways, self._weights)
        return say()

    @property
    def _ways(self) -> Sequence[Callable[[], AnyCommand]]:
        return self._identify, self._remove, self._merge, self._event, self._anonymous, self._device, self._segment

    _weights = (50, 16, 4, 12, 3, 8, 7)

    def _named(self, kind: IdentifierKind | None = None) -> Name:
        kind = kind or self.random.choice([ID, ID, EMAIL, EMAIL, CIO_ID])
        values = {ID: IDS, EMAIL: EMAILS, CIO_ID: self.cio_ids}[kind]
        return Name(kind=kind, text=self.random.choice(values))

    def _identify(self) -> IdentifyCommand:
        return IdentifyCommand(name=self._named(), body=self._body(), update_only=self.random.random() < 0.1)

    def _row(self) -> IdentifyCommand:
        return IdentifyCommand(
            name=self._named(), body=self._body(), by_import=True, update_only=self.random.random() < 0.3
        )

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for kind, values in ((ID, IDS), (EMAIL, EMAILS)):
            if self.random.random() < 0.4:
                body[kind.value] = None if self.random.random() < 0.1 else self.random.choice(values)
        for name in ("plan", "size"):
            if self.random.random() < 0.5:
                body[name] = self.random.choice([None, self.random.randrange(100)])
        if self.random.random() < 0.2:
            body["_timestamp"] = self.random.randint(1_600_000_000, 1_600_000_100)
        if self.random.random() < 0.1:
            body["created_at"] = self.random.randint(1_000_000_001, 1_000_001_000)
        if self.random.random() < 0.1:
            body["anonymous_id"] = self._anonymous_id()
        return body

    def _remove(self) -> RemovalCommand:
        verbs: list[RemovalType] = [DeletePerson, Suppress, Unsuppress]
        return RemovalCommand(name=self._named(), verb=self.random.choices(verbs, [4, 2, 5])[0])

    def _merge(self) -> MergeCommand:
        return MergeCommand(name=self._named(), other=self._named())

    def _event(self) -> EventCommand:
        event = {"name": "bought", "data": {"by": self.name}, "id": f"event-{self.random.randrange(5000)}"}
        return EventCommand(name=self._named(), event=event)

    def _anonymous(self) -> AnonymousEventCommand:
        return AnonymousEventCommand(event={"name": "looked", "anonymous_id": self._anonymous_id()})

    def _anonymous_id(self) -> str:
        return f"anonymous-{self.random.randrange(5)}"

    def _device(self) -> AnyCommand:
        token = f"device-{self.random.randrange(3)}"
        if self.random.random() < 0.3:
            return DeleteDeviceCommand(name=self._named(), token=token)
        return AddDeviceCommand(name=self._named(), device={"id": token, "platform": self.name})

    def _segment(self) -> SegmentCommand:
        member = self.random.random() < 0.7
        return SegmentCommand(name=self._named(), segment=self.random.randrange(3), member=member)
