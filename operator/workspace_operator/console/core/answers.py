"""From what a handler returns to a response: rendered, compressed, with the headers of every answer."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Final, assert_never

from workspace_operator.application.overviews.viewers import SeenWorkspace
from workspace_operator.application.people.csv_files.injection import with_byte_order_mark
from workspace_operator.application.ports import ConsoleSession
from workspace_operator.console.core.http import Answer, Download, ForeignPage, Page, Redirect
from workspace_operator.console.core.rendering import Renderer
from workspace_operator.console.security.cookies import attempt_cookie, session_cookie
from workspace_operator.console.security.form_tokens import form_token
from workspace_operator.console.security.headers import FOREIGN_CONTENT_POLICY
from workspace_operator.console.views.frames import Frame, WorkspaceLink, frame
from workspace_operator.http_server.responses import Response, chunks

HTML_TYPE: Final = "text/html; charset=utf-8"
CSV_TYPE: Final = "text/csv; charset=utf-8"
EMPTY_TYPE: Final = "text/plain; charset=utf-8"
COMPRESS_FROM: Final = 1_000
"""Size in bytes from which a page is compressed."""

COMPRESSION_LEVEL: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """What an answer depends on beside the page.

    Attributes:
        parts: names of the parts that the browser asks for; empty: the whole page.
        known_etag: of the parts that the browser has.
    """

    session: ConsoleSession | None = None
    session_token: str = ""
    seen: SeenWorkspace | None = None
    parts: Sequence[str] = ()
    known_etag: str = ""
    accepts_gzip: bool = False
    is_secure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Makes responses."""

    renderer: Renderer
    links: Sequence[WorkspaceLink]

    def response(self, answer: Answer, context: AnswerContext) -> Response:
        """The response for what a handler returned."""
        match answer:
            case Redirect():
                return _redirection(answer, context)
            case Download():
                return _download(answer)
            case ForeignPage():
                return _foreign(answer)
            case Page():
                return self._page(answer, context)
            case _ as never:
                assert_never(never)

    def _page(self, answer: Page, context: AnswerContext) -> Response:
        frame = self._frame(answer, context)
        if not context.parts or answer.status != HTTPStatus.OK:
            return _html(self.renderer.page(answer, frame), answer, context)
        # Not of the HTML: the token of its forms is masked anew each time.
        etag = f'"{sha256(repr((context.parts, answer.view, answer.refreshes)).encode()).hexdigest()[:32]}"'
        if etag == context.known_etag:
            return Response(
                status=HTTPStatus.NOT_MODIFIED, document=b"", headers={"content-type": EMPTY_TYPE, "etag": etag}
            )
        return _html(self.renderer.parts(answer, frame, context.parts), answer, context, {"etag": etag})

    def _frame(self, page: Page, context: AnswerContext) -> Frame:
        if context.session is None:
            return Frame(title=page.title, refreshes=page.refreshes)
        return frame(
            page.title,
            session=context.session,
            form_token=form_token(context.session_token),
            seen=context.seen,
            links=self.links,
            current=page.link,
            refreshes=page.refreshes,
        )


def _redirection(answer: Redirect, context: AnswerContext) -> Response:
    cookies = []
    if answer.session_token is not None:
        cookies.append(session_cookie(answer.session_token, is_secure=context.is_secure))
    if answer.attempt_token is not None:
        cookies.append(attempt_cookie(answer.attempt_token, is_secure=context.is_secure))
    headers = {"content-type": EMPTY_TYPE, "location": answer.location}
    return Response(status=HTTPStatus.SEE_OTHER, document=b"", headers=headers, cookies=cookies)


def _download(answer: Download) -> Response:
    headers = {"content-type": CSV_TYPE, "content-disposition": f'attachment; filename="{answer.name}"'}
    return Response(document=chunks(with_byte_order_mark(answer.lines)), headers=headers)


def _foreign(answer: ForeignPage) -> Response:
    headers = {"content-type": HTML_TYPE, "content-security-policy": FOREIGN_CONTENT_POLICY}
    return Response(document=answer.html.encode(errors="replace"), headers=headers)


def _html(text: str, page: Page, context: AnswerContext, headers: Mapping[str, str] | None = None) -> Response:
    body = text.encode()
    sent = {"content-type": HTML_TYPE, "vary": "accept-encoding, x-part", **page.headers, **(headers or {})}
    if context.accepts_gzip and len(body) >= COMPRESS_FROM:
        body = gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
        sent["content-encoding"] = "gzip"
    return Response(
        status=page.status,
        document=body,
        headers={**sent, "content-length": str(len(body))},
        cookies=[attempt_cookie("", is_secure=context.is_secure)] if page.ends_attempt else (),
    )
