"""All texts of the console, in English: another language is another catalogue of the same keys.

A text with a number has two forms, ``key.one`` and ``key.other``. Values are inserted as they are; templates escape the
result.
"""

from collections.abc import Mapping
from typing import Final

from workspace_operator.console.texts.accounts import ACCOUNT_TEXTS
from workspace_operator.console.texts.cleanups import CLEANUP_TEXTS
from workspace_operator.console.texts.deliveries import DELIVERY_TEXTS
from workspace_operator.console.texts.files import FILE_TEXTS
from workspace_operator.console.texts.frames import FRAME_TEXTS
from workspace_operator.console.texts.imports import IMPORT_TEXTS
from workspace_operator.console.texts.people import PEOPLE_TEXTS
from workspace_operator.console.texts.rules import RULE_TEXTS
from workspace_operator.console.texts.settings import SETTINGS_TEXTS
from workspace_operator.console.texts.usage import USAGE_TEXTS

TEXTS: Final[Mapping[str, str]] = {
    **FRAME_TEXTS,
    **CLEANUP_TEXTS,
    **RULE_TEXTS,
    **PEOPLE_TEXTS,
    **IMPORT_TEXTS,
    **ACCOUNT_TEXTS,
    **DELIVERY_TEXTS,
    **FILE_TEXTS,
    **SETTINGS_TEXTS,
    **USAGE_TEXTS,
}


def text(key: str, **values: object) -> str:
    """A text with values inserted."""
    return TEXTS[key].format(**values)


def counted(key: str, count: int, **values: object) -> str:
    """A text with a number, in the form that the number needs."""
    form = "one" if count == 1 else "other"
    return text(f"{key}.{form}", count=f"{count:,}", **values)
