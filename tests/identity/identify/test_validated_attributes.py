"""Attributes that decide about people: what they cannot mean is refused, and they keep their values."""

import pytest

from tests.identity.builders import E2, I0, LONG_AGO, NOW, command, person, reference_by, run_identify, working_set
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.identity.values.timestamps import DAY_SECONDS

WRONG: list[tuple[AttributeValue, str]] = [
    (45_322, "45322 is no time: send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds."),
    ("31.01.2024", "'31.01.2024' is no time: send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds."),
    (True, "true is no time: send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds."),
    (" ", "' ' is no time: send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds."),
    (NOW + DAY_SECONDS + 1, f"{NOW + DAY_SECONDS + 1} is more than a day in the future: send a time up to now."),
]


@pytest.mark.parametrize("rules", [E2, I0])
@pytest.mark.parametrize("by_import", [False, True])
@pytest.mark.parametrize(("value", "sentence"), WRONG)
def test_what_is_no_time_is_refused(
    rules: IdentityRules, by_import: bool, value: AttributeValue, sentence: str
) -> None:
    people = working_set(rules, person("p", "1", created_at=LONG_AGO))

    result = run_identify(
        rules, people, command(reference_by("id", "1"), created_at=value, plan="pro", by_import=by_import)
    )

    assert [(each.kind, each.value, each.message) for each in result.refusals] == [("created_at", value, sentence)]
    assert result.effect is Effect.UPDATED
    assert people.people["p"].attributes == {"created_at": LONG_AGO, "plan": "pro"}
    assert people.people["p"].created_at == LONG_AGO
    failed = ActivityLogged(
        type=ActivityType.FAILED_ATTRIBUTE_CHANGE,
        cio_id="p",
        at=NOW,
        data={"created_at": {"reason": sentence, "value": value}},
    )
    assert people.events[-1] == failed


def test_invisible_character_in_an_email_is_named() -> None:
    result = run_identify(
        E2, working_set(E2, person("p", "1")), command(reference_by("id", "1"), {"email": "ben@exam\u200bple.com"})
    )

    [refusal] = result.refusals
    assert refusal.reason == refusal_reasons.INVALID_EMAIL
    assert refusal.message == "The email is not a valid address: it contains U+200B, which cannot be seen."
