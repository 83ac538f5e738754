"""Specs that must be refused: where, with which words by a kube-apiserver, and with which words by us.

A rule in CEL has the same words for both. `test_bad_resources_here.py` holds ours to this table,
`test_bad_resources_there.py` a real kube-apiserver.
"""

import json

from tests.resources.cases.bad_metadata import METADATA
from tests.resources.cases.bad_texts import BAD_TEXTS
from tests.resources.cases.manifest_texts import HEAD, PATH_FORMAT, bad, bad_metadata, bad_text, breaks, workspace
from workspace_operator.resources import rules

UNKNOWN = [
    bad(
        "british spelling of color",
        "spec.colour",
        "displayName: Shop\ncolour: '112233'",
        'unknown field "spec.colour"',
        PATH_FORMAT,
    ),
    bad(
        "two misspelt fields and a required one missing",
        "spec.displayname spec.identifiers.Mode",
        "displayname: Shop\nidentifiers: {Mode: IDOnly}",
        'unknown field "spec.identifiers.Mode"',
        PATH_FORMAT,
    ),
    bad(
        "a number as the name of a field",
        "spec.1",
        "displayName: Shop\n1: x",
        'unknown field "spec.1"',
        PATH_FORMAT,
    ),
    bad(
        "a key in the spec, where no secret belongs",
        "spec.credentials.apiKey",
        "displayName: Shop\ncredentials: {apiKey: x}",
        'unknown field "spec.credentials.apiKey"',
        PATH_FORMAT,
    ),
    bad_text(
        "settings beside spec",
        "sendBehavior",
        workspace("displayName: Shop") + "sendBehavior: {mode: Never}\n",
        'unknown field "sendBehavior"',
        PATH_FORMAT,
    ),
    bad_text(
        "an unknown field in status",
        "status.phase",
        workspace("displayName: Shop") + "status: {phase: Ready}\n",
        'unknown field "status.phase"',
        PATH_FORMAT,
    ),
    bad_text(
        "an unknown field in a condition",
        "status.conditions[0].since",
        workspace("displayName: Shop") + "status: {conditions: [{type: Ready, since: today}]}\n",
        'unknown field "status.conditions[0].since"',
        PATH_FORMAT,
    ),
    bad_metadata(
        "an unknown field in metadata",
        "metadata.label",
        "name: shop\nlabel: {team: growth}",
        'unknown field "metadata.label"',
        PATH_FORMAT,
    ),
    bad(
        "fields in a list for an object",
        "spec.sendBehavior[0].mode",
        "displayName: Shop\nsendBehavior: [{mode: Never}]",
        'unknown field "spec.sendBehavior[0].mode"',
        PATH_FORMAT,
    ),
    bad(
        "fields in text",
        "spec.color.red",
        "displayName: Shop\ncolor: {red: 11}",
        'unknown field "spec.color.red"',
        PATH_FORMAT,
    ),
]

TYPES = [
    bad("a name that is a number", "spec.displayName", "displayName: 2026", "of type string", "the number 2026"),
    bad("a name that YAML takes for yes", "spec.displayName", "displayName: y", "of type string", "boolean true"),
    bad(
        "black without quotes",
        "spec.color",
        "displayName: Shop\ncolor: 000000",
        "of type string",
        "must be a string: quote it, since YAML reads it as the number 0",
    ),
    bad("an octal colour", "spec.color", "displayName: Shop\ncolor: 000017", "of type string", "the number 15"),
    bad(
        "a colour with a leading zero and an 8",
        "spec.color",
        "displayName: Shop\ncolor: 000008",
        "of type string",
        "the number 8",
    ),
    bad(
        "a colour in scientific notation",
        "spec.color",
        "displayName: Shop\ncolor: 123e45",
        "of type string",
        "the number 1.23e+47",
    ),
    bad(
        "a colour as a list",
        "spec.color",
        "displayName: Shop\ncolor: [11, 22, 33]",
        "of type string",
        "must be a string, not a list",
    ),
    bad(
        "suspend in quotes",
        "spec.suspend",
        "displayName: Shop\nsuspend: 'true'",
        "of type boolean",
        "must be a boolean, not a string",
    ),
    bad(
        "suspend as a number",
        "spec.suspend",
        "displayName: Shop\nsuspend: 1",
        "of type boolean",
        "must be a boolean, not an integer",
    ),
    bad(
        "a switch that YAML takes for a boolean",
        "spec.openTracking",
        "displayName: Shop\nopenTracking: on",
        "of type string",
        "must be one of Enabled, Disabled, not the boolean true",
    ),
    bad(
        "the mode without its object",
        "spec.identifiers",
        "displayName: Shop\nidentifiers: IDOnly",
        "of type object",
        "must be an object, not a string",
    ),
    bad(
        "a list for an object",
        "spec.sendBehavior",
        "displayName: Shop\nsendBehavior: [Never]",
        "of type object",
        "must be an object, not a list",
    ),
    bad_text(
        "a spec that is text", "spec", f"{HEAD}metadata: {{name: shop}}\nspec: Shop\n", "of type object", "an object"
    ),
]

