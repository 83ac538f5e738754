"""Who asks for a pixel or a link: a person's program, a machine, or a program that fetches in advance."""

import re
from typing import Final

from workspace_operator.web.core.http import Request

_PREFETCH_HEADERS: Final = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_PREFETCH_WORDS: Final = ("prefetch", "prerender", "preview")

# Image proxies of mailboxes, link scanners, libraries. Apple's Mail Privacy Protection sends exactly "Mozilla/5.0".
# Cubot makes phones.
_is_machine = re.compile(
    r"googleimageproxy|yahoomailproxy|barracuda|mimecast|proofpoint|(?<!cu)bot\b|crawler|spider|slurp|preview|scanner"
    r"|facebookexternalhit|curl/|wget/|python-|go-http-client|java/|okhttp|node-fetch|axios/|headless|^mozilla/5\.0$|^$",
    re.IGNORECASE,
).search


def is_counted(request: Request) -> bool:
    """Whether a request means that something was opened: no HEAD, and not in advance."""
    if request.method != "GET":
        return False
    values = (request.header(name).lower() for name in _PREFETCH_HEADERS)
    return not any(word in value for value in values for word in _PREFETCH_WORDS)


def is_by_machine(request: Request) -> bool:
    """Whether the program says that it is no person's; one without a name is none."""
    return _is_machine(request.header("user-agent").strip()) is not None
