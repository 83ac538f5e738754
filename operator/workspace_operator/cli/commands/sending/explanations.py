"""Output of the explanation of a message, as text and as JSON."""

from typing import Any, assert_never

from workspace_operator.application.sending.explanations import Explainer, Explanation, gate_line
from workspace_operator.application.sending.gate_questions import GateQuestions, offered_transports
from workspace_operator.cli.commands.sending.delivery_output import (
    ATTEMPT_COLUMNS,
    TemplateNames,
    attempt_document,
    attempt_row,
    delivery_document,
)
from workspace_operator.cli.support.options import parse_namespaced_name
from workspace_operator.cli.support.output import echo, print_table, time_text
from workspace_operator.cli.support.workspace_context import WorkspaceContext
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.sending.gate import GateDecision, Hold, Pass, Wait
from workspace_operator.sending.rules import SendingRules

_NO_DECISION = {
    DeliveryState.HANDING_OVER: "it is being handed over: the attempt below has no outcome yet",
    DeliveryState.CANCELLED: "it was cancelled",
}


def make_questions(context: WorkspaceContext) -> GateQuestions:
    """Questions to the gate, with the transports that the senders of the database offer."""
    namespace, _ = parse_namespaced_name(context.name, "--workspace")
    return GateQuestions(
        people=context.store.people,
        address_blocks=context.store.address_blocks,
        offer_of=offered_transports(context.store.sending_queue.senders(), namespace, now=context.store.clock()),
        workspace_id=context.workspace_id,
    )


def make_explainer(context: WorkspaceContext) -> Explainer:
    """An explainer for the messages of a workspace."""
    return Explainer(deliveries=context.store.deliveries, questions=make_questions(context))


def print_explanation(explanation: Explanation) -> None:
    """Print an explanation for people."""
    delivery = explanation.record.delivery
    echo(f"{delivery.delivery_id} to {delivery.recipient}: {delivery.state.value}")
    if delivery.failure:
        echo(f"reason: {delivery.failure}")
    if delivery.gate is not None:
        gate = delivery.gate
        echo(f"decided by line {gate.rule} of the gate: {gate_line(gate.rule)}")
        echo(
            f"under version {gate.send_version} of the rules: mode {gate.mode or 'unknown'}, "
            f"accepted in mode {gate.accepted_mode or 'unknown'}"
        )
        if gate.diverted_to:
            echo(f"sent to the test address {gate.diverted_to} instead")
    if explanation.decision is not None:
        echo(f"now: {decision_text(explanation.decision)}")
    elif delivery.gate is None and delivery.state in _NO_DECISION:
        echo(_NO_DECISION[delivery.state])
    echo(f"rules in force now: {rules_text(explanation.rules)}")
    if explanation.attempts:
        print()
        print_table(ATTEMPT_COLUMNS, [attempt_row(attempt) for attempt in explanation.attempts])


def explanation_document(explanation: Explanation, templates: TemplateNames) -> dict[str, Any]:
    """An explanation as a JSON document."""
    gate, decision = explanation.record.delivery.gate, explanation.decision
    return {
        **delivery_document(explanation.record, templates),
        "line": None if gate is None else gate_line(gate.rule),
        "now": None if decision is None else decision_document(decision),
        "rules": rules_document(explanation.rules),
        "attempts": [attempt_document(attempt) for attempt in explanation.attempts],
    }


def decision_text(decision: GateDecision) -> str:
    """What the gate would do, in a sentence."""
    line = f"line {decision.rule}: {gate_line(decision.rule)}"
    match decision:
        case Pass():
            return f"it would be handed over to {', '.join(box.address for box in decision.envelope)} ({line})"
        case Hold():
            return f"it would be {decision.state}: {decision.reason} ({line})"
        case Wait():
            until = "somebody continues it" if decision.until is None else time_text(decision.until)
            return f"it would wait until {until}: {decision.reason} ({line})"
        case _ as never:
            assert_never(never)


def decision_document(decision: GateDecision) -> dict[str, Any]:
    """What the gate would do, as a JSON document."""
    document: dict[str, Any] = {"rule": decision.rule, "line": gate_line(decision.rule)}
    match decision:
        case Pass():
            return document | {
                "decision": "pass",
                "mode": decision.mode,
                "envelope": [mailbox.address for mailbox in decision.envelope],
                "diverted_to": decision.diverted_to,
            }
        case Hold():
            return document | {"decision": "hold", "state": decision.state, "reason": decision.reason}
        case Wait():
            return document | {"decision": "wait", "until": time_text(decision.until), "reason": decision.reason}
        case _ as never:
            assert_never(never)


def rules_text(rules: SendingRules) -> str:
    """The sending rules of a workspace in a sentence."""
    mode = rules.mode or "unknown to this version"
    test = f" to {rules.test_address}" if rules.test_address else ""
    tracking = "on" if rules.open_tracking else "off"
    return (
        f"version {rules.send_version}, mode {mode}{test}, transport {rules.transport_name}, open tracking {tracking}"
    )


def rules_document(rules: SendingRules) -> dict[str, Any]:
    """The sending rules of a workspace as a JSON document."""
    return {
        "send_version": rules.send_version,
        "mode": rules.mode,
        "test_address": rules.test_address,
        "transport": rules.transport_name,
        "open_tracking": rules.open_tracking,
        "from": rules.sender,
    }
