"""Overrides: the parts of a message that its request has instead of the template's (sending §5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from workspace_operator.sending.messages import TEXT_PARTS, Headers, MessageContent

_LIQUID_MARKS: Final = ("{{", "{%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Parts of `MessageContent`; None for one that the request leaves to the template."""

    subject: str | None = None
    sender: str | None = None
    reply_to: str | None = None
    preheader: str | None = None
    body: str | None = None
    body_plain: str | None = None
    body_amp: str | None = None
    headers: Headers = ()

    def apply(self, template: MessageContent | None) -> MessageContent:
        """The content of a message; without a template, the request's alone.

        A body of the request replaces every form of the template's body, since those say something else. A header
        replaces the template's header of that name.
        """
        parts = {name: text for name, text in self._parts().items() if text is not None}
        content = template or MessageContent(subject="")
        others: dict[str, Any] = {} if self.body is None else {"body_plain": None, "body_amp": None}
        return replace(content, **{**others, **parts}, headers=_merged(content.headers, self.headers))

    @property
    def has_liquid(self) -> bool:
        """Whether a part must be parsed as Liquid."""
        texts = (text for text in self._parts().values() if text is not None)
        return any(is_liquid(text) for text in (*texts, *(value for _, value in self.headers)))

    def stored(self) -> dict[str, Any]:
        """As JSON, without the parts that are left to the template; `from_stored` reads it."""
        parts: dict[str, Any] = {name: text for name, text in self._parts().items() if text is not None}
        return parts | ({"headers": [list(header) for header in self.headers]} if self.headers else {})

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `stored` wrote."""
        headers = tuple((name, value) for name, value in stored.get("headers", ()))
        return cls(**{**stored, "headers": headers})

    def _parts(self) -> dict[str, str | None]:
        """The parts besides headers, without the slow deep copy of `asdict`."""
        return {name: getattr(self, name) for name in TEXT_PARTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """What `NewDelivery.request` has: the overrides, and the variables of Liquid."""

    overrides: Overrides
    message_data: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """As JSON; `from_document` reads it."""
        return {"overrides": self.overrides.stored(), "message_data": dict(self.message_data)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` wrote."""
        overrides = Overrides.from_stored(document.get("overrides", {}))
        return cls(overrides=overrides, message_data=document.get("message_data", {}))


def is_liquid(text: str) -> bool:
    """Whether text has Liquid, so that only rendering tells what it is."""
    return any(mark in text for mark in _LIQUID_MARKS)


def _merged(template: Headers, request: Headers) -> Headers:
    names = {name.lower() for name, _ in request}
    return (*(header for header in template if header[0].lower() not in names), *request)
