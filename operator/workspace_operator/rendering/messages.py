"""Rendering of one message: Liquid, checks, links that count, and MIME (sending §5.4, §7)."""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workspace_operator.errors import InvalidInput
from workspace_operator.rendering.html_documents import HtmlDocument, plain_text
from workspace_operator.rendering.liquid_templates import LiquidTemplates
from workspace_operator.sending.addresses import Mailbox, parse_mailbox, parse_mailboxes
from workspace_operator.sending.headers import check_headers, check_line
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.links import UNSUBSCRIBE_PATH, click_urls, is_trackable, open_url, unsubscribe_url
from workspace_operator.sending.messages import Headers, MessageContent, RenderedMessage, RenderFailure, RenderJob
from workspace_operator.sending.mime import entity
from workspace_operator.sending.tokens import Token

MAX_PART_BYTES: Final = 100_000
MAX_DATA_BYTES: Final = 100_000


def render_message(job: RenderJob, templates: LiquidTemplates, key: RootKey | None) -> RenderedMessage | RenderFailure:
    """Render a message; whatever its template or data can cause is a failure."""
    try:
        return _Rendering(job, templates, key).message()
    except InvalidInput as error:
        return RenderFailure(str(error))
    except UnicodeEncodeError:
        return RenderFailure("a part of the message contains lone surrogates: send valid Unicode")


def liquid_parts(content: MessageContent) -> list[tuple[str, str]]:
    """The parts of a message that are Liquid, by their names in requests."""
    named = (
        ("subject", content.subject),
        ("from", content.sender),
        ("reply_to", content.reply_to),
        ("preheader", content.preheader),
        ("body", content.body),
        ("body_plain", content.body_plain),
        ("body_amp", content.body_amp),
        *(("headers", value) for _, value in content.headers),
    )
    return [(name, text) for name, text in named if text is not None]


def check_sizes(content: MessageContent, *, field: str = "") -> None:
    """Check the sizes of all parts; ``field`` is a prefix of their names. Raises InvalidInput."""
    for name, text in liquid_parts(content):
        size = len(text.encode(errors="surrogatepass"))
        if size > MAX_PART_BYTES:
            part = part_name(field, name)
            raise InvalidInput(f"{part} has {size} bytes: send at most {MAX_PART_BYTES}", field=part)


def part_name(prefix: str, name: str) -> str:
    """The name of a part in errors."""
    return f"{prefix}.{name}" if prefix else name


@dataclass(frozen=True, slots=True)
class _Urls:
    """Makes the URLs of one message."""

    base: str
    token: Token
    key: RootKey

    @property
    def unsubscribe(self) -> str:
        return unsubscribe_url(self.base, self.token, self.key)

    @property
    def pixel(self) -> str:
        return open_url(self.base, self.token, self.key)

    def counted_links(self) -> Callable[[str], str]:
        """A function that gives the counted link of a target; the links have numbers from 1.

        A link to unsubscribe stays: its page must work for programs that do not follow redirects.
        """
        unsubscribe, number = self.base.rstrip("/") + UNSUBSCRIBE_PATH, 0
        click_url = click_urls(self.base, self.token, self.key)

        def counted(target: str) -> str:
            nonlocal number
            if target.startswith(unsubscribe) or not is_trackable(target):
                return target
            number += 1
            return click_url(number, target)

        return counted


class _Rendering:
    """One message on its way through Liquid and the HTML parser."""

    def __init__(self, job: RenderJob, templates: LiquidTemplates, key: RootKey | None) -> None:
        self._job = job
        self._content = job.content
        self._templates = templates
        self._urls: _Urls | None = None
        if job.public_url and key is not None:
            is_test = job.tracking.is_test
            token = Token(workspace_id=job.workspace_id, delivery_id=job.delivery_id, is_test=is_test)
            self._urls = _Urls(job.public_url, token, key)
        unsubscribe = self._urls.unsubscribe if self._urls else ""
        self._variables: Mapping[str, Any] = {**job.data, "unsubscribe_url": unsubscribe}

    def message(self) -> RenderedMessage:
        """Render all parts. Raises InvalidInput and UnicodeEncodeError."""
        check_sizes(self._content)
        self._check_data()
        subject = self._text("subject", self._content.subject)
        check_line(subject, field="subject")
        sender, reply_to = self._sender(), self._reply_to()
        body = self._markup("body", self._content.body)
        plain = self._plain(body)
        headers = self._headers(body, plain)
        archived, html = self._html(body)
        return RenderedMessage(
            subject=subject,
            sender=sender,
            reply_to=reply_to,
            headers=headers,
            entity=entity(html, plain, self._amp(), self._job.attachments),
            html=archived,
            plain=plain,
        )

    def _check_data(self) -> None:
        size = len(pickle.dumps(self._job.data))
        if size > MAX_DATA_BYTES:
            raise InvalidInput(f"the data of the message have {size} bytes: at most {MAX_DATA_BYTES} are rendered")

    def _text(self, name: str, source: str) -> str:
        return self._templates.render_text(source, self._variables, field=name)

    def _markup(self, name: str, source: str | None) -> str | None:
        return None if source is None else self._templates.render_html(source, self._variables, field=name)

    def _sender(self) -> Mailbox | None:
        source = self._content.sender
        return None if source is None else parse_mailbox(self._text("from", source), field="from")

    def _reply_to(self) -> tuple[Mailbox, ...]:
        return parse_mailboxes(self._text("reply_to", self._content.reply_to or ""), field="reply_to")

    def _headers(self, *bodies: str | None) -> Headers:
        headers = tuple((name, self._text("headers", value)) for name, value in self._content.headers)
        check_headers(headers, field="headers")
        if self._urls is None or not self._urls.base.startswith("https://"):  # RFC 8058 requires HTTPS
            return headers
        url = self._urls.unsubscribe
        if not self._job.with_unsubscribe and not any(url in body for body in bodies if body):
            return headers
        return (*headers, ("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))

    def _html(self, body: str | None) -> tuple[str | None, str | None]:
        """The HTML for the archive, which counts no openings, and the one that is sent."""
        if body is None:
            return None, None
        document, urls, tracking = HtmlDocument(body), self._urls, self._job.tracking
        document.replace_links(urls.counted_links() if urls and tracking.links else None)
        if self._content.preheader:
            document.add_preheader(self._text("preheader", self._content.preheader))
        if not urls or not tracking.pixel:
            return document.html, document.html
        pixel = document.add_pixel(urls.pixel)
        html = document.html
        return html.replace(pixel, "", 1), html

    def _plain(self, body: str | None) -> str | None:
        """The text that the message has, or else that of its HTML, with links that count nothing."""
        if self._content.body_plain is not None:
            return self._text("body_plain", self._content.body_plain)
        return None if body is None else plain_text(body)

    def _amp(self) -> str | None:
        source = self._markup("body_amp", self._content.body_amp)
        if source is None:
            return None
        document = HtmlDocument(source)
        document.replace_links(None)
        return document.html
