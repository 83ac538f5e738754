"""HTML of messages: which links stay and count, what is added, and that nothing else changes (sending §5.4, §7)."""

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.rendering.generated_mails import DOCTYPES, mail
from workspace_operator.rendering.html_documents import HtmlDocument, has_allowed_scheme, plain_text

PIXEL = "https://track.example/e/o/token.gif"

DANGEROUS = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "javascript\r\n:alert(1)",
    "\N{NO-BREAK SPACE}javascript:alert(1)",
    "\N{ZERO WIDTH SPACE}javascript:alert(1)",
    "java\0script:alert(1)",
    "vbscript:x",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "ftp://shop.example/",
    "blob:https://shop.example/x",
    "sms:+431234",
    "about:blank",
    "view-source:https://shop.example/",
    "x:y",
    ":x",
    "httpsx://shop.example/",
]
HARMLESS = [
    "https://shop.example/a:b?c=javascript:d",
    "HTTPS://shop.example/",
    "http://shop.example",
    "mailto:ann@shop.example",
    "MailTo:ann@shop.example",
    "tel:+431234",
    "#javascript:x",
    "/path:with:colons",
    "?a=b:c",
    "relative",
    "//shop.example/x",
    "",
]


def counted(target: str) -> str:
    return f"https://track.example/e/c/1?u={target}"


def unchanged(target: str) -> str:
    return target


@pytest.mark.parametrize("target", DANGEROUS, ids=ascii)
def test_link_of_other_scheme_loses_its_target(target: str) -> None:
    escaped = target.replace("&", "&amp;").replace('"', "&quot;")
    document = HtmlDocument(f'<p><a class="c" href="{escaped}">text</a></p>')

    document.replace_links(counted)

    assert not has_allowed_scheme(target)
    assert '<p><a class="c">text</a></p>' in document.html


@pytest.mark.parametrize("target", HARMLESS)
def test_link_of_allowed_scheme_stays(target: str) -> None:
    source = f'<p><a href="{target}">text</a></p>'
    document = HtmlDocument(source)

    document.replace_links(None)

    assert has_allowed_scheme(target)
    assert document.html is source


@pytest.mark.parametrize("element", ["a", "area", "link", "base", "svg", "x-own"])
def test_no_element_keeps_a_dangerous_target(element: str) -> None:
    document = HtmlDocument(f'<{element} href="javascript:alert(1)">')

    document.replace_links(None)

    assert "javascript" not in document.html


@pytest.mark.parametrize(
    "encoded", ["&#106;avascript:x", "&#x6A;avascript&colon;x", "java&Tab;script:x", "java&#10;script:x"]
)
def test_entities_hide_no_scheme(encoded: str) -> None:
    document = HtmlDocument(f'<a href="{encoded}">text</a>')

    document.replace_links(None)

    assert "href" not in document.html


def test_links_and_image_maps_count() -> None:
    document = HtmlDocument(
        '<a href=" https://a.example/?x=1&amp;y=2 ">a</a><map><area href="https://b.example/"></map>'
        '<link href="https://c.example/">'
    )

    document.replace_links(counted)

    targets = [node.attrs["href"] for node in LexborHTMLParser(document.html).css("[href]")]
    assert targets == [
        "https://track.example/e/c/1?u=https://a.example/?x=1&y=2",
        "https://track.example/e/c/1?u=https://b.example/",
        "https://c.example/",
    ]


def test_document_without_changes_is_its_source() -> None:
    source = "<P>Unclosed <A HREF=https://shop.example/>x</A>"
    document = HtmlDocument(source)

    document.replace_links(unchanged)

    assert document.html is source


@pytest.mark.parametrize(
    "source", ["", "text", "<p>text</p>", "<body><p>text", "<html><head></head><body></body></html>"]
)
def test_preheader_and_pixel_frame_the_body(source: str) -> None:
    document = HtmlDocument(source)

    document.add_preheader("<Hello> & more")
    pixel = document.add_pixel(PIXEL)

    body = LexborHTMLParser(document.html).body
    assert body is not None
    assert body.first_child is not None
    assert body.first_child.text() == "<Hello> & more"
    assert body.last_child is not None
    assert body.last_child.html == pixel
    assert document.html.count(PIXEL) == 1


def test_pixel_is_in_no_comment() -> None:
    document = HtmlDocument("<html><body>a</body></html><!-- </body> --><style></body></style>")

    document.add_pixel(PIXEL)

    assert len(LexborHTMLParser(document.html).css("img")) == 1


@pytest.mark.parametrize("number", range(200))
def test_only_links_and_pixel_of_a_mail_change(number: int) -> None:
    source = mail(number)
    document = HtmlDocument(source)

    document.replace_links(lambda target: f"{target}#counted" if target.startswith("http") else target)
    pixel = document.add_pixel(PIXEL)

    restored = document.html.replace(pixel, "").replace("#counted", "")
    assert canonical(restored) == canonical(source)
    assert doctype(restored) == doctype(source)
    assert restored.count("&nbsp;") == source.count("&nbsp;")
    assert comments(restored) == comments(source)


def canonical(html: str) -> str:
    """How a browser reads a document."""
    return LexborHTMLParser(html).html or ""


def doctype(html: str) -> str | None:
    found = re.search("<!doctype[^>]*>", html, re.IGNORECASE)
    return found and found[0]


def comments(html: str) -> list[str]:
    return re.findall(r"<!--.*?-->|<!\[.*?\]>", html, re.DOTALL)


def test_generated_mails_are_varied() -> None:
    mails = [mail(number) for number in range(200)]

    assert len(set(mails)) == 200
    assert {doctype(source) for source in mails} == {doctype(source) for source in DOCTYPES}
    for part in ("<![if !mso]>", "<!--[if mso]>", "&nbsp;", "<A HREF=", "<area", "<table", "<style"):
        assert sum(part in source for source in mails) > 10, part


@pytest.mark.parametrize("source", ["<!-- a -->" * 5000, "<!--" * 5000, " " * 50_000 + "x", "<? a" * 5000])
def test_search_for_the_doctype_is_linear(source: str) -> None:
    document = HtmlDocument(source)

    document.add_pixel(PIXEL)

    assert document.html.count(PIXEL) == 1


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("just  text", "just text"),
        ("<p>Hello <b>Ann</b>!</p><p>Bye</p>", "Hello Ann!\n\nBye"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>a</div>\n\n<div>b</div>", "a\nb"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<table><tr><td>a</td></tr><tr><td>b</td></tr></table>", "a\nb"),
        ('<a href="https://shop.example/?a=1&amp;b=2">shop</a>', "shop (https://shop.example/?a=1&b=2)"),
        ('<a href="https://shop.example/">https://shop.example/</a>', "https://shop.example/"),
        ('<a href="mailto:ann@shop.example">Ann</a> <a href="javascript:x">x</a>', "Ann x"),
        ('<a href="https://shop.example/"><img src="x" alt="Logo"></a>', "Logo (https://shop.example/)"),
        ("<head><title>t</title></head><style>p{}</style><script>x</script>text", "text"),
        ("<!-- comment --><!--[if mso]>x<![endif]-->text", "text"),
        ("a&nbsp;&lt;b&gt; &amp; c", "a <b> & c"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("<p></p><p> </p><p>a</p>", "a"),
        (
            "<body><noscript><p><img alt=x></p></noscript><template><a href='https://a.example/'>a</a></template>text",
            "text",
        ),
        ("&zwnj;&nbsp;&zwnj;&nbsp;<p>a</p>", "a"),
    ],
)
def test_plain_text_reads_like_the_document(html: str, text: str) -> None:
    assert plain_text(html) == text
