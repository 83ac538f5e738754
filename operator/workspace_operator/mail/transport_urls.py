"""One transport as a URL, for installations with a single server: ``smtp://user@host:587`` or ``smtps://``."""

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from workspace_operator.errors import InvalidInput
from workspace_operator.mail.transport_documents import is_loopback
from workspace_operator.sending.transports import ANY, Security

EXAMPLE: Final = "smtp://user@smtp.example.com:587"


def document_of_url(url: str, password_file: str, *, variable: str) -> dict[str, Any]:
    """The fields of the transport that a URL means; it may be used by all namespaces, and send from all domains.

    ``smtps`` is TLS from the beginning. ``smtp`` is StartTLS, but plain to a server on this host. Raises InvalidInput.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput(f"{variable} is not a valid URL: use one such as {EXAMPLE}") from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise InvalidInput(f"{variable} must be a URL with the scheme smtp or smtps and a host, such as {EXAMPLE}")
    if parts.password is not None:
        raise InvalidInput(
            f"{variable} has a password: write it into a file, and the path of that file into {variable}_PASSWORD_FILE"
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidInput(f"{variable} has more than user, host and port: remove it, as in {EXAMPLE}")
    is_plain = parts.scheme == "smtp" and is_loopback(parts.hostname)
    security = Security.NONE if is_plain else Security.TLS if parts.scheme == "smtps" else Security.START_TLS
    document: dict[str, Any] = {
        "host": parts.hostname,
        "security": security,
        "senderDomains": ANY,
        "namespaces": ANY,
    }
    optional = {"port": port, "username": unquote(parts.username or ""), "passwordFile": password_file}
    return document | {name: value for name, value in optional.items() if value}