MISSING = [
    bad_text("no spec", "spec", f"{HEAD}metadata: {{name: shop}}\n", "Required value", "must be given"),
    bad_text("an empty spec", "spec", f"{HEAD}metadata: {{name: shop}}\nspec:\n", "Required value", "must be given"),
    bad("no displayName", "spec.displayName", "color: '112233'", "Required value", "must be given"),
    bad("a displayName of null", "spec.displayName", "displayName: null", "Required value", "must be given"),
    bad(
        "an empty displayName",
        "spec.displayName",
        "displayName: ''",
        "should be at least 1 chars long",
        "may not be empty",
    ),
    bad(
        "an empty accountName",
        "spec.accountName",
        "displayName: Shop\naccountName: ''",
        "should be at least 1 chars long",
        "may not be empty",
    ),
]

RANGES = [
    bad(
        "a grace in the past",
        "spec.credentials.rotationGraceSeconds",
        "displayName: Shop\ncredentials: {rotationGraceSeconds: -1}",
        "should be greater than or equal to 0",
        "must be at least 0",
    ),
    bad(
        "a grace of more than 30 days",
        "spec.credentials.rotationGraceSeconds",
        "displayName: Shop\ncredentials: {rotationGraceSeconds: 2592001}",
        "should be less than or equal to",
        "must be at most 2592000",
    ),
    bad(
        "a grace in quotes",
        "spec.credentials.rotationGraceSeconds",
        "displayName: Shop\ncredentials: {rotationGraceSeconds: '60'}",
        "of type integer",
        "must be an integer, not a string",
    ),
    bad(
        "half a second of grace",
        "spec.credentials.rotationGraceSeconds",
        "displayName: Shop\ncredentials: {rotationGraceSeconds: 0.5}",
        "of type integer",
        "must be an integer, not a number",
    ),
]

LONG = [
    bad("a long displayName", "spec.displayName", f"displayName: {'x' * 101}", "Too long", "at most 100 characters"),
    bad(
        "a long displayName in Cyrillic",
        "spec.displayName",
        f"displayName: {'ж' * 101}",
        "Too long",
        "must be at most 100 characters, not 101",
    ),
    bad("a long color", "spec.color", "displayName: Shop\ncolor: '#1122334'", "Too long", "at most 7 characters"),
    bad(
        "a long accountName",
        "spec.accountName",
        f"displayName: Shop\naccountName: {'a' * 64}",
        "Too long",
        "at most 63 characters",
    ),
    bad(
        "a long transport",
        "spec.sending.transport",
        f"displayName: Shop\nsending: {{transport: {'a' * 64}}}",
        "Too long",
        "at most 63 characters",
    ),
    bad(
        "a long sender",
        "spec.sending.from",
        f"displayName: Shop\nsending: {{from: '{'x' * 310} <a@shop.de>'}}",
        "Too long",
        "at most 320 characters",
    ),
    bad(
        "a long testAddress",
        "spec.sendBehavior.testAddress",
        f"displayName: Shop\nsendBehavior: {{mode: Test, testAddress: '{'x' * 250}@a.de'}}",
        "Too long",
        "at most 254 characters",
    ),
]

