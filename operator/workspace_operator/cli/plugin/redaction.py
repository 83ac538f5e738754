"""Redaction of texts for a support bundle: no addresses, no keys, no names of people.

Messages and log lines of this product put user input into quotes, so that quoted text is never kept. The other rules
find what third parties write without quotes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

SAFE_KEYS: Final = frozenset({"time", "level", "logger", "namespace", "name", "reason", "action", "actions", "ready"})
"""Fields of a JSON log line whose values name resources, times and codes: they have no quotes of their own."""

_NAMES_OF_SECRETS = "|".join(
    (
        r"pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|authorization|cookie",
        r"(?:api|app|root|private)[-_ ]?key|site[-_ ]?id",
    )
)
_MIXED = r"(?=\S*\d)(?=\S*[a-z])(?=\S*[A-Z])"

RULES: Final[Sequence[tuple[re.Pattern[str], str]]] = (
    (re.compile(r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)", re.DOTALL), "[key]"),
    (re.compile(r"(?<=://)[^/\s\"']*@"), "[credentials]@"),
    (re.compile(r'"(?:[^"\\\n]|\\.)*"'), '"[text]"'),
    (re.compile(r"(?<![A-Za-z])'(?:[^'\\\n]|\\.)*'"), "'[text]'"),
    (re.compile(r"[^\s\"'<>()\[\],;=]+(?:@|%40)[^\s\"'<>()\[\],;]+"), "[address]"),
    (re.compile(r"\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b"), "[ip]"),
    (re.compile(r"(?i)(?<![0-9a-f:])(?:[0-9a-f]{1,4}:){3,7}:?[0-9a-f]{1,4}\b"), "[ip]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+\S+"), r"\1 [secret]"),
    (re.compile(rf"(?i)((?:{_NAMES_OF_SECRETS})\w*)(\s*[:=]\s*)\S+"), r"\1\2[secret]"),
    (re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{20,}"), "[key]"),
    (re.compile(rf"(?<![\w+/-]){_MIXED}(?:[A-Za-z0-9+/]{{32,}}|[\w-]{{32,}})={{0,2}}"), "[key]"),
)
"""Patterns with their replacements, in the order in which they are applied."""


def redacted_text(text: str) -> str:
    """A text of one line or more without quoted text, addresses, credentials and keys."""
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text


def redacted_log(log: str) -> str:
    """A log whose lines are text, or JSON objects; redacted line by line."""
    return "\n".join(_redacted_line(line) for line in redacted_keys(log).splitlines())


def redacted_keys(text: str) -> str:
    """A text without PEM blocks, which have several lines."""
    pattern, replacement = RULES[0]
    return pattern.sub(replacement, text)


def _redacted_line(line: str) -> str:
    try:
        document = json.loads(line)
    except ValueError:
        return redacted_text(line)
    if not isinstance(document, Mapping):
        return redacted_text(line)
    return json.dumps({name: _redacted_value(name, value) for name, value in document.items()}, ensure_ascii=False)


def _redacted_value(name: str, value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if name in SAFE_KEYS:
        return redacted_text(text)
    return redacted_text(f"{name}={text}").removeprefix(f"{name}=")
