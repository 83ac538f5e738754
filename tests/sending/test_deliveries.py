"""States of a delivery (sending §2.2), and what Liquid sees of its person (sending §5.1)."""

from dataclasses import replace

import pytest

from tests.identity.builders import person
from tests.sending.builders import NOW
from workspace_operator.sending.deliveries import FINAL_STATES, Channel, Delivery, DeliveryState, Metric
from workspace_operator.sending.messages import customer_variables
from workspace_operator.sending.rules import SendMode

DELIVERY = Delivery(
    delivery_id="0" * 24,
    cio_id="a1",
    template=None,
    channel=Channel.EMAIL,
    state=DeliveryState.WAITING,
    accepted_mode=SendMode.NORMAL,
    accepted_at=NOW,
    due_at=NOW,
    tries=0,
    recipient="ann@shop.example",
    subject="Receipt",
)


@pytest.mark.parametrize(
    ("state", "is_final"),
    [
        (DeliveryState.DRAFTED, False),
        (DeliveryState.WAITING, False),
        (DeliveryState.HANDING_OVER, False),
        (DeliveryState.SENT, True),
        (DeliveryState.DELIVERED, True),
        (DeliveryState.BOUNCED, True),
        (DeliveryState.DROPPED, True),
        (DeliveryState.UNDELIVERABLE, True),
        (DeliveryState.FAILED, True),
        (DeliveryState.CANCELLED, True),
    ],
)
def test_nothing_is_sent_after_a_final_state(state: DeliveryState, is_final: bool) -> None:
    assert replace(DELIVERY, state=state).is_final == is_final


def test_every_state_is_final_or_not() -> None:
    assert len(FINAL_STATES) == 7


def test_states_that_callers_see_are_metrics() -> None:
    ours = {DeliveryState.WAITING, DeliveryState.HANDING_OVER, DeliveryState.CANCELLED}

    assert set(map(str, set(DeliveryState) - ours)) <= set(map(str, Metric))


def test_customer_has_attributes_and_identifiers() -> None:
    ann = person("a1", "7", "ann@shop.example", plan="pro")

    assert customer_variables(ann) == {"cio_id": "a1", "id": "7", "email": "ann@shop.example", "plan": "pro"}


def test_identifier_that_is_missing_is_no_variable() -> None:
    assert "id" not in customer_variables(person("a1", None, "ann@shop.example"))
