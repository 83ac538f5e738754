"""Notices in memory, and accounts whose admins are mailed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workspace_operator.application.ports import Notice, NoticeKey, NoticeKind, NoticeState, NoticeUpdate
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.accounts import Account, AccountKey, AccountSettings, Notices
from workspace_operator.workspaces.model import Owner, Settings, Workspace

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ADMINS = ("ana@nordlicht.example", "ben@nordlicht.example")
BLOCKED = {
    "from": "IDOnly",
    "to": "EmailOrID",
    "people": 28,
    "blocking": 17,
    "violations": {"duplicateEmail": 11, "invalidEmail": 6, "suppressedEmail": 0, "idIsAnotherEmail": 0},
    "merged": 0,
}
COMPLETED = BLOCKED | {"blocking": 0, "violations": {}}
REFUSES = {"transport": "bulk", "code": 550}


def account(**changes: Any) -> Account:
    settings = AccountSettings(
        display_name="Marketing",
        admins=ADMINS,
        notices=Notices(transport="default", sender="Workspaces <ops@nordlicht.example>"),
    )
    key = AccountKey(cluster="c1", namespace="marketing", name="acme")
    return Account(account_id=1, key=key, uid="u1", settings=replace(settings, **changes))


def notice(kind: NoticeKind = NoticeKind.MIGRATION_BLOCKED, **changes: Any) -> Notice:
    workspace = Workspace(
        workspace_id=7,
        account="acme",
        owner=Owner(cluster="c1", namespace="marketing", name="crm", uid="w1"),
        mode=Mode.ID_ONLY,
        settings=Settings(display_name="Nordlicht CRM"),
        row_version=1,
    )
    plain = Notice(
        key=NoticeKey(workspace_id=7, kind=kind, subject="1"),
        workspace=workspace,
        account=account(),
        created_at=NOW,
        due_at=NOW,
        attempts=0,
        tries=0,
        unknowns=0,
        details=BLOCKED,
    )
    return replace(plain, **changes)


@dataclass(slots=True, kw_only=True)
class FakeNotices:
    """Implements the port ``Notices``; ``claimable`` and ``updatable`` False: another sender is faster."""

    waiting: dict[NoticeKey, Notice] = field(default_factory=dict)
    updates: list[NoticeUpdate] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    claimable: bool = True
    updatable: bool = True

    def put(self, *notices: Notice) -> None:
        self.waiting |= {each.key: each for each in notices}

    def due(self, transports: Collection[str], *, too_old: datetime, limit: int, now: datetime) -> Sequence[Notice]:  # noqa: ARG002 - the port's
        self.asked.append(tuple(sorted(transports)))
        return sorted((each for each in self.waiting.values() if each.due_at <= now), key=lambda each: each.due_at)[
            :limit
        ]

    def claim(self, notice: Notice, *, key_fingerprint: str, until: datetime) -> Notice | None:  # noqa: ARG002 - the port's
        if not self.claimable or self.waiting[notice.key] != notice:
            return None
        claimed = replace(notice, due_at=until, attempts=notice.attempts + 1, unknowns=notice.unknowns + 1)
        self.waiting[notice.key] = claimed
        return claimed

    def update(self, notice: Notice, update: NoticeUpdate, *, now: datetime) -> bool:  # noqa: ARG002 - the port's
        if not self.updatable or self.waiting[notice.key] != notice:
            return False
        self.updates.append(update)
        current = self.waiting.pop(notice.key)
        if update.state is NoticeState.WAITING:
            assert update.due_at is not None
            self.waiting[notice.key] = replace(
                current, due_at=update.due_at, tries=update.tries, unknowns=update.unknowns
            )
        return True


DAY = timedelta(days=1)
