"""Validation rules that a schema cannot express: CEL expressions with a message.

The same expressions are in the CustomResourceDefinition (``schema.py``) and are evaluated here, for manifests without
an API server. They are core CEL, without the extension functions of Kubernetes. A rule with ``oldSelf`` is a
transition rule: it checks a change, and is skipped without an old document.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import ALLOWED_MODES
from workspace_operator.resources import display_names, email_addresses, expressions
from workspace_operator.resources.problems import FieldPath, Problem, format_path
from workspace_operator.resources.workspaces import NAME_MAX_LENGTH, WorkspaceSpec
from workspace_operator.sending.rules import SendMode


class FieldReason(StrEnum):
    """The reason that the API server gives for a violated rule."""

    INVALID = "FieldValueInvalid"
    REQUIRED = "FieldValueRequired"
    FORBIDDEN = "FieldValueForbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. ``scope`` is the path of ``self``; ``field`` is the wrong field, relative to it.

    A rule that was added later checks new values only, so that resources with an old value can still be changed,
    suspended and deleted.
    """

    scope: FieldPath = ()
    field: FieldPath = ()
    expression: str
    message: str
    reason: FieldReason = FieldReason.INVALID
    new_values_only: bool = False

    @property
    def is_transition(self) -> bool:
        """Whether the rule checks a change."""
        return "oldSelf" in self.expression

    @property
    def problem(self) -> Problem:
        """The problem of a document that violates the rule."""
        return Problem(path=format_path(self.scope + self.field), message=self.message)

    def as_document(self) -> dict[str, Any]:
        """The rule as an entry of x-kubernetes-validations."""
        rule = f"oldSelf.orValue('') == self || ({self.expression})" if self.new_values_only else self.expression
        entry: dict[str, Any] = {"rule": rule, "message": self.message, "reason": str(self.reason)}
        if self.new_values_only:
            entry["optionalOldSelf"] = True
        return entry | ({"fieldPath": "".join(f".{step}" for step in self.field)} if self.field else {})

    def holds(self, document: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
        """Whether a document with defaults fulfils the rule; ``old`` is the document that it replaces."""
        this, before = get_path(document, self.scope), get_path(old, self.scope)
        if this is None or (self.is_transition and before is None):
            return True
        if self.new_values_only and this == before:
            return True
        return compiled(self.expression).execute({"self": this, "oldSelf": before}) is True


def get_path(document: Any, path: FieldPath) -> Any:
    """The value of a document at a path of names; None if there is none."""
    for step in path:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


@lru_cache
def compiled(expression: str) -> expressions.Program:
    """A compiled CEL program; cached, since compiling takes longer than running."""
    return expressions.program(expression)


def rule_problems(
    rules: Iterable[Rule], document: Mapping[str, Any], old: Mapping[str, Any] | None
) -> tuple[Problem, ...]:
    """A problem for each rule that a document violates, in the order of the rules."""
    return tuple(rule.problem for rule in rules if not rule.holds(document, old))


NEW_MODE = (
    "has(self.spec.identifiers.mode) && self.spec.identifiers.mode == '{wanted}' && "
    "!(has(oldSelf.spec.identifiers.mode) && oldSelf.spec.identifiers.mode == '{wanted}')"
)
MODE_IN_FORCE = (
    "has(oldSelf.status) && has(oldSelf.status.identifiers) && has(oldSelf.status.identifiers.mode) && "
    "oldSelf.status.identifiers.mode {comparison}"
)


def forbid_mode_from(wanted: str, comparison: str) -> str:
    """CEL: forbid a newly desired mode while the mode in force matches a comparison."""
    return f"!({NEW_MODE.format(wanted=wanted)} && {MODE_IN_FORCE.format(comparison=comparison)})"


IDENTIFIERS = ("spec", "identifiers")
SEND_BEHAVIOR = ("spec", "sendBehavior")
SENDING = ("spec", "sending")
ALLOWED_MIGRATIONS_HINT = "Allowed changes: " + ", ".join(
    f"{before} to {after}" for before, afters in ALLOWED_MODES.items() for after in sorted(afters)
)
IS_TEST = "(has(self.mode) && self.mode == 'Test')"
COLOR = "#?[0-9A-Fa-f]{6}"
LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
IS_LABEL = f"self.matches('^{LABEL}$')"
NOT_A_LABEL = "must be lower-case letters, digits and hyphens, and begin and end with a letter or digit"
IS_SENDER = f"{display_names.NO_INVISIBLE_CHARACTER} && {email_addresses.MAILBOX_EXPRESSION}"
NOT_A_SENDER = (
    "must be one e-mail address, such as hello@shop.example, or a name with one, such as "
    "Shop <hello@shop.example>, without invisible characters"
)

NAME_LEAVES_ROOM_FOR_CREDENTIALS = Rule(
    field=("metadata", "name"),
    expression=f"!has(self.metadata.name) || size(self.metadata.name) <= {NAME_MAX_LENGTH}",
    message=f"must be at most {NAME_MAX_LENGTH} characters, so that <name>-credentials can name a Secret",
)
EMAIL_ONLY_IS_CHOSEN_AT_THE_START = Rule(
    field=(*IDENTIFIERS, "mode"),
    expression=forbid_mode_from("EmailOnly", "!= 'EmailOnly'"),
    message=(
        "may not be changed to EmailOnly, which can only be chosen when a workspace is created: go back to the "
        f"mode in force (status.identifiers.mode), or create another workspace. {ALLOWED_MIGRATIONS_HINT}"
    ),
    reason=FieldReason.FORBIDDEN,
)
EMAIL_ONLY_BECOMES_EMAIL_OR_ID_FIRST = Rule(
    field=(*IDENTIFIERS, "mode"),
    expression=forbid_mode_from("IDOnly", "== 'EmailOnly'"),
    message=(
        "may not be changed to IDOnly while EmailOnly is in force (status.identifiers.mode): change "
        f"to EmailOrID first, and to IDOnly when that is in force. {ALLOWED_MIGRATIONS_HINT}"
    ),
    reason=FieldReason.FORBIDDEN,
)
DISPLAY_NAME_IS_VISIBLE = Rule(
    scope=("spec", "displayName"),
    expression=display_names.EXPRESSION,
    message=(
        "must contain printable characters only, with plain spaces (U+0020) between them: no control, zero-width, "
        "direction or other invisible characters, and no white space at the beginning or end"
    ),
    new_values_only=True,
)
COLOR_IS_SIX_HEX_DIGITS = Rule(
    scope=("spec", "color"),
    expression=f"self.matches('^{COLOR}$')",
    message="must be six hexadecimal digits, RRGGBB, in quotes, such as '6B7280'; a # before them is allowed",
)
ACCOUNT_NAME_IS_A_LABEL = Rule(
    scope=("spec", "accountName"),
    expression=IS_LABEL,
    message=NOT_A_LABEL,
)
ACCOUNT_NAME_STAYS = Rule(
    scope=("spec", "accountName"),
    expression="self == oldSelf",
    message=(
        "may not be changed, added or removed after the workspace is created (absent means default): restore "
        "the old value, or create another workspace"
    ),
    reason=FieldReason.FORBIDDEN,
)
ID_UPDATES_ONLY_WITH_ID_ONLY = Rule(
    scope=IDENTIFIERS,
    field=("idUpdates",),
    expression="!has(self.idUpdates) || (has(self.mode) && self.mode == 'IDOnly')",
    message="may be given only together with mode IDOnly: remove idUpdates, or set mode to IDOnly",
    reason=FieldReason.FORBIDDEN,
)
TEST_NEEDS_AN_ADDRESS = Rule(
    scope=SEND_BEHAVIOR,
    field=("testAddress",),
    expression=f"!{IS_TEST} || has(self.testAddress)",
    message="must be given when mode is Test: name the address for all e-mail, or choose another mode",
    reason=FieldReason.REQUIRED,
)
ONLY_TEST_HAS_AN_ADDRESS = Rule(
    scope=SEND_BEHAVIOR,
    field=("testAddress",),
    expression=f"{IS_TEST} || !has(self.testAddress)",
    message="may be given only when mode is Test: remove testAddress, or set mode to Test",
    reason=FieldReason.FORBIDDEN,
)
TEST_ADDRESS_IS_AN_ADDRESS = Rule(
    scope=(*SEND_BEHAVIOR, "testAddress"),
    expression=email_addresses.EXPRESSION,
    message="must be one e-mail address and nothing else, such as test@example.com",
    new_values_only=True,
)
TRANSPORT_IS_A_LABEL = Rule(
    scope=(*SENDING, "transport"),
    expression=IS_LABEL,
    message=NOT_A_LABEL,
)
SENDER_IS_A_MAILBOX = Rule(
    scope=(*SENDING, "from"),
    expression=IS_SENDER,
    message=NOT_A_SENDER,
    new_values_only=True,
)

MODE_RULES = (EMAIL_ONLY_IS_CHOSEN_AT_THE_START, EMAIL_ONLY_BECOMES_EMAIL_OR_ID_FIRST)
RULES = (
    NAME_LEAVES_ROOM_FOR_CREDENTIALS,
    *MODE_RULES,
    DISPLAY_NAME_IS_VISIBLE,
    COLOR_IS_SIX_HEX_DIGITS,
    ACCOUNT_NAME_IS_A_LABEL,
    ACCOUNT_NAME_STAYS,
    ID_UPDATES_ONLY_WITH_ID_ONLY,
    TEST_NEEDS_AN_ADDRESS,
    ONLY_TEST_HAS_AN_ADDRESS,
    TEST_ADDRESS_IS_AN_ADDRESS,
    TRANSPORT_IS_A_LABEL,
    SENDER_IS_A_MAILBOX,
)
RULES_FOR_EVERY_VALUE = tuple(rule for rule in RULES if not rule.new_values_only)
RULES_FOR_NEW_VALUES = tuple(rule for rule in RULES if rule.new_values_only)
"""Rules that the reconcile checks again, since only it knows which value is in force."""


def fulfils_rules(spec: WorkspaceSpec) -> bool:
    """Whether a spec fulfils `RULES_FOR_EVERY_VALUE`: the same decision without CEL, a hundred times as fast."""
    identifiers, behavior, transport = spec.identifiers, spec.send_behavior, spec.sending.transport
    return (
        re.fullmatch(COLOR, spec.color) is not None
        and re.fullmatch(LABEL, spec.account_name) is not None
        and (identifiers.id_updates is None or identifiers.mode is Mode.ID_ONLY)
        and (behavior.test_address is not None) == (behavior.mode is SendMode.TEST)
        and (transport is None or re.fullmatch(LABEL, transport) is not None)
    )
