"""Headers of every answer of the console."""

from collections.abc import Mapping
from typing import Final

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types console",
    )
)
"""Nothing of another origin, nothing inline, no HTML from text but by our one policy."""

FRAMING_CONTENT_POLICY: Final = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
"""Of a page that frames HTML of others: that frame can go nowhere else, whatever is clicked in it."""

FOREIGN_CONTENT_POLICY: Final = "; ".join(
    ("sandbox", "default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "frame-ancestors 'self'")
)
"""Of HTML of others: no script, no form, no origin, and nothing that it loads, such as a pixel."""

FEATURES: Final = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in FEATURES),
}

STRICT_TRANSPORT: Final[Mapping[str, str]] = {"strict-transport-security": "max-age=31536000"}
"""Only over TLS: a browser ignores it over plain HTTP."""


def security_headers(*, is_secure: bool) -> Mapping[str, str]:
    """The headers for an answer over TLS, or over plain HTTP on the machine itself."""
    return {**SECURITY_HEADERS, **STRICT_TRANSPORT} if is_secure else SECURITY_HEADERS
