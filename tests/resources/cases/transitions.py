"""Changes of a resource: allowed (no rule) or refused by a rule, whatever else the spec says.

`in_force` is the mode in status.identifiers.mode; None before the operator's first visit.
"""

from dataclasses import dataclass

from tests.resources.cases.manifest_texts import workspace
from workspace_operator.resources import rules
from workspace_operator.resources.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecTransition:
    """What was, what was in force, what shall be, and the rule that forbids it."""

    title: str
    old: str
    in_force: str | None
    new: str
    breaks: Rule | None


def of_mode(
    title: str, old: str | None, in_force: str | None, new: str | None, breaks: Rule | None = None
) -> SpecTransition:
    return SpecTransition(title=title, old=with_mode(old), in_force=in_force, new=with_mode(new), breaks=breaks)


def with_mode(mode: str | None) -> str:
    return workspace("displayName: Shop" + (f"\nidentifiers: {{mode: {mode}}}" if mode else ""))


def of_spec(title: str, old: str, new: str, breaks: Rule | None = None) -> SpecTransition:
    return SpecTransition(title=title, old=workspace(old), in_force="EmailOrID", new=workspace(new), breaks=breaks)


AT_THE_START = rules.EMAIL_ONLY_IS_CHOSEN_AT_THE_START
EMAIL_OR_ID_FIRST = rules.EMAIL_ONLY_BECOMES_EMAIL_OR_ID_FIRST
SENDING = "displayName: Shop\nsendBehavior: "

MODE_TRANSITIONS = [
    of_mode("IDOnly to EmailOrID", "IDOnly", "IDOnly", "EmailOrID"),
    of_mode("EmailOnly to EmailOrID", "EmailOnly", "EmailOnly", "EmailOrID"),
    of_mode("EmailOrID to IDOnly", "EmailOrID", "EmailOrID", "IDOnly"),
    of_mode("EmailOrID to EmailOnly", "EmailOrID", "EmailOrID", "EmailOnly", AT_THE_START),
    of_mode("IDOnly to EmailOnly", "IDOnly", "IDOnly", "EmailOnly", AT_THE_START),
    of_mode("EmailOnly to IDOnly", "EmailOnly", "EmailOnly", "IDOnly", EMAIL_OR_ID_FIRST),
    of_mode("a first line that is what holds", None, "EmailOnly", "EmailOnly"),
    of_mode("a first line that is EmailOnly", None, "EmailOrID", "EmailOnly", AT_THE_START),
    of_mode("a first line that is IDOnly", None, "EmailOnly", "IDOnly", EMAIL_OR_ID_FIRST),
    of_mode("dropping the line", "IDOnly", "IDOnly", None),
    of_mode("taking a wish back to IDOnly", "EmailOrID", "IDOnly", "IDOnly"),
    of_mode("taking a wish back to EmailOnly", "EmailOrID", "EmailOnly", "EmailOnly"),
    of_mode("a wish replaced by a forbidden one", "EmailOrID", "EmailOnly", "IDOnly", EMAIL_OR_ID_FIRST),
    of_mode("a wish not in force replaced by EmailOnly", "IDOnly", "EmailOrID", "EmailOnly", AT_THE_START),
    of_mode("any change before the first visit", "IDOnly", None, "EmailOnly"),
    of_mode("an impossible wish left alone", "EmailOnly", "IDOnly", "EmailOnly"),
    of_mode("an impossible wish given up", "EmailOnly", "IDOnly", "EmailOrID"),
]

SPEC_TRANSITIONS = [
    of_spec("another displayName", "displayName: Shop", "displayName: The Shop"),
    of_spec("a name nobody can see", "displayName: Shop", r'displayName: "\u200b"', rules.DISPLAY_NAME_IS_VISIBLE),
    of_spec(
        "another test address that is none",
        f"{SENDING}{{mode: Test, testAddress: qa@example.com}}",
        f"{SENDING}{{mode: Test, testAddress: a@b@c.dd}}",
        rules.TEST_ADDRESS_IS_AN_ADDRESS,
    ),
    of_spec("another color", "displayName: Shop", "displayName: Shop\ncolor: '112233'"),
    of_spec("the same accountName", "displayName: Shop", "displayName: Shop\naccountName: default"),
    of_spec(
        "another accountName",
        "displayName: Shop\naccountName: acme",
        "displayName: Shop\naccountName: umbrella",
        rules.ACCOUNT_NAME_STAYS,
    ),
    of_spec(
        "an accountName added", "displayName: Shop", "displayName: Shop\naccountName: acme", rules.ACCOUNT_NAME_STAYS
    ),
    of_spec(
        "an accountName removed", "displayName: Shop\naccountName: acme", "displayName: Shop", rules.ACCOUNT_NAME_STAYS
    ),
    of_spec(
        "a test address with its mode", "displayName: Shop", f"{SENDING}{{mode: Test, testAddress: qa@example.com}}"
    ),
    of_spec(
        "the mode without the test address",
        f"{SENDING}{{mode: Test, testAddress: qa@example.com}}",
        f"{SENDING}{{mode: Normal, testAddress: qa@example.com}}",
        rules.ONLY_TEST_HAS_AN_ADDRESS,
    ),
    of_spec(
        "the mode changed, idUpdates left",
        "displayName: Shop\nidentifiers: {mode: IDOnly, idUpdates: Never}",
        "displayName: Shop\nidentifiers: {mode: EmailOrID, idUpdates: Never}",
        rules.ID_UPDATES_ONLY_WITH_ID_ONLY,
    ),
    of_spec("suspending", "displayName: Shop", "displayName: Shop\nsuspend: true"),
]

TRANSITIONS = [*MODE_TRANSITIONS, *SPEC_TRANSITIONS]