NOT_IN_THE_LIST = [
    bad(
        "a mode in another case",
        "spec.identifiers.mode",
        "displayName: Shop\nidentifiers: {mode: IdOnly}",
        'Unsupported value: "IdOnly"',
        "must be one of EmailOrID, IDOnly, EmailOnly, not 'IdOnly'",
    ),
    bad(
        "emailUpdates unknown",
        "spec.identifiers.emailUpdates",
        "displayName: Shop\nidentifiers: {emailUpdates: Always}",
        "Unsupported value",
        "must be one of ByIDOrCioID, ByCioID",
    ),
    bad(
        "idUpdates unknown",
        "spec.identifiers.idUpdates",
        "displayName: Shop\nidentifiers: {mode: IDOnly, idUpdates: Always}",
        "Unsupported value",
        "must be one of Never, ByCioID",
    ),
    bad(
        "onConflict unknown",
        "spec.identifiers.onConflict",
        "displayName: Shop\nidentifiers: {onConflict: Fold}",
        "Unsupported value",
        "must be one of Block, Merge",
    ),
    bad(
        "multiIdentifier as a word for yes",
        "spec.mergeOptions.multiIdentifier",
        "displayName: Shop\nmergeOptions: {multiIdentifier: 'On'}",
        "Unsupported value",
        "must be one of Enabled, Disabled",
    ),
    bad(
        "a send mode unknown, which hides the rules",
        "spec.sendBehavior.mode",
        "displayName: Shop\nsendBehavior: {mode: Testing, testAddress: qa@example.com}",
        "Unsupported value",
        "must be one of Normal, Test, Never",
    ),
    bad(
        "openTracking unknown",
        "spec.openTracking",
        "displayName: Shop\nopenTracking: enabled",
        "Unsupported value",
        "must be one of Enabled, Disabled",
    ),
    bad(
        "appKeyMay unknown",
        "spec.credentials.appKeyMay",
        "displayName: Shop\ncredentials: {appKeyMay: Write}",
        "Unsupported value",
        "must be one of Read, Clean",
    ),
    bad(
        "deletionPolicy unknown",
        "spec.deletionPolicy",
        "displayName: Shop\ndeletionPolicy: Orphan",
        "Unsupported value",
        "must be one of Retain, Delete",
    ),
    bad(
        "two values unknown at once",
        "spec.openTracking spec.identifiers.mode",
        "displayName: Shop\nopenTracking: Off!\nidentifiers: {mode: Email}",
        "Unsupported value",
        "must be one of",
    ),
]

