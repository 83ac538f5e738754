"""A transport as it is written in a file: its fields, their defaults, and their rules (sending §4.1)."""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.sending.addresses import parse_mailbox
from workspace_operator.sending.rules import DEFAULT_TRANSPORT
from workspace_operator.sending.transports import ANY, Security, Transport, TransportOffer

MAX_CONNECTIONS: Final = 64
MAX_RATE: Final = 10_000.0
MAX_BOUNCE_CHARACTERS: Final = 20
"""Of the local part, which gets ``+`` and a delivery, and may have 64 characters then."""

DEFAULT_PORTS: Final = {Security.START_TLS: 587, Security.TLS: 465, Security.NONE: 587}

LABEL: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_is_label = re.compile(LABEL).match


def _as_list(value: Any) -> Any:
    """A single text is a list of one, so that ``*`` needs no brackets."""
    return [value] if isinstance(value, str) else value


Rate = Annotated[float, Field(gt=0, le=MAX_RATE, allow_inf_nan=False)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=1000)]


class TransportDocument(BaseModel):
    """One transport of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, hide_input_in_errors=True)

    name: str = Field(default=DEFAULT_TRANSPORT, pattern=LABEL)
    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Security = Security.START_TLS
    allow_plain: bool = False
    username: str | None = Field(default=None, min_length=1, max_length=320)
    password_file: str | None = Field(default=None, min_length=1)
    ca_file: str | None = Field(default=None, min_length=1)
    sender_domains: Texts
    namespaces: Texts
    bounce_address: str | None = None
    connections: int = Field(default=4, ge=1, le=MAX_CONNECTIONS)
    per_second: Rate = 50.0
    per_workspace_per_second: Rate = 20.0

    def problems(self) -> Iterator[tuple[str, str]]:
        """The fields that break a rule, and what to do."""
        return (problem for rule in RULES for problem in [rule(self)] if problem is not None)

    def transport(self, folder: Path) -> Transport:
        """The transport, if there are no `problems`; relative paths begin at a folder."""
        return Transport(
            offer=TransportOffer(
                name=self.name,
                sender_domains=frozenset(domain_key(domain) or domain for domain in self.sender_domains),
                namespaces=frozenset(self.namespaces),
            ),
            host=self.host,
            port=self.port or DEFAULT_PORTS[self.security],
            security=self.security,
            username=self.username,
            password_file=folder / self.password_file if self.password_file else None,
            ca_file=folder / self.ca_file if self.ca_file else None,
            bounce_address=self.bounce_address,
            connections=self.connections,
            per_second=self.per_second,
            per_workspace_per_second=self.per_workspace_per_second,
        )


def field_names() -> list[str]:
    """The fields as they are written."""
    return [field.alias or name for name, field in TransportDocument.model_fields.items()]


def is_loopback(host: str) -> bool:
    """Whether a host is this one, so that nobody else can read what is sent."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def domain_key(domain: str) -> str | None:
    """A domain in ASCII and lower case, as senders are compared; None if it is not valid."""
    if domain == ANY:
        return ANY
    key = email_key(f"a@{domain}")
    return None if key is None or "@" in domain else key.rpartition("@")[2]


Rule = Callable[[TransportDocument], tuple[str, str] | None]


def plain_text_leaves_this_host(document: TransportDocument) -> tuple[str, str] | None:
    """Security None is for loopback, or on request."""
    if document.security is not Security.NONE or document.allow_plain or is_loopback(document.host):
        return None
    words = f"is None, so that messages and passwords go to {document.host} in plain text"
    return "security", f"{words}: use StartTLS or TLS, or set allowPlain: true"


def username_without_password(document: TransportDocument) -> tuple[str, str] | None:
    """AUTH needs both."""
    if document.username is None or document.password_file is not None:
        return None
    return "passwordFile", "is missing: set it beside username"


def password_without_username(document: TransportDocument) -> tuple[str, str] | None:
    """AUTH needs both."""
    if document.password_file is None or document.username is not None:
        return None
    return "username", "is missing: set it beside passwordFile"


def sender_domain_invalid(document: TransportDocument) -> tuple[str, str] | None:
    """Each is a domain or ``*``."""
    wrong = next((domain for domain in document.sender_domains if domain_key(domain) is None), None)
    return None if wrong is None else ("senderDomains", f"has {wrong[:80]!r}: write domains such as shop.example, or *")


def namespace_invalid(document: TransportDocument) -> tuple[str, str] | None:
    """Each is a name of Kubernetes or ``*``."""
    wrong = next((name for name in document.namespaces if name != ANY and not _is_label(name)), None)
    return None if wrong is None else ("namespaces", f"has {wrong[:80]!r}: write names of namespaces, or *")


def bounce_address_invalid(document: TransportDocument) -> tuple[str, str] | None:
    """A plain address, to which a delivery can be added."""
    if document.bounce_address is None:
        return None
    words = (
        f"must be an address in ASCII of at most {MAX_BOUNCE_CHARACTERS} characters before its @, without + and "
        "quotes: use one such as bounce@mail.example"
    )
    try:
        mailbox = parse_mailbox(document.bounce_address, field="bounceAddress")
    except InvalidInput:
        return "bounceAddress", words
    local = mailbox.address.rpartition("@")[0]
    is_plain = mailbox.address == document.bounce_address and local.isascii() and not set(local) & set('+"')
    return None if is_plain and len(local) <= MAX_BOUNCE_CHARACTERS else ("bounceAddress", words)


RULES: tuple[Rule, ...] = (
    plain_text_leaves_this_host,
    username_without_password,
    password_without_username,
    sender_domain_invalid,
    namespace_invalid,
    bounce_address_invalid,
)
