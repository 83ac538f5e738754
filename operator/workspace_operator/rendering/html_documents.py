"""HTML of messages: counted links, the open pixel, the preheader, and the text of a document (sending §5.4).

Liquid escapes values, which does not stop ``javascript:`` in a link. So links keep the schemes of `SCHEMES` only.
"""

import re
from collections.abc import Callable
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})

HIDDEN: Final = "display:none;max-height:0;overflow:hidden;mso-hide:all"

_COUNTED_TAGS = frozenset({"a", "area"})
# Characters for private use mark the breaks, because they are no white space.
_LINE, _PARAGRAPH = "\ue000", "\ue001"
_CELLS = frozenset({"dd", "dt", "li", "td", "th"})
_BREAKS = {
    **dict.fromkeys(("address", "article", "div", "footer", "header", "hr", "section"), _LINE),
    **dict.fromkeys(
        ("blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"), _PARAGRAPH
    ),
}
_OMITTED = ["style", "script", "title", "template", "noscript"]

_blanks = re.compile(r"[\0-\x20]+")
_before_path = re.compile(r"[^/?#]*").match
_doctype = re.compile(r"(?>\s+|<!--.*?-->|<\?[^>]*>)*+(<!doctype[^>]*>)", re.IGNORECASE | re.DOTALL).match
_revealed_comment = re.compile(r"<!--\[(if [^\]<>]*|endif)\]-->")
_invisible = re.compile("[\xad\u034f\u200b-\u200d\u2060\ufeff]+")
_breaks = re.compile(rf"[ {_LINE}{_PARAGRAPH}]*[{_LINE}{_PARAGRAPH}][ {_LINE}{_PARAGRAPH}]*")

Counted = Callable[[str], str]
"""Gives the link that counts clicks on a target, or the target itself."""


class HtmlDocument:
    """A document; what is not changed is serialized with the same meaning."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tree = LexborHTMLParser(source)
        self._is_changed = False

    def replace_links(self, counted: Counted | None) -> None:
        """Remove targets of other schemes, and replace those of links and image maps by what ``counted`` gives."""
        for node in self._tree.css("[href]"):
            attributes = node.attrs
            target = attributes["href"] or ""
            if not has_allowed_scheme(target):
                del attributes["href"]
                self._is_changed = True
            elif counted is not None and node.tag in _COUNTED_TAGS and (link := counted(target.strip())) != target:
                attributes["href"] = link
                self._is_changed = True

    def add_preheader(self, text: str) -> None:
        """Begin the document with text that mail programs show beside the subject only."""
        node = self._tree.create_node("div")
        node.attrs["style"] = HIDDEN
        node.insert_child(text)
        body = self._body
        if body.first_child is None:
            body.insert_child(node)
        else:
            body.first_child.insert_before(node)
        self._is_changed = True

    def add_pixel(self, url: str) -> str:
        """End the document with an image that counts openings; the image's HTML."""
        node = self._tree.create_node("img")
        for name, value in (("src", url), ("width", "1"), ("height", "1"), ("alt", ""), ("style", "border:0")):
            node.attrs[name] = value
        self._body.insert_child(node)
        self._is_changed = True
        return node.html or ""

    @property
    def html(self) -> str:
        """The document as HTML: the very source if nothing changed."""
        if not self._is_changed:
            return self._source
        html = self._tree.html or ""
        if doctype := _doctype(self._source):  # the serializer leaves out the public identifier, which selects a mode
            html = html.replace("<!DOCTYPE html>", doctype[1], 1)
        if "<![" in self._source:
            html = _revealed_comment.sub(self._original_comment, html)
        return html

    @property
    def _body(self) -> LexborNode:
        body = self._tree.body
        if body is None:
            raise AssertionError("the parser gives every document a body")
        return body

    def _original_comment(self, comment: re.Match[str]) -> str:
        """A conditional comment in the form ``<![if …]>``, which the parser reads as an ordinary one."""
        return comment[0] if comment[0] in self._source else f"<![{comment[1]}]>"


def has_allowed_scheme(target: str) -> bool:
    """Whether a link may stay: it is relative, or has one of `SCHEMES` as a browser would read it."""
    if target.startswith(("https://", "http://")):
        return True
    before_path = _before_path(_blanks.sub("", target))
    scheme, colon, _ = before_path[0].partition(":") if before_path else ("", "", "")
    return not colon or scheme.lower() in SCHEMES


def plain_text(html: str) -> str:
    """The text of a document: blocks are lines, links are followed by their targets, images are their descriptions."""
    tree = LexborHTMLParser(html)
    body = tree.body
    if body is None:
        raise AssertionError("the parser gives every document a body")
    body.strip_tags(_OMITTED)
    for node in list(body.traverse()):
        _mark_breaks(node, node.tag or "")
    text = " ".join(_invisible.sub("", body.text()).split())
    return _breaks.sub(lambda found: "\n\n" if _PARAGRAPH in found[0] else "\n", text).strip()


def _mark_breaks(node: LexborNode, tag: str) -> None:
    """Put marks around a block, and replace an element without text by what stands for it."""
    if tag in _CELLS:
        node.insert_after(_LINE)
    elif mark := _BREAKS.get(tag):
        node.insert_before(mark)
        node.insert_after(mark)
    elif tag == "a":
        target = (node.attrs.get("href") or "").strip()
        if target.startswith(("https://", "http://")) and target not in node.text():
            node.insert_child(f" ({target})")
    elif tag == "br":
        node.replace_with(_LINE)
    elif tag == "img":
        node.replace_with(node.attrs.get("alt") or "")
