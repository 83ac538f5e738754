"""What a change of the sending rules does to the messages that wait (sending §4.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from workspace_operator.sending.rules import DEFAULT_TRANSPORT, SendMode
from workspace_operator.workspaces.model import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingPreview:
    """The messages of a workspace that a change of its sending rules concerns.

    Attributes:
        waiting: accepted and not handed over yet, including scheduled ones.
        accepted_in_normal: how many of them were accepted in mode Normal; the others are never sent to people.
        next_due_at: when the first of them is due; None if none waits.
        in_flight: being handed over now, under the rules in force.
        tracking_templates: templates that ask for open tracking.
    """

    waiting: int = 0
    accepted_in_normal: int = 0
    next_due_at: datetime | None = None
    in_flight: int = 0
    tracking_templates: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSending:
    """A change of the sending rules; ``before`` is what is in force."""

    before: Settings
    after: Settings
    preview: SendingPreview

    @property
    def effects(self) -> tuple[str, ...]:
        """What the change does, as sentences without a period at the end."""
        return tuple(effect for rule in EFFECTS if (effect := rule(self)) is not None)


def nothing_more_is_sent(change: PlannedSending) -> str | None:
    """To Never: what waits is not sent, unless another mode is in force when it is due."""
    if not _changes_mode_to(change, SendMode.NEVER):
        return None
    return (
        f"{_modes(change)}: {_waiting(change)} would not be sent if Never is still in force when they are due"
        f"{_next_due(change)}{_in_flight(change)}"
    )


def all_goes_to_test_address(change: PlannedSending) -> str | None:
    """To Test, or to another test address: all that waits goes there."""
    before, after = change.before, change.after
    if after.send_mode is not SendMode.TEST or before.test_address == after.test_address:
        return None
    prefix = f"{_modes(change)}: " if before.send_mode is not SendMode.TEST else ""
    return f"{prefix}{_waiting(change)} would go to {after.test_address} only{_next_due(change)}{_in_flight(change)}"


def people_get_messages(change: PlannedSending) -> str | None:
    """To Normal: messages from now on, and none that was made while testing."""
    if not _changes_mode_to(change, SendMode.NORMAL):
        return None
    old, kept = change.preview.accepted_in_normal, change.preview.waiting - change.preview.accepted_in_normal
    return (
        f"{_modes(change)}: messages accepted from now on go to people; {_messages(old)} accepted in Normal before "
        f"would go to people, {kept} accepted in Test or Never would not be sent{_in_flight(change)}"
    )


def opens_are_counted(change: PlannedSending) -> str | None:
    """Open tracking on or off."""
    if change.before.open_tracking is change.after.open_tracking:
        return None
    count = change.preview.tracking_templates
    templates = "1 template asks" if count == 1 else f"{count} templates ask"
    if change.after.open_tracking:
        return f"open tracking on: messages handed over from now on can have a pixel; {templates} for one"
    return (
        f"open tracking off: no pixel from now on, and opens of earlier messages are not counted; {templates} for one"
    )


def transport_changes(change: PlannedSending) -> str | None:
    """Another transport: what waits is handed over to it."""
    before, after = (settings.transport or DEFAULT_TRANSPORT for settings in (change.before, change.after))
    if before == after:
        return None
    return f"transport {before} → {after}: {_waiting(change)} would be handed over to {after}{_in_flight(change)}"


EFFECTS: tuple[Callable[[PlannedSending], str | None], ...] = (
    nothing_more_is_sent,
    all_goes_to_test_address,
    people_get_messages,
    opens_are_counted,
    transport_changes,
)


def _changes_mode_to(change: PlannedSending, mode: SendMode) -> bool:
    return change.after.send_mode is mode and change.before.send_mode is not mode


def _modes(change: PlannedSending) -> str:
    return f"{change.before.send_mode} → {change.after.send_mode}"


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _waiting(change: PlannedSending) -> str:
    count = change.preview.waiting
    return "1 waiting message" if count == 1 else f"{count} waiting messages"


def _next_due(change: PlannedSending) -> str:
    due_at = change.preview.next_due_at
    return "" if due_at is None else f" (the next: {due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"


def _in_flight(change: PlannedSending) -> str:
    count = change.preview.in_flight
    if not count:
        return ""
    return f"; {count} {'is' if count == 1 else 'are'} being handed over now, under the rules in force"
