"""HTML as senders of mail write it: conditional comments, tables in tables, entities, old doctypes, styles."""

import random

DOCTYPES = [
    "",
    "<!DOCTYPE html>",
    "<!doctype html>\n",
    (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
    ),
    '<!-- built by a tool -->\n<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">\n',
]
STYLES = [
    "<style>a > b { color: red } /* <p> & </p> */</style>",
    '<style type="text/css">@media only screen and (max-width: 600px) { .c { width: 100% !important } }</style>',
    "<!--[if mso]><style>.f { font-family: Arial, sans-serif !important }</style><![endif]-->",
    "<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><![endif]-->",
    '<meta name="viewport" content="width=device-width"><title>A &amp; B</title>',
]
PIECES = [
    "<p>Hello&nbsp;&copy; &eacute; &#8203; &mdash; Grüße 😀 &lt;b&gt;</p>",
    "<p style=\"margin:0;font-family:'Open Sans',Arial\">text <b>bold <i>both</i></b><br>more</p>",
    '<a href="{url}" style="color:#fff;text-decoration:none">Click &amp; go</a>',
    '<a href=\'{url}\'><img src="https://img.example/a.png" alt="An &quot;image&quot;" border=0></a>',
    "<A HREF={url} TARGET=_blank>upper</A>",
    '<!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="https://mso.example/"><![endif]-->',
    "<!--[if !mso]><!--><p>not for Outlook</p><!--<![endif]-->",
    "<![if !mso]><p>revealed</p><![endif]>",
    '<map name="m"><area shape="rect" coords="0,0,1,1" href="{url}"></map>',
    '<a href="mailto:ann@shop.example?subject=a%20b">mail</a> <a href="tel:+431234">call</a> <a href="#top">top</a>',
    '<div class="a"><div class="b"><span>deep</span></div></div>',
    "<ul><li>one<li>two</ul>",
    '<center><font color="#333333" face="Verdana">old</font></center>',
    "<pre>  kept   spaces\n\n  and lines</pre>",
    '<a href="https://shop.example/" name=x><b>misnested</a></b>',
    "<p>unclosed<p>paragraphs",
    '<img src="cid:logo" width=10 height=10 alt="">',
    '<button type="button" onclick="x()">b</button>',
    '<div style="display:none">&zwnj;&nbsp;&zwnj;&nbsp;</div>',
]
URLS = [
    "https://shop.example/",
    "https://shop.example/?a=1&amp;b=2",
    "http://shop.example/p?q=a%20b#c",
    "https://shop.example/ä?ö=ü",
    "https://user@shop.example:8443/x;y",
]


def mail(number: int) -> str:
    """A mail; each number has its own."""
    chance = random.Random(number)
    pieces = [chance.choice(PIECES).replace("{url}", chance.choice(URLS)) for _ in range(chance.randint(3, 12))]
    body = "\n".join(in_tables(piece, chance.randint(0, 3), chance) for piece in pieces)
    if chance.random() < 0.2:
        return body
    head = "".join(chance.sample(STYLES, chance.randint(0, len(STYLES))))
    attributes = chance.choice(["", ' bgcolor="#ffffff"', " style='margin:0;padding:0'", ' class="a b"'])
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><head>{head}</head><body{attributes}>{body}</body></html>'
    return chance.choice(DOCTYPES) + page + chance.choice(["", "\n", "\n<!-- end -->\n"])


def in_tables(piece: str, depth: int, chance: random.Random) -> str:
    for _ in range(depth):
        body = chance.choice(["", "<tbody>"])
        close = "</tbody>" if body else ""
        cell = f'<td align="center" style="padding:0 10px">{piece}</td>'
        piece = f'<table role="presentation" cellpadding="0" width="600">{body}<tr>{cell}</tr>{close}</table>'
    return piece
