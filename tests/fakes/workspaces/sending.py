"""The messages of workspaces and the senders, in memory, as far as a reconcile observes them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from workspace_operator.reconcile.model.sending import SENDER_DEAD_AFTER, LiveSenders, ObservedSending
from workspace_operator.reconcile.plan.sending import SendingPreview
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.workspaces.model import Workspace


@dataclass(slots=True, kw_only=True)
class FakeAttempt:
    """A hand-over of a message."""

    workspace_id: int
    send_version: int
    deadline: datetime
    ended_at: datetime | None = None

    def is_in_flight(self, workspace_id: int, now: datetime) -> bool:
        return self.workspace_id == workspace_id and self.ended_at is None and self.deadline > now


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeWaiting:
    """A message that waits."""

    workspace_id: int
    due_at: datetime
    accepted_mode: SendMode


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeSender:
    """A sender with its newest heartbeat."""

    beat_at: datetime
    fingerprint: str
    offers: tuple[TransportOffer, ...] = ()


@dataclass(slots=True, kw_only=True)
class FakeSendingState:
    """``senders`` are by worker."""

    attempts: list[FakeAttempt] = field(default_factory=list)
    waiting: list[FakeWaiting] = field(default_factory=list)
    senders: dict[str, FakeSender] = field(default_factory=dict)
    root_key_fingerprint: str | None = None
    tracking_templates: Counter[int] = field(default_factory=Counter)

    def observe(self, workspace: Workspace, now: datetime) -> ObservedSending:
        in_flight = [each for each in self.attempts if each.is_in_flight(workspace.workspace_id, now)]
        earlier = [each.deadline for each in in_flight if each.send_version < workspace.send_version]
        return ObservedSending(
            has_waiting=self.count_waiting(workspace.workspace_id) > 0,
            in_flight=len(in_flight),
            draining=len(earlier),
            drained_by=max(earlier, default=None),
            senders=self.live_senders(now),
        )

    def count_waiting(self, workspace_id: int) -> int:
        return sum(each.workspace_id == workspace_id for each in self.waiting)

    def preview(self, workspace_id: int, now: datetime) -> SendingPreview:
        waiting = [each for each in self.waiting if each.workspace_id == workspace_id]
        return SendingPreview(
            waiting=len(waiting),
            accepted_in_normal=sum(each.accepted_mode is SendMode.NORMAL for each in waiting),
            next_due_at=min((each.due_at for each in waiting), default=None),
            in_flight=self.count_in_flight(workspace_id, now),
            tracking_templates=self.tracking_templates[workspace_id],
        )

    def count_in_flight(self, workspace_id: int, now: datetime) -> int:
        return sum(each.is_in_flight(workspace_id, now) for each in self.attempts)

    def live_senders(self, now: datetime) -> LiveSenders:
        alive = [sender for sender in self.senders.values() if sender.beat_at > now - SENDER_DEAD_AFTER]
        with_key = [sender for sender in alive if self.root_key_fingerprint in (None, sender.fingerprint)]
        return LiveSenders(
            with_key=len(with_key),
            with_other_key=len(alive) - len(with_key),
            offers=tuple(offer for sender in with_key for offer in sender.offers),
        )
