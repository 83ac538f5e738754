"""The contract of the port SignInPins."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.backends import START, Store
from tests.store.workspaces.test_sessions import SESSION, SIGNED_IN
from tests.threads import run_together
from workspace_operator.application.ports import ACCOUNT_WIDE, AuditAction, SignInPin
from workspace_operator.application.sessions.entries import session_entry

ADA = SignInPin(
    email_key="ada@shop.example",
    issuer="https://id.example",
    subject="0001",
    pinned_at=START,
    signed_in_at=START,
)
BOB = replace(ADA, email_key="bob@shop.example", subject="0002")
RESET = session_entry(AuditAction.SIGN_IN_RESET, "root", at=START, detail={"member": ADA.email_key})


def test_first_identity_is_pinned(store: Store) -> None:
    assert store.sign_in_pins.confirm(ADA)
    assert store.sign_in_pins.pins_of([ADA.email_key]) == [ADA]


def test_next_sign_in_is_recorded(store: Store) -> None:
    store.sign_in_pins.confirm(ADA)
    later = START + timedelta(days=1)

    assert store.sign_in_pins.confirm(replace(ADA, pinned_at=later, signed_in_at=later))
    assert store.sign_in_pins.pins_of([ADA.email_key]) == [replace(ADA, signed_in_at=later)]


@pytest.mark.parametrize("other", [replace(ADA, subject="0009"), replace(ADA, issuer="https://other.example")])
def test_another_identity_is_refused_and_changes_nothing(store: Store, other: SignInPin) -> None:
    store.sign_in_pins.confirm(ADA)
    later = START + timedelta(days=1)

    assert not store.sign_in_pins.confirm(replace(other, signed_in_at=later))
    assert store.sign_in_pins.pins_of([ADA.email_key]) == [ADA]


def test_one_identity_may_have_several_addresses(store: Store) -> None:
    store.sign_in_pins.confirm(ADA)

    assert store.sign_in_pins.confirm(replace(BOB, subject=ADA.subject))


def test_pins_are_listed_by_address(store: Store) -> None:
    store.sign_in_pins.confirm(BOB)
    store.sign_in_pins.confirm(ADA)

    assert store.sign_in_pins.pins_of([BOB.email_key, "nobody@shop.example", ADA.email_key]) == [ADA, BOB]
    assert store.sign_in_pins.pins_of([]) == []


def test_reset_ends_the_sessions_of_the_address(store: Store) -> None:
    store.sign_in_pins.confirm(ADA)
    for digest, person in (("s1", ADA.email_key), ("s2", BOB.email_key)):
        session = replace(SESSION, token_digest=digest, person=person)
        store.sessions.add_session(session, max_sessions=20, forget_before=START, entry=SIGNED_IN)
    store.clock.advance(1)

    assert store.sign_in_pins.reset(ADA.email_key, entry=RESET)
    assert [store.sessions.find_session(digest) is None for digest in ("s1", "s2")] == [True, False]
    assert store.audit_log.entries(ACCOUNT_WIDE, limit=1)[0].action == "sign_in_reset"
    assert store.sign_in_pins.confirm(replace(ADA, subject="0009"))


def test_reset_without_a_pin_writes_nothing(store: Store) -> None:
    store.sign_in_pins.confirm(BOB)

    assert not store.sign_in_pins.reset(ADA.email_key, entry=RESET)
    assert store.audit_log.entries(ACCOUNT_WIDE, limit=1) == []
    assert store.sign_in_pins.pins_of([BOB.email_key]) == [BOB]


def test_of_several_first_sign_ins_one_identity_is_pinned(sql: Store) -> None:
    pins = [replace(ADA, subject=f"{number:04}") for number in range(6)]

    confirmed = run_together(*[lambda pin=pin: sql.sign_in_pins.confirm(pin) for pin in pins])

    assert sorted(confirmed) == [False] * 5 + [True]
