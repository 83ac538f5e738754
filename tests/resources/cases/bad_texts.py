"""Display names that nobody can see or tell apart, and test addresses that are not one address."""

import json

from tests.resources.cases.manifest_texts import breaks, workspace
from workspace_operator.resources import rules

BAD_NAMES = {
    "nothing but a zero-width space": r"\u200b",
    "a zero-width space": r"Shop\u200b",
    "a zero-width joiner": r"Sh\u200dop",
    "a word joiner": r"Sh\u2060op",
    "a byte order mark": r"\ufeffShop",
    "a soft hyphen": r"Sh\u00adop",
    "a no-break space before": r"\u00a0Shop",
    "a no-break space inside": r"My\u00a0Shop",
    "an ideographic space behind": r"Shop\u3000",
    "an em space": r"My\u2003Shop",
    "a right-to-left override": r"\u202eShop",
    "a right-to-left mark": r"Shop\u200f",
    "an isolate": r"\u2066Shop\u2069",
    "a line separator": r"My\u2028Shop",
    "a next line": r"My\u0085Shop",
    "a Hangul filler": r"\u3164",
    "a Braille blank": r"\u2800",
    "a variation selector": r"Shop\ufe0f",
    "a tag": r"Shop\U000e0041",
    "a private character": r"Shop\ue000",
    "a mark that stands on nothing": r"\u0301Shop",
}
BAD_ADDRESSES = {
    "two domains": "a@b@c.dd",
    "a list in it": 'a"b <x@y.zz>, c@d.ee',
    "a second address": "a@b.dd,c@d.ee",
    "a display name": "QA <qa@example.com>",
    "angle brackets": "<qa@example.com>",
    "a space": "q a@example.com",
    "an open quote": '"qa@example.com',
    "two dots": "q..a@example.com",
    "a dot before": ".qa@example.com",
    "a hyphen before its domain": "qa@-example.com",
    "two dots in its domain": "qa@example..com",
    "a dot behind": "qa@example.com.",
    "a number for its country": "qa@example.123",
    "an IP address": "qa@[127.0.0.1]",
    "a label of 64": f"qa@{'a' * 64}.com",
    "a zero-width space": "qa@exam\u200bple.com",
    "a no-break space behind": "qa@example.com\u00a0",
    "a comment": "qa(test)@example.com",
    "a line break": "qa@example.com\n",
    "too many bytes": f"{'é' * 125}@example.com",
}

BAD_TEXTS = [
    *(
        breaks(rules.DISPLAY_NAME_IS_VISIBLE, f"a name with {title}", workspace(f'displayName: "{name}"'))
        for title, name in BAD_NAMES.items()
    ),
    *(
        breaks(
            rules.TEST_ADDRESS_IS_AN_ADDRESS,
            f"a test address with {title}",
            workspace(f"displayName: Shop\nsendBehavior: {{mode: Test, testAddress: {json.dumps(address)}}}"),
        )
        for title, address in BAD_ADDRESSES.items()
    ),
]
