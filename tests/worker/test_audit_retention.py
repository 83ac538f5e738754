"""Old entries of the audit log are deleted a batch at a time, and looked for only now and then."""

from datetime import timedelta

from tests.store.backends import START, Store, memory_store
from workspace_operator.application.audit.retention import INTERVAL, AuditRetention
from workspace_operator.application.ports import ACCOUNT_WIDE, Actor, AuditAction, AuditEntry

KEPT = timedelta(days=400)


def store_with(*subjects: str) -> Store:
    store = memory_store()
    for subject in subjects:
        entry = AuditEntry(
            workspace_id=ACCOUNT_WIDE,
            at=START,
            actor=Actor.installation("root"),
            action=AuditAction.APPLIED,
            subject=subject,
            detail={},
        )
        store.audit_log.record(entry)
    return store


def subjects(store: Store) -> list[str]:
    return [each.subject for each in store.audit_log.entries(ACCOUNT_WIDE, limit=100)]


def retention(store: Store, **options: object) -> AuditRetention:
    return AuditRetention(audit_log=store.audit_log, retention_period=KEPT, clock=store.clock, **options)  # type: ignore[arg-type]


def test_entries_are_kept_for_their_time() -> None:
    store = store_with("a")
    working = retention(store)
    store.clock.now = START + KEPT

    assert working.work_once() is False
    assert subjects(store) == ["a"]

    store.clock.advance(INTERVAL.total_seconds() - 1)
    assert working.work_once() is False
    assert subjects(store) == ["a"]

    store.clock.advance(1)
    assert working.work_once() is False
    assert subjects(store) == []


def test_many_are_deleted_batch_by_batch() -> None:
    store = store_with(*"abcde")
    store.clock.now = START + 2 * KEPT
    working = retention(store, batch=2)

    left = [(working.work_once(), len(subjects(store))) for _ in range(3)]

    assert left == [(True, 3), (True, 1), (False, 0)]


def test_start_is_left_to_other_work() -> None:
    store = store_with("a")
    store.clock.now = START + 2 * KEPT
    working = retention(store, initial_delay=timedelta(minutes=1))

    assert working.work_once() is False
    assert subjects(store) == ["a"]

    store.clock.advance(60)
    working.work_once()
    assert subjects(store) == []