RULES = [
    breaks(rules.DISPLAY_NAME_IS_VISIBLE, "white space at the end", workspace('displayName: "Shop "')),
    breaks(rules.DISPLAY_NAME_IS_VISIBLE, "only white space", workspace('displayName: "   "')),
    breaks(rules.DISPLAY_NAME_IS_VISIBLE, "a line break inside", workspace('displayName: "My\\nShop"')),
    breaks(rules.DISPLAY_NAME_IS_VISIBLE, "a line break at the end", workspace('displayName: "Shop\\n"')),
    breaks(rules.DISPLAY_NAME_IS_VISIBLE, "a NUL, which PostgreSQL cannot hold", workspace('displayName: "My\\0Shop"')),
    breaks(rules.COLOR_IS_SIX_HEX_DIGITS, "a short colour", workspace("displayName: Shop\ncolor: '#abc'")),
    breaks(rules.COLOR_IS_SIX_HEX_DIGITS, "a colour by name", workspace("displayName: Shop\ncolor: red")),
    breaks(rules.COLOR_IS_SIX_HEX_DIGITS, "seven digits", workspace("displayName: Shop\ncolor: '1122334'")),
    breaks(rules.COLOR_IS_SIX_HEX_DIGITS, "a line break after", workspace('displayName: Shop\ncolor: "112233\\n"')),
    breaks(rules.COLOR_IS_SIX_HEX_DIGITS, "digits of another script", workspace("displayName: Shop\ncolor: '११२२३३'")),
    breaks(rules.COLOR_IS_SIX_HEX_DIGITS, "an empty colour", workspace("displayName: Shop\ncolor: ''")),
    breaks(rules.ACCOUNT_NAME_IS_A_LABEL, "upper case", workspace("displayName: Shop\naccountName: Acme")),
    breaks(rules.ACCOUNT_NAME_IS_A_LABEL, "a dot", workspace("displayName: Shop\naccountName: acme.inc")),
    breaks(rules.ACCOUNT_NAME_IS_A_LABEL, "a hyphen at the end", workspace("displayName: Shop\naccountName: acme-")),
    breaks(
        rules.ID_UPDATES_ONLY_WITH_ID_ONLY,
        "idUpdates with EmailOrID",
        workspace("displayName: Shop\nidentifiers: {mode: EmailOrID, idUpdates: ByCioID}"),
    ),
    breaks(
        rules.ID_UPDATES_ONLY_WITH_ID_ONLY,
        "idUpdates without a mode",
        workspace("displayName: Shop\nidentifiers: {idUpdates: Never}"),
    ),
    breaks(
        rules.TEST_NEEDS_AN_ADDRESS,
        "Test without an address",
        workspace("displayName: Shop\nsendBehavior: {mode: Test}"),
    ),
    breaks(
        rules.TEST_NEEDS_AN_ADDRESS,
        "Test with an address of null",
        workspace("displayName: Shop\nsendBehavior: {mode: Test, testAddress: null}"),
    ),
    breaks(
        rules.ONLY_TEST_HAS_AN_ADDRESS,
        "an address without a mode",
        workspace("displayName: Shop\nsendBehavior: {testAddress: qa@example.com}"),
    ),
    breaks(
        rules.ONLY_TEST_HAS_AN_ADDRESS,
        "an address with Never",
        workspace("displayName: Shop\nsendBehavior: {mode: Never, testAddress: qa@example.com}"),
    ),
    breaks(
        rules.TEST_ADDRESS_IS_AN_ADDRESS,
        "no address",
        workspace("displayName: Shop\nsendBehavior: {mode: Test, testAddress: nobody}"),
    ),
    breaks(
        rules.TEST_ADDRESS_IS_AN_ADDRESS,
        "an address without a dot in its domain",
        workspace("displayName: Shop\nsendBehavior: {mode: Test, testAddress: qa@localhost}"),
    ),
    breaks(
        rules.TEST_ADDRESS_IS_AN_ADDRESS,
        "an address with white space around it",
        workspace("displayName: Shop\nsendBehavior: {mode: Test, testAddress: ' qa@example.com'}"),
    ),
    breaks(
        rules.TRANSPORT_IS_A_LABEL,
        "a transport in capitals",
        workspace("displayName: Shop\nsending: {transport: Bulk}"),
    ),
    *(
        breaks(
            rules.SENDER_IS_A_MAILBOX, title, workspace(f"displayName: Shop\nsending: {{from: {json.dumps(sender)}}}")
        )
        for title, sender in {
            "a sender without an address": "Shop",
            "a sender with two addresses": "Shop <hello@shop.example>, b@shop.example",
            "a sender without brackets": "Shop hello@shop.example",
            "a sender whose name has a comma": "Shop, Inc. <hello@shop.example>",
            "a sender with a line break": "Shop\n<hello@shop.example>",
            "a sender with a zero-width space": "Sh\u200bop <hello@shop.example>",
            "a sender with text after its address": "Shop <hello@shop.example> now",
            "a sender with a long label": f"Shop <hello@{'a' * 64}.example>",
        }.items()
    ),
    breaks(
        rules.NAME_LEAVES_ROOM_FOR_CREDENTIALS,
        "a name that is too long for a Secret's",
        workspace("displayName: Shop", f"name: {'a' * 242}"),
    ),
    bad(
        "four rules at once",
        "spec.displayName spec.color spec.accountName spec.sendBehavior.testAddress",
        "displayName: ' '\ncolor: blue\naccountName: A\nsendBehavior: {mode: Test}",
        rules.TEST_NEEDS_AN_ADDRESS.message,
        rules.TEST_NEEDS_AN_ADDRESS.message,
    ),
]

BAD = [*UNKNOWN, *TYPES, *MISSING, *LONG, *RANGES, *NOT_IN_THE_LIST, *RULES, *BAD_TEXTS, *METADATA]
