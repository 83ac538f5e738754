"""What Test changes of an e-mail (sending §3.3), as far as the gate decides it; headers and bytes are the builder's."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sending.builders import ANN, BOB, CLEO, TEST_ADDRESS, circumstances, keys, mailboxes, message, rules
from workspace_operator.sending.gate import Hold, Pass, gate, tracking_of
from workspace_operator.sending.messages import Tracking
from workspace_operator.sending.rules import SendMode

DAN = "dan@shop.example"
ADDRESSES = {"to": mailboxes(f"Ann <{ANN}>, {BOB}"), "cc": mailboxes(CLEO), "bcc": mailboxes(DAN)}


def passed(mode: SendMode, **changes: Any) -> Pass:
    decision = gate(message(**{**ADDRESSES, **changes}), circumstances(mode))
    assert isinstance(decision, Pass)
    return decision


@pytest.mark.parametrize(
    ("part", "in_normal", "in_test"),
    [
        pytest.param(
            lambda decision: keys(decision.envelope),
            (ANN, BOB, CLEO, DAN),
            (TEST_ADDRESS,),
            id="the envelope has exactly one recipient",
        ),
        pytest.param(
            lambda decision: tuple(map(str, decision.to)),
            (f"Ann <{ANN}>", BOB),
            (TEST_ADDRESS,),
            id="the header To is the test address, without a name",
        ),
        pytest.param(lambda decision: keys(decision.cc), (CLEO,), (), id="Cc is left out"),
        pytest.param(lambda decision: decision.keeps_reply_to, True, False, id="Reply-To is left out"),
        pytest.param(
            lambda decision: tuple(map(keys, (decision.original_to, decision.original_cc, decision.original_bcc))),
            ((), (), ()),
            ((ANN, BOB), (CLEO,), (DAN,)),
            id="the original recipients are shown",
        ),
        pytest.param(lambda decision: decision.diverted_to, None, TEST_ADDRESS, id="the record says where it went"),
        pytest.param(
            lambda decision: decision.tracking,
            Tracking(pixel=True, links=True, is_test=False),
            Tracking(pixel=True, links=True, is_test=True),
            id="pixel and links are there, with test tokens",
        ),
        pytest.param(lambda decision: decision.mode, SendMode.NORMAL, SendMode.TEST, id="the message says its mode"),
    ],
)
def test_part_of_an_email_differs_in_a_test(part: Callable[[Pass], object], in_normal: object, in_test: object) -> None:
    assert part(passed(SendMode.NORMAL)) == in_normal
    assert part(passed(SendMode.TEST)) == in_test


def test_name_of_the_test_address_is_left_out() -> None:
    decision = gate(message(), circumstances(rules(SendMode.TEST, test_address=f"Ann <{TEST_ADDRESS}>")))

    assert isinstance(decision, Pass)
    assert [str(mailbox) for mailbox in (*decision.to, *decision.envelope)] == [TEST_ADDRESS] * 2


def test_copy_for_bcc_is_not_sent_in_a_test() -> None:
    copy = message(is_copy=True)

    assert isinstance(gate(copy, circumstances(SendMode.NORMAL)), Pass)
    assert isinstance(gate(copy, circumstances(SendMode.TEST)), Hold)


@pytest.mark.parametrize(
    ("in_force", "template", "tracked", "expected"),
    [
        pytest.param(True, True, True, True, id="all agree: a pixel"),
        pytest.param(
            False, True, True, False, id="open tracking is off in the workspace: no pixel, whatever asks for it"
        ),
        pytest.param(True, False, True, False, id="the template has no open tracking: no pixel"),
        pytest.param(True, True, False, False, id="the caller sent tracked false: no pixel"),
        pytest.param(False, False, False, False, id="nobody asks for it: no pixel"),
    ],
)
@pytest.mark.parametrize("mode", [SendMode.NORMAL, SendMode.TEST])
def test_pixel_requires_workspace_template_and_caller(
    mode: SendMode, in_force: bool, template: bool, tracked: bool, expected: bool
) -> None:
    asked = message(open_tracking=template, tracked=tracked)

    assert tracking_of(asked, rules(mode, open_tracking=in_force), mode).pixel == expected


@pytest.mark.parametrize(
    ("template", "tracked", "expected"),
    [(True, True, True), (False, True, False), (True, False, False)],
    ids=["both agree: signed links", "the template tracks no links", "the caller sent tracked false"],
)
@pytest.mark.parametrize("open_tracking", [True, False])
def test_links_do_not_depend_on_open_tracking(
    open_tracking: bool, template: bool, tracked: bool, expected: bool
) -> None:
    asked = message(link_tracking=template, tracked=tracked)

    assert tracking_of(asked, rules(open_tracking=open_tracking), SendMode.NORMAL).links == expected
