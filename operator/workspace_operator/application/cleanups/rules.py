"""Rules of cleanups as somebody asks for them: their parts are checked, and the first one opens a draft."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.ports import Actor, CleanupRules, Cleanups
from workspace_operator.cleanups.rules import Rule, RuleAction, StoredRule
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.attributes import IDENTIFIER_NAMES
from workspace_operator.identity.values.email_keys import MAX_EMAIL_CHARACTERS, email_key
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, check_text, quoted, stripped

MAX_ATTRIBUTES: Final = 10
"""Maximum number of attributes that a rule compares."""

MAX_PEOPLE: Final = 10**9
MAX_TIME: Final = 10**11
"""In Unix seconds."""

PARTS: Final = ("action", "max_people", "equal_attributes", "not_called_since", "suffix")
"""The parts of a rule, as the API calls them."""


def parse_rule(parts: Mapping[str, object], names: Mapping[str, str] | None = None) -> Rule:
    """A rule of its parts, by `PARTS`; a part that is missing or None is no condition.

    ``names`` are those that the sender knows parts by, if they have others. An unknown part is refused: without it, a
    rule could decide about more people than it was meant for.

    Raises:
        InvalidInput: a part is wrong; the message and the field name it.
    """
    for part in parts:
        if part not in PARTS:
            raise InvalidInput(f"{quoted(part)} is no part of a rule: use {', '.join(PARTS)}", field=str(part))
    read = _PartReader(parts, names or {})
    return Rule(
        action=read.action(),
        max_people=read.number("max_people", least=2, most=MAX_PEOPLE),
        equal_attributes=read.attributes(),
        not_called_since=read.number("not_called_since", least=0, most=MAX_TIME),
        suffix=read.suffix(),
    )


@dataclass(frozen=True, slots=True)
class _PartReader:
    """Reads parts of a rule, and names them in errors."""

    parts: Mapping[str, object]
    names: Mapping[str, str]

    def action(self) -> RuleAction:
        value, name = self._part("action")
        if not isinstance(value, str) or value not in set(RuleAction):
            raise InvalidInput(f"{name} {quoted(value)} is unknown: use one of {', '.join(RuleAction)}", field=name)
        return RuleAction(value)

    def number(self, part: str, *, least: int, most: int) -> int | None:
        value, name = self._part(part)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise InvalidInput(f"{name} is {quoted(value)}: send a whole number from {least} to {most}", field=name)
        return value

    def attributes(self) -> tuple[str, ...]:
        value, name = self._part("equal_attributes")
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise InvalidInput(f"{name} is {quoted(value)}: send a list of names of attributes", field=name)
        attributes = tuple(dict.fromkeys(value))
        if len(attributes) > MAX_ATTRIBUTES:
            message = f"{name} has {len(attributes)} attributes, {MAX_ATTRIBUTES} are allowed: remove some"
            raise InvalidInput(message, field=name)
        for attribute in attributes:
            check_text(attribute, field=name, limit=MAX_NAME_BYTES)
            if not attribute or attribute in IDENTIFIER_NAMES:
                raise InvalidInput(f"{name} {quoted(attribute)} is no attribute that could be equal", field=name)
        return attributes

    def suffix(self) -> str:
        """The end of e-mail keys that an end of addresses as written has: of a domain, in its ASCII form."""
        value, name = self._part("suffix")
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidInput(
                f"{name} is {quoted(value)}: send the end of addresses, such as @example.com", field=name
            )
        check_text(value, field=name, limit=MAX_EMAIL_CHARACTERS)
        text = stripped(value)
        if not text.startswith("@"):
            return text.lower()
        key = email_key(f"a{text}")
        if key is None:
            raise InvalidInput(f"{name} {quoted(value)} is not the end of an address, such as @example.com", field=name)
        return key.removeprefix("a")

    def _part(self, part: str) -> tuple[object, str]:
        """The value of a part, and its name for the sender."""
        return self.parts.get(part), self.names.get(part, part)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMaker:
    """Adds rules to the draft of a workspace."""

    rules: CleanupRules
    cleanups: Cleanups
    clock: Callable[[], datetime]

    def add(self, workspace_id: int, rule: Rule, *, actor: Actor) -> tuple[int, StoredRule]:
        """Have a rule counted, in the draft that there is or in a new one; returns the number of the draft.

        Raises Conflict if no decisions can be made, or if there are too many rules.
        """
        cleanup, _ = self.cleanups.open(workspace_id, actor=actor, now=self.clock())
        return cleanup.number, self.rules.add(workspace_id, cleanup.number, rule, actor=actor, now=self.clock())
