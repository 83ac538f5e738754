"""Validates a document against a structural schema as the API server does: prune, set defaults, validate.

It works on JSON values and the schema only. Results and paths are those of the API server; the messages are our own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from workspace_operator.resources.problems import FieldPath, Problem, format_path, truncated

Schema = Mapping[str, Any]

TYPES = {"object": Mapping, "array": list, "string": str, "boolean": bool, "integer": int}
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
ARTICLES = {"object": "an object", "array": "a list", "integer": "an integer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem. A blocking one prevents the evaluation of CEL rules, which may rely on the schema."""

    problem: Problem
    is_blocking: bool


def without_nulls(value: Any) -> Any:
    """A copy without fields that are null: for the API server they are absent."""
    if isinstance(value, Mapping):
        return {name: without_nulls(child) for name, child in value.items() if child is not None}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value


def unknown_fields(schema: Schema | None, value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    """The paths of fields (of a value without nulls) that are not in the schema; None has no fields."""
    if schema is not None and schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    known = schema or {}
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from unknown_fields(known.get("items"), entry, (*path, number))
    if isinstance(value, Mapping):
        for name, child in value.items():
            field = known.get("properties", {}).get(name, known.get("additionalProperties"))
            yield from [(*path, name)] if field is None else unknown_fields(field, child, (*path, name))


def with_defaults(schema: Schema, value: Any) -> Any:
    """A copy of a value (without nulls), without unknown fields and with the defaults of absent ones."""
    if isinstance(value, list) and "items" in schema:
        return [with_defaults(schema["items"], entry) for entry in value]
    if not isinstance(value, Mapping) or "properties" not in schema:
        return value
    fields = schema["properties"]
    merged = {name: known["default"] for name, known in fields.items() if "default" in known} | dict(value)
    return {name: with_defaults(fields[name], child) for name, child in merged.items() if name in fields}


def findings(schema: Schema, value: Any, path: FieldPath = ()) -> Iterator[Finding]:
    """All problems of a value with defaults."""
    if not is_of_type(schema["type"], value):
        yield finding_at(path, wrong_type(schema, value), is_blocking=True)
        return
    for check in (enum_findings, length_findings, text_findings, range_findings):
        yield from check(schema, value, path)
    if isinstance(value, Mapping):
        yield from field_findings(schema, value, path)
    if isinstance(value, list) and "items" in schema:
        yield from entry_findings(schema, value, path)


def finding_at(path: FieldPath, message: str, *, is_blocking: bool) -> Finding:
    """A finding at a path."""
    return Finding(problem=Problem(path=format_path(path), message=message), is_blocking=is_blocking)


def is_of_type(name: str, value: Any) -> bool:
    """Whether a JSON value has a type of JSON schema. A boolean is not an integer, unlike in Python."""
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def wrong_type(schema: Schema, value: Any) -> str:
    """A message for a wrong type, with a hint to quote text that YAML reads as another type."""
    wanted = a_or_an(schema["type"])
    given = next((name for name in TYPES if is_of_type(name, value)), "number")
    if schema["type"] != "string" or given not in {"boolean", "integer", "number"}:
        return f"must be {wanted}, not {a_or_an(given)}"
    shown = f"{'boolean' if given == 'boolean' else 'number'} {str(value).lower()}"
    if "enum" in schema:
        return f"must be one of {', '.join(schema['enum'])}, not the {shown}"
    return f"must be {wanted}: quote it, since YAML reads it as the {shown}"


def a_or_an(name: str) -> str:
    """The name of a type with its article."""
    return ARTICLES.get(name, f"a {name}")


def enum_findings(schema: Schema, value: Any, path: FieldPath) -> Iterator[Finding]:
    """Problems of values that are not in the enum."""
    if value not in schema.get("enum", (value,)):
        allowed = ", ".join(schema["enum"])
        yield finding_at(path, f"must be one of {allowed}, not {truncated(value)!r}", is_blocking=True)


def length_findings(schema: Schema, value: Any, path: FieldPath) -> Iterator[Finding]:
    """Problems of values that are too long or too short."""
    unit, longest = ("characters", "maxLength") if isinstance(value, str) else ("entries", "maxItems")
    if longest in schema and len(value) > schema[longest]:
        yield finding_at(path, f"must be at most {schema[longest]} {unit}, not {len(value)}", is_blocking=True)
    if "minLength" in schema and len(value) < schema["minLength"]:
        yield finding_at(path, "may not be empty", is_blocking=False)


def text_findings(schema: Schema, value: Any, path: FieldPath) -> Iterator[Finding]:
    """Problems of text that does not match the pattern or format."""
    if "pattern" in schema and not compiled(schema["pattern"]).search(value):
        yield finding_at(path, f"must match {schema['pattern']}, not {truncated(repr(value), 60)}", is_blocking=False)
    if schema.get("format") == "date-time" and not is_time(value):
        yield finding_at(path, "must be a time such as 2026-01-31T12:00:00Z", is_blocking=False)


@lru_cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as the API server reads it: ``$`` does not match before a line break; ASCII classes."""
    return re.compile(re.sub(r"\$$", r"\\Z", pattern), re.ASCII)


def is_time(text: str) -> bool:
    """Whether a text is a valid time of RFC 3339."""
    try:
        return RFC_3339.fullmatch(text) is not None and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def range_findings(schema: Schema, value: Any, path: FieldPath) -> Iterator[Finding]:
    """Problems of numbers that are too small or too large."""
    if "minimum" in schema and value < schema["minimum"]:
        yield finding_at(path, f"must be at least {schema['minimum']}", is_blocking=False)
    if "maximum" in schema and value > schema["maximum"]:
        yield finding_at(path, f"must be at most {schema['maximum']}", is_blocking=False)


def field_findings(schema: Schema, value: Mapping[str, Any], path: FieldPath) -> Iterator[Finding]:
    """Problems of missing fields of an object, and of its fields."""
    for name in schema.get("required", ()):
        if name not in value:
            yield finding_at((*path, name), "must be given", is_blocking=True)
    for name, child in value.items():
        known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if known is not None:
            yield from findings(known, child, (*path, name))


def entry_findings(schema: Schema, value: list[Any], path: FieldPath) -> Iterator[Finding]:
    """Problems of the entries of a list, and of entries that have the same key as an earlier one."""
    seen: set[tuple[Any, ...]] = set()
    for number, entry in enumerate(value):
        inside = list(findings(schema["items"], entry, (*path, number)))
        yield from inside
        key = () if inside else unique_key(schema, entry)
        if key:
            if key in seen:
                yield finding_at((*path, number), f"may not repeat {', '.join(key)}", is_blocking=False)
            seen.add(key)


def unique_key(schema: Schema, entry: Any) -> tuple[Any, ...]:
    """What no other entry of a list may have as well; empty if entries may repeat."""
    if schema.get("x-kubernetes-list-type") == "set":
        return (entry,)
    return tuple(entry[name] for name in schema.get("x-kubernetes-list-map-keys", ()))
