"""From how a caller names a person to what is asked of the store: all that does not hang on the mode is checked here.

What hangs on it is only whether an email is an identifier, so only that waits for the transaction.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import Ask, Call, MergeCall
from workspace_operator.identity.references import (
    REFERENCE_KINDS,
    Reference,
    reference_by_kind,
    reference_by_shape,
)
from workspace_operator.identity.rules import EMAIL, EMAIL_OR_ID, ID, Kind, Mode
from workspace_operator.identity.texts import shown

Build: TypeAlias = Callable[[Reference], Call]

AskAbout: TypeAlias = Callable[[str, Build], Ask]
"""How a path names a person: `ask_by_shape` or `ask_by_id`."""

Named: TypeAlias = tuple[Kind, object]
"""A person as a caller names them: the kind and what was sent."""


def ask_by_shape(raw: str, build: Build) -> Ask:
    """A call about whom a path names (identity-rules §4, row a). Raises InvalidInput."""
    reference = reference_by_shape(raw, EMAIL_OR_ID)
    call = build(reference)
    if reference.kind is not EMAIL:
        return call
    return _with_email(call, lambda mode: build(reference_by_shape(raw, mode)))


def ask_by_id(raw: str, build: Build) -> Ask:
    """A call about whom a path names by an id, whatever its shape. Raises InvalidInput."""
    return build(reference_by_kind(raw, ID, EMAIL_OR_ID, field="reference"))


def ask_by_kind(named: Named, build: Build, *, field: str, suppressing: bool = False) -> Ask:
    """A call about whom a caller names by a kind of identifier (identity-rules §4, row a). Raises InvalidInput."""
    kind, raw = named
    call = build(reference_by_kind(raw, kind, EMAIL_OR_ID, field=field))
    if kind is not EMAIL or suppressing:
        return call
    return _with_email(call, lambda mode: build(reference_by_kind(raw, kind, mode, field=field)))


def _with_email(call: Call, otherwise: Callable[[Mode], Call]) -> Ask:
    """The call that was made already, where email is an identifier."""
    return lambda mode: call if EMAIL in REFERENCE_KINDS[mode] else otherwise(mode)


def ask_to_merge(primary: Named, secondary: Named) -> Ask:
    """A merge. Raises InvalidInput."""

    def ask(mode: Mode) -> Call:
        return MergeCall(
            primary=reference_by_kind(primary[1], primary[0], mode, field=f"primary.{primary[0]}"),
            secondary=reference_by_kind(secondary[1], secondary[0], mode, field=f"secondary.{secondary[0]}"),
        )

    ask(EMAIL_OR_ID)
    return ask


def only_identifier(side: Mapping[str, Any], *, field: str) -> Named:
    """The one identifier that an object has; null and empty ones are none. Raises InvalidInput."""
    named = [(kind, side[kind.value]) for kind in Kind if side.get(kind.value) not in (None, "")]
    if len(named) == 1:
        return named[0]
    message = f"{field} must have exactly one of {', '.join(Kind)}, it has {len(named)}"
    raise InvalidInput(message, field=field)


def object_at(body: Mapping[str, Any], name: str, *, field: str = "") -> Mapping[str, Any]:
    """The object that a body has under a name. Raises InvalidInput."""
    found = body.get(name)
    path = field or name
    if isinstance(found, dict):
        return found
    if found is None:
        raise InvalidInput(f"{path} is missing: send an object", field=path)
    raise InvalidInput(f"{path} is {shown(found)}: send an object", field=path)
