"""Forty values that strangers choose: markup, scripts, templates, directions, lengths, and other writing."""

from typing import Final

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea></style></noscript><b>x",
    "<!--", "-->", "<![CDATA[x]]>",
    "<a href='//evil.example'>click</a>",
    "<base href='//evil.example'>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "{{7*7}}", "{% raw %}x{% endraw %}", "{{ frame.form_token }}", "${7*7}", "{0}", "{count}", "%s%n",
    "&lt;b&gt;", "&amp;amp;", "a&b",
    "\u202eevil\u202c", "\u2066x\u2069", "a\u200bb\ufeffc", "a\u00adb",
    "line one\nline two", "tab\tand\rreturn", "\x1b[31mred\x1b[0m", "\x7f\x85",
    "=cmd|' /C calc'!A0",
    "👩‍👩‍👧‍👦 Familie",
    "ﷺ العربية لا",
    "Zal\u0301go\u0300\u0301\u0302\u0303\u0304\u0305",
    "x" * 10_000,
)  # fmt: skip
