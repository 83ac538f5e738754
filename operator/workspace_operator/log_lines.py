"""Log messages with fields, and the context of a reconcile that its lines share.

A line has one text for people, and its fields for programs: the handler of a process (``bootstrap.logs``) writes the
text, or one JSON object with the text and the fields. Field values name resources, counts and codes, never people.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TypeAlias

FieldValue: TypeAlias = str | int | tuple[str, ...]

_context: ContextVar[Mapping[str, FieldValue]] = ContextVar("log_fields", default=MappingProxyType({}))
_is_plain = re.compile(r'[^\s"=]+').fullmatch


class LogLine:
    """A message with fields, given to a logger instead of a text: ``namespace=a name=b: the message``."""

    __slots__ = ("fields", "message")

    def __init__(self, message: str = "", /, **fields: FieldValue) -> None:
        self.message, self.fields = message, fields

    def __str__(self) -> str:
        return ": ".join(part for part in (fields_text(self.fields), self.message) if part)


@contextmanager
def log_context(**fields: FieldValue) -> Iterator[None]:
    """Add fields to every line that this thread, or task, logs inside the context."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def context_fields() -> Mapping[str, FieldValue]:
    """The fields of the contexts that are open."""
    return _context.get()


def fields_text(fields: Mapping[str, FieldValue]) -> str:
    """Fields as ``key=value``, separated by spaces; a value with spaces or quotes is a JSON string."""
    return " ".join(f"{name}={_value_text(value)}" for name, value in fields.items())


def _value_text(value: FieldValue) -> str:
    text = (",".join(value) or "none") if isinstance(value, tuple) else str(value)
    return text if _is_plain(text) else json.dumps(text, ensure_ascii=False)
