"""Sending: the barrier, transports, root keys and unknown modes, for Ready and SendingApplied (sending §4.3)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    NOW,
    SHOP,
    STOPPED,
    conditions,
    deleted_resource,
    desired,
    message,
    migration,
    observed_credentials,
    plan_for,
    resource,
    sending_applied,
    status_for,
    stored,
)
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import DeleteWorkspace, UpdateSettings
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.desired import InvalidSpec
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.reconcile.model.sending import LiveSenders, ObservedSending
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import CONFIRM_DELETE
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.workspaces.model import Settings

NEVER = desired(send_mode=SendMode.NEVER)
BULK = replace(SHOP, transport="bulk")
NAMES_BULK = desired(transport="bulk")
ENDS = NOW + timedelta(seconds=7)
DRAINING = ObservedSending(in_flight=3, draining=3, drained_by=ENDS)
EDITED: dict[str, Any] = {"spec_generation": 4}
CONFIRMED = deleted_resource(annotations={CONFIRM_DELETE: "Shop"})


def offer(name: str = "default", *namespaces: str) -> TransportOffer:
    return TransportOffer(name=name, sender_domains=frozenset("*"), namespaces=frozenset(namespaces or "*"))


def senders(*offers: TransportOffer) -> LiveSenders:
    return LiveSenders(with_key=1, offers=offers)


OTHER_KEY = LiveSenders(with_other_key=2)


def observed(sending: ObservedSending | None, settings: Settings = SHOP, **workspace: Any) -> ObservedState:
    return ObservedState(workspace=stored(settings=settings, **workspace), sending=sending)


@pytest.mark.parametrize(
    ("spec", "settings", "sending", "ready", "applied"),
    [
        (desired(), SHOP, ObservedSending(senders=senders(offer())), "InForce", ("True", "InForce")),
        (desired(), SHOP, ObservedSending(), "InForce", ("Unknown", "NoWorker")),
        (desired(), SHOP, ObservedSending(has_waiting=True), "InForce", ("Unknown", "NoWorker")),
        (desired(), SHOP, ObservedSending(senders=senders()), "InForce", ("True", "InForce")),
        (
            desired(),
            SHOP,
            ObservedSending(has_waiting=True, senders=senders()),
            "InForce",
            ("False", "TransportUnknown"),
        ),
        (desired(), SHOP, ObservedSending(senders=OTHER_KEY), "InForce", ("False", "RootKeyMismatch")),
        (
            desired(),
            SHOP,
            ObservedSending(has_waiting=True, senders=OTHER_KEY),
            "RootKeyMismatch",
            ("False", "RootKeyMismatch"),
        ),
        (NAMES_BULK, BULK, ObservedSending(), "InForce", ("Unknown", "NoWorker")),
        (NAMES_BULK, BULK, ObservedSending(senders=senders(offer("bulk"))), "InForce", ("True", "InForce")),
        (
            NAMES_BULK,
            BULK,
            ObservedSending(senders=senders(offer(), offer("bulk", "team-b"))),
            "TransportUnknown",
            ("False", "TransportUnknown"),
        ),
        (NEVER, STOPPED, ObservedSending(), "InForce", ("True", "InForce")),
        (NEVER, STOPPED, ObservedSending(has_waiting=True, senders=OTHER_KEY), "InForce", ("True", "InForce")),
        (NEVER, STOPPED, DRAINING, "Draining", ("False", "Draining")),
        (desired(), SHOP, DRAINING, "Draining", ("False", "Draining")),
    ],
)
def test_sending_decides_ready(spec: Any, settings: Any, sending: Any, ready: str, applied: tuple[str, str]) -> None:
    status = status_for(resource(desired=spec), observed(sending, settings))

    assert conditions(status)["Ready"][1] == ready
    assert sending_applied(status) == applied


@pytest.mark.parametrize(
    ("outcome", "beside"),
    [("Draining", "Reconciling"), ("TransportUnknown", "Stalled"), ("RootKeyMismatch", "Stalled")],
)
def test_only_the_barrier_needs_no_person(outcome: str, beside: str) -> None:
    look = {
        "Draining": observed(DRAINING),
        "TransportUnknown": observed(ObservedSending(senders=senders()), BULK),
        "RootKeyMismatch": observed(ObservedSending(has_waiting=True, senders=OTHER_KEY)),
    }[outcome]
    spec = NAMES_BULK if outcome == "TransportUnknown" else desired()

    found = conditions(status_for(resource(desired=spec), look))

    assert (found["Ready"], found[beside]) == (("False", outcome), ("True", outcome))


def test_barrier_says_how_many_and_until_when() -> None:
    before = status_for(resource(), observed(None))

    text = message(
        status_for(resource(generation=4, desired=NEVER, status=before), observed(DRAINING, STOPPED, **EDITED))
    )

    assert text == (
        "3 messages were being handed over when Never was put in force; the last of them ends by 12:00:07 UTC."
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"test_address": "b@example.com"}, "1 message was being handed over when another test address was put"),
        ({"open_tracking": False}, "1 message was being handed over when other rules for sending were put"),
    ],
)
def test_barrier_says_what_changed(changed: Any, words: str) -> None:
    testing: dict[str, Any] = {"send_mode": SendMode.TEST, "test_address": "a@example.com"}
    before = status_for(resource(desired=desired(**testing)), observed(None, replace(SHOP, **testing)))
    after, sending = testing | changed, replace(DRAINING, draining=1)

    text = message(
        status_for(
            resource(generation=4, desired=desired(**after), status=before),
            observed(sending, replace(SHOP, **after), **EDITED),
        )
    )

    assert text.startswith(words)


def test_barrier_is_reported_once() -> None:
    reported = status_for(resource(desired=NEVER), observed(DRAINING, STOPPED))
    later = replace(DRAINING, in_flight=1, draining=1)

    plan = plan_for(resource(desired=NEVER, status=reported), observed(later, STOPPED), now=LATER)

    assert (plan.status, plan.events, plan.is_draining, plan.requeue) == (None, (), True, False)


def test_barrier_of_another_generation_is_reported_anew() -> None:
    reported = status_for(resource(desired=NEVER), observed(DRAINING, STOPPED))

    plan = plan_for(resource(generation=4, status=reported), observed(DRAINING, **EDITED), now=LATER)

    assert plan.status is not None
    assert plan.status["observedGeneration"] == 4


def test_suspended_resource_waits_for_the_barrier_too() -> None:
    status = status_for(resource(desired=NEVER, suspended=True), observed(DRAINING, STOPPED))

    assert conditions(status)["Ready"] == ("False", "Draining")


def test_barrier_beside_another_fault_is_looked_at_again() -> None:
    look = replace(observed(DRAINING), name_holder=None)
    paused = resource(desired=desired(color="FF0000"), suspended=True)

    plan = plan_for(paused, look)

    assert plan.status is not None
    assert sending_applied(dict(plan.status)) == ("False", "Draining")
    assert message(dict(plan.status), "SendingApplied") == (
        "Messages are being handed over under earlier rules; the last of them ends by 12:00:07 UTC."
    )
    assert (plan.requeue, plan.is_draining) == (True, False)


def test_barrier_comes_before_foreign_secrets() -> None:
    look = replace(observed(DRAINING), credentials=observed_credentials(secret=SecretState.FOREIGN))

    assert conditions(status_for(resource(), look))["Ready"] == ("False", "Draining")


def test_faults_come_after_migrations() -> None:
    look = replace(observed(ObservedSending(senders=senders()), BULK), migration=migration(Stage.MERGING))

    status = status_for(resource(desired=NAMES_BULK), look)

    assert conditions(status)["Ready"] == ("False", "MigrationRunning")
    assert sending_applied(status) == ("False", "TransportUnknown")
    assert "No running sender offers the transport bulk" in message(status, "SendingApplied")


def test_unknown_transport_says_what_is_offered() -> None:
    sending = ObservedSending(senders=senders(offer("default"), offer("eu", "team-a"), offer("secret", "team-b")))

    text = message(status_for(resource(desired=NAMES_BULK), observed(sending, BULK)))

    assert text.startswith("No running sender offers the transport bulk to the namespace team-a")
    assert "Offered are: default, eu." in text
    assert "secret" not in text


def test_other_key_says_how_to_go_on() -> None:
    status = status_for(resource(), observed(ObservedSending(has_waiting=True, senders=OTHER_KEY)))

    assert "`workspacectl sending adopt-database`" in message(status)


@pytest.mark.parametrize(
    ("sending", "settings", "is_tried_again"),
    [
        (ObservedSending(), SHOP, False),
        (ObservedSending(has_waiting=True), SHOP, True),
        (ObservedSending(), BULK, True),
        (ObservedSending(has_waiting=True), STOPPED, False),
        (ObservedSending(has_waiting=True, senders=senders(offer())), SHOP, False),
        (None, BULK, False),
    ],
)
def test_looks_again_for_a_sender_that_matters(sending: Any, settings: Any, is_tried_again: bool) -> None:
    spec = replace(desired(), settings=settings)

    assert plan_for(resource(desired=spec), observed(sending, settings)).requeue is is_tried_again


def test_unknown_mode_is_drift() -> None:
    look = observed(ObservedSending(), STOPPED, knows_send_mode=False)

    plan = plan_for(resource(desired=NEVER), look)

    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=STOPPED),)


def test_unknown_mode_that_stays_is_reported() -> None:
    look = observed(ObservedSending(), STOPPED, knows_send_mode=False)

    status = status_for(resource(desired=NEVER, suspended=True), look)

    assert conditions(status)["Ready"] == ("False", "Suspended")
    assert sending_applied(status) == ("False", "UnknownSendBehavior")
    assert status["sending"]["mode"] == "Never"


@pytest.mark.parametrize(
    ("subject", "look", "expected"),
    [
        (resource(), StoreUnreachable(), ("Unknown", "StoreUnavailable")),
        (
            resource(desired=InvalidSpec(problems=(Problem(path="spec", message="is wrong"),))),
            observed(None),
            ("Unknown", "InvalidSpec"),
        ),
        (resource(suspended=True, desired=NEVER), observed(None), ("False", "Suspended")),
        (resource(suspended=True), ObservedState(), ("Unknown", "Suspended")),
    ],
)
def test_unread_rules_are_not_called_in_force(subject: Any, look: Any, expected: tuple[str, str]) -> None:
    assert sending_applied(status_for(subject, look)) == expected


def test_status_has_the_rules_in_force_and_the_counts() -> None:
    settings = replace(
        SHOP, send_mode=SendMode.TEST, test_address="qa@example.com", open_tracking=False, transport="bulk"
    )
    sending = ObservedSending(has_waiting=True, waiting=41, in_flight=2, senders=senders(offer("bulk")))

    status = status_for(resource(desired=replace(desired(), settings=settings)), observed(sending, settings))

    assert status["sending"] == {
        "mode": "Test",
        "testAddress": "qa@example.com",
        "openTracking": "Disabled",
        "transport": "bulk",
        "waiting": 41,
        "inFlight": 2,
    }


@pytest.mark.parametrize(("now", "waiting"), [(ObservedSending(has_waiting=True), 41), (ObservedSending(), 0)])
def test_uncounted_messages_stay_as_they_were(now: ObservedSending, waiting: int) -> None:
    counted = ObservedSending(has_waiting=True, waiting=41)
    before = status_for(resource(), observed(counted))

    status = plan_for(resource(generation=4, status=before), observed(now, **EDITED)).status

    assert status is not None
    assert status["sending"]["waiting"] == waiting


def test_deletion_stops_sending_first() -> None:
    plan = plan_for(CONFIRMED, observed(ObservedSending(in_flight=2), replace(BULK, color="FF0000")))

    wanted = replace(BULK, color="FF0000", send_mode=SendMode.NEVER)
    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=wanted),)


def test_deletion_of_an_unknown_mode_stops_sending_first() -> None:
    plan = plan_for(CONFIRMED, observed(ObservedSending(), STOPPED, knows_send_mode=False))

    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=STOPPED),)


@pytest.mark.parametrize(("count", "words"), [(1, "1 message is being"), (2, "2 messages are being")])
def test_deletion_waits_for_hand_overs(count: int, words: str) -> None:
    plan = plan_for(CONFIRMED, observed(ObservedSending(in_flight=count, draining=count, drained_by=ENDS), STOPPED))

    assert (plan.actions, plan.finalizers, plan.is_draining) == ((), None, True)
    assert plan.status is not None
    assert message(dict(plan.status)).startswith(f"{words} handed over. Workspace 7 sends no others")


def test_deletion_goes_on_after_the_barrier() -> None:
    plan = plan_for(CONFIRMED, observed(ObservedSending(), STOPPED))

    assert plan.actions == (DeleteWorkspace(workspace_id=7, row_version=4),)


LONG_NAME = f"{'x' * 151} <hello@shop.example>"


def test_sender_that_cannot_send_is_refused() -> None:
    text = message(status_for(resource(desired=desired(sender=LONG_NAME)), observed(ObservedSending())))

    assert "spec.sending.from: must be an address that can send" in text
    assert "display name of 151 characters" in text


def test_old_sender_that_cannot_send_stays() -> None:
    look = observed(ObservedSending(), replace(SHOP, sender=LONG_NAME))

    assert conditions(status_for(resource(desired=desired(sender=LONG_NAME)), look))["Ready"] == ("True", "InForce")


def test_barrier_without_deadline_ends_now() -> None:
    text = message(status_for(resource(), observed(ObservedSending(in_flight=1, draining=1))))

    assert text.endswith("the last of them ends by now.")
