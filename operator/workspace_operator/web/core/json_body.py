"""Parsing of request bodies: strict JSON (one object, bounded depth, finite numbers), large bodies in a thread."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from workspace_operator.errors import InvalidInput
from workspace_operator.web.core.http import Request

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

MAX_DEPTH: Final = 50
"""Maximum nesting of lists and objects."""
INLINE_BYTES: Final = 2_048
"""Bodies up to this size are parsed on the event loop: faster than switching threads."""

_TO_SQUARE_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NON_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_MAX_SHOWN_CHARACTERS: Final = 40


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a body that is a JSON object; the last value of a repeated name counts.

    A byte order mark at the beginning is ignored (RFC 8259 §8.1). Raises InvalidInput.
    """
    if _is_too_deep(body):
        raise InvalidInput(f"the body is nested deeper than {MAX_DEPTH} levels: flatten it")
    try:
        document = _decode(body.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not valid UTF-8 at byte {error.start}: send UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"the body is not valid JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise InvalidInput("the body is not valid JSON: its brackets are not closed") from None
    except ValueError:
        raise InvalidInput("the body has a number with too many digits: send it as text") from None
    if not isinstance(document, dict):
        raise InvalidInput("the body must be a JSON object: {…}")
    return document


def _is_too_deep(body: bytes) -> bool:
    """Whether a body is nested too deeply; each round removes the innermost pairs of brackets.

    A body with few opening brackets, as most are, is decided by their count. Malformed bodies are left to the parser.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    without_escapes = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_strings = b"".join(without_escapes.split(b'"')[::2])
    brackets = outside_strings.translate(_TO_SQUARE_BRACKETS, _NON_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    return b"[]" in brackets


def _parse_finite_float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise InvalidInput(f"the body has a number that is too large: {text[:_MAX_SHOWN_CHARACTERS]}")
    return number


def _reject_constant(name: str) -> NoReturn:
    raise InvalidInput(f"the body has {name}, which is not valid JSON: send null or text")


_decode = json.JSONDecoder(parse_float=_parse_finite_float, parse_constant=_reject_constant).decode


@dataclass(slots=True)
class RequestParser:
    """Runs parse functions: on the event loop for short requests, in a thread for all others."""

    _limiter: CapacityLimiter | None = field(default=None)

    async def run(
        self, request: Request, parse: Callable[Arguments, Result], *args: Arguments.args, **options: Arguments.kwargs
    ) -> Result:
        """Call ``parse`` with these arguments; passes on its exceptions."""
        if len(request.body) <= INLINE_BYTES and all(param.isascii() for param in request.path_params):
            return parse(*args, **options)
        self._limiter = self._limiter or CapacityLimiter(1)
        return await to_thread.run_sync(lambda: parse(*args, **options), limiter=self._limiter)
