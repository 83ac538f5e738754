"""The decorator of the value objects that every command creates: immutable for the type checker, cheap at run time.

A frozen dataclass sets each field by a call of ``object.__setattr__``. A command creates about eight values with 50
fields, so that would be a tenth of the processor time of an import. mypy rejects an assignment either way.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as value_object
else:

    def value_object(*, frozen: bool, slots: bool, kw_only: bool) -> Callable[[type[T]], type[T]]:
        """Like `dataclasses.dataclass`; ``frozen`` makes instances hashable, and mypy alone checks it."""
        return dataclasses.dataclass(unsafe_hash=frozen, slots=slots, kw_only=kw_only)


__all__ = ["value_object"]
