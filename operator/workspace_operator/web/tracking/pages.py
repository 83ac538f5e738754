"""Pages and the image that recipients of messages see; none of them depends on the token in its URL."""

from base64 import b64decode
from http import HTTPStatus
from typing import Final

from workspace_operator.http_server.responses import Response

PIXEL: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""A transparent GIF of one pixel."""

_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_STYLE: Final = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}"
_BUTTON: Final = "button{font:inherit;padding:.5rem 1rem}"

PIXEL_RESPONSE: Final = Response(
    document=PIXEL, headers={"content-type": "image/gif", "x-content-type-options": "nosniff"}
)


def _page(title: str, content: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}{_BUTTON}</style></head><body><h1>{title}</h1>{content}</body></html>\n"
    )
    return Response(status=status, document=html.encode(), headers=_HEADERS)


UNSUBSCRIBE_PAGE: Final = _page(
    "Unsubscribe",
    "<p>Do you want to get no more messages like the one that led you here?</p>"
    '<form method="post"><button type="submit">Unsubscribe</button></form>',
)
UNSUBSCRIBED_PAGE: Final = _page("You are unsubscribed", "<p>You get no more messages like this one.</p>")
BAD_LINK_PAGE: Final = _page(
    "This link does not work", "<p>It is incomplete, or has been changed.</p>", HTTPStatus.NOT_FOUND
)


def redirect(target: str) -> Response:
    """Lead on to a link's target, which does not learn where the reader comes from."""
    return Response(
        status=HTTPStatus.FOUND, document=b"", headers={"location": target, "referrer-policy": "no-referrer"}
    )
