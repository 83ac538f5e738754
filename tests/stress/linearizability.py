"""The model, told everything again in the order of commits: it has to answer alike, and to end alike."""

from collections.abc import Iterable, Iterator

from tests.model.harness.drivers import answer_of, created_by
from tests.model.harness.snapshots import model_person_shown, person_shown
from tests.model.reference.people import People
from tests.stress.commit_log import Record
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError


def replay(model: People, records: Iterable[Record]) -> Iterator[str]:
    """Tell the model everything; what it would have answered otherwise, call by call."""
    for record in records:
        model.rules = record.rules
        for call, answer in zip(record.calls, record.answers, strict=True):
            told = answer_of(answer)
            expected = model.perform(call, now=record.now, cio_id=created_by(answer) or "nobody")
            if told != expected:
                yield f"{record.serial}: {call} came to {told}, the model says {expected}"
            elif (difference := _difference(model, answer)) is not None:
                yield f"{record.serial}: {call} {difference}"


def _difference(model: People, answer: CommandResultOrError) -> str | None:
    """Whether the person of an answer is another one than the model's."""
    if not isinstance(answer, CommandResult) or answer.person is None or answer.person.cio_id not in model.people:
        return None
    told, known = person_shown(answer.person), model_person_shown(model.people[answer.person.cio_id])
    return None if told == known else f"gave {told}, the model says {known}"
