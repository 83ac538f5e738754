"""An undo before it happens: what it would restore, and what not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Cleanup, Outcome
from workspace_operator.cleanups.undo import PreviewedDecision, UndoPreview, outcome_of
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.reviews import decision_line
from workspace_operator.console.views.formats import number
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoLine:
    """A decision that was chosen to be undone, and what its undo would restore."""

    cio_id: str
    person: str
    what: str
    forecast: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoView:
    """The undo of chosen decisions, before it happens; ``undo`` is the text of the button."""

    title: str
    cleanup_href: str
    lines: Sequence[UndoLine]
    sentences: Sequence[str]
    undo: str
    back: str


def undo_view(cleanup: Cleanup, preview: UndoPreview, people: Mapping[str, Person], mode: Mode) -> UndoView:
    """What an undo of chosen decisions would restore; ``people`` are those they are about, by cio_id."""
    return UndoView(
        title=counted("undo.title", preview.decisions, number=cleanup.number),
        cleanup_href=f"/w/{cleanup.workspace_id}/cleanup/{cleanup.number}",
        lines=[_line(each, people) for each in preview.examined],
        sentences=list(limits_of_undo(mode)),
        undo=counted("undo.do", preview.decisions),
        back=text("undo.back", number=cleanup.number),
    )


def forecast_of_all(preview: UndoPreview) -> Sequence[str]:
    """How much of a whole cleanup would be restored, and why the rest would not."""
    numbers = {"whole": preview.whole, "part": preview.in_part, "none": preview.not_undone}
    shown = {name: number(count) for name, count in numbers.items()}
    examined = len(preview.examined)
    totals = {"examined": number(examined), "decisions": number(preview.decisions)}
    said = text("progress.preview_first" if examined < preview.decisions else "progress.preview", **totals, **shown)
    return [said, *(f"{number(count)}: {text(f'reason.{reason}')}" for reason, count in preview.reasons.items())]


def limits_of_undo(mode: Mode) -> Iterator[str]:
    """What no undo restores because identifiers have changed, as sentences."""
    if mode is not Mode.ID_ONLY:
        yield text("progress.went_through")


def _line(previewed: PreviewedDecision, people: Mapping[str, Person]) -> UndoLine:
    line = decision_line(previewed.stored, people)
    forecast = _forecast(previewed)
    return UndoLine(cio_id=previewed.stored.cio_id, person=line.person, what=line.what, forecast=forecast)


def _forecast(previewed: PreviewedDecision) -> str:
    stored, reason = previewed
    outcome, kind = outcome_of(reason), stored.decision.kind
    why = "" if reason is None else text(f"reason.{reason}")
    if outcome is Outcome.NOT_UNDONE:
        return text("undo.not", why=why)
    if kind is DecisionKind.DELETE:
        return text("undo.deleted_part", why=why) if why else text("undo.deleted")
    return why or text("undo.keep" if kind is DecisionKind.KEEP else "undo.whole")
