"""The log of a process: one handler on the root logger, for the lines of this program and of its libraries.

A line is text, or one JSON object (settings.LogFormat). Lines of Kopf, uvicorn, asyncio, of Python's warnings and of
uncaught exceptions have the same form. Passwords, keys and e-mail addresses are removed from every line, since an
error of a library may quote them.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from workspace_operator.log_lines import FieldValue, LogLine, context_fields, fields_text
from workspace_operator.settings import LogFormat

logger = logging.getLogger(__name__)

TEXT_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"

QUIET_LIBRARIES: Final[Mapping[str, int]] = {
    "kopf": logging.WARNING,
    "alembic": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "uvicorn": logging.ERROR,  # clients that send invalid HTTP could fill the log
}
"""The lowest level of libraries whose messages are logged only with --verbose."""

HIDDEN: Final = "***"

_SECRETS: Final = re.compile(
    r"""
    (?P<url>://)[^\s"'<>]*@                                       # the user and the password in a URL
    | (?P<password>(?i:password)\s*[=:]\s*)[^\s"',;]+             # password=…
    | (?P<scheme>\b(?i:basic|bearer)\s+)[A-Za-z0-9+/=._~-]{16,}   # an Authorization header
    | (?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])              # an API key or a root key
    | (?:"[^"\s]+"|[^\s@<>"'`()\[\],;:=/]+)@[^\s@<>"'`()\[\],;:=/]+  # an e-mail address
    """,
    re.VERBOSE,
)


def configure_logging(log_format: LogFormat, *, verbose: bool = False, stream: TextIO | None = None) -> None:
    """Log to ``stream`` in this form, by default to standard error.

    A later call replaces the handler of an earlier one, so no line is written twice.
    """
    handler = _RootHandler(stream or sys.stderr)
    handler.setFormatter(JSONFormatter() if log_format is LogFormat.JSON else TextFormatter(TEXT_FORMAT))
    root = logging.getLogger()
    for earlier in [known for known in root.handlers if isinstance(known, _RootHandler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name, level in QUIET_LIBRARIES.items():
        logging.getLogger(name).setLevel(logging.NOTSET if verbose else level)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


class _RootHandler(logging.StreamHandler[TextIO]):
    """The only handler of a process."""


class TextFormatter(logging.Formatter):
    """Lines for people; the fields of the context follow the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is the standard library's
        """Return the line, without a traceback."""
        record.message = record.message.rstrip()  # a warning ends in a line break
        return " ".join(part for part in (super().formatMessage(record), fields_text(_missing_fields(record))) if part)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line with its traceback, without secrets."""
        return hide_secrets(super().format(record))


class JSONFormatter(logging.Formatter):
    """One JSON object per line: time (UTC), level, logger, message, fields, and the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as one line, without secrets."""
        fields = {**_fields(record), **_missing_fields(record)}
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": hide_secrets(record.getMessage().rstrip()),
        }
        line |= {name: _without_secrets(value) for name, value in fields.items() if name not in line}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _exception(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def hide_secrets(text: str) -> str:
    """Replace passwords in URLs, keys, Authorization headers and e-mail addresses."""
    return _SECRETS.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    if match["url"]:
        return f"{match['url']}{HIDDEN}@"
    return f"{match['password'] or match['scheme'] or ''}{HIDDEN}"


def _without_secrets(value: FieldValue) -> FieldValue | list[str]:
    if isinstance(value, str):
        return hide_secrets(value)
    return [hide_secrets(part) for part in value] if isinstance(value, tuple) else value


def _exception(error: BaseException) -> Mapping[str, str]:
    return {
        "type": type(error).__qualname__,
        "message": hide_secrets(str(error)),
        "traceback": hide_secrets("".join(traceback.format_exception(error))),
    }


def _fields(record: logging.LogRecord) -> Mapping[str, FieldValue]:
    return record.msg.fields if isinstance(record.msg, LogLine) else {}


def _missing_fields(record: logging.LogRecord) -> Mapping[str, FieldValue]:
    """Fields of the context, and of Kopf's resource, that the message itself does not have."""
    fields = dict(context_fields())
    resource = getattr(record, "k8s_ref", None)  # Kopf's name of the resource that a line is about
    if isinstance(resource, Mapping):
        fields |= {name: str(resource[name]) for name in ("namespace", "name") if resource.get(name)}
    known = _fields(record)
    return {name: value for name, value in fields.items() if name not in known}


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logger.critical("the process ends with an uncaught exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    error, name = arguments.exc_value, arguments.thread.name if arguments.thread else "unknown"
    if error is not None:
        logger.error("thread %s ended with an uncaught exception", name, exc_info=error)
