"""The table of identity-rules §3, row by row, carried out."""

import pytest

from tests.identity.builders import COLUMNS, command, person, reference_by, refused, run_identify, working_set
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values import refusal_reasons

YES = "yes"
PLAIN = "plain attribute"
LAST = refusal_reasons.LAST_IDENTIFIER
NOT_DELETED = refusal_reasons.DELETION_NOT_ALLOWED
E2_EMAIL = refusal_reasons.EMAIL_BY_ID_OR_CIO_ID
E1_EMAIL = refusal_reasons.EMAIL_BY_CIO_ID
ID_BY_CIO = refusal_reasons.ID_BY_CIO_ID
I0_ID = refusal_reasons.ID_IS_IMMUTABLE
GENERATED = refusal_reasons.ID_IS_GENERATED

Has = tuple[str | None, str | None]


BOTH, ID_ONLY, EMAIL_ONLY = ("1", "a@x.org"), ("1", None), (None, "a@x.org")
A, B = BOTH[1], "b@x.org"
NO_CELL = ""

# Whose identifiers, how they are named, what is asked, and the answers of E2, E1, I0, I1 and EmailOnly.
ROWS: list[tuple[Has, str, dict[str, str | None], tuple[str, ...]]] = [
    (ID_ONLY, "id", {"email": B}, (YES, YES, PLAIN, PLAIN, NO_CELL)),
    (ID_ONLY, "cio_id", {"email": B}, (YES, YES, PLAIN, PLAIN, NO_CELL)),
    (BOTH, "id", {"email": B}, (YES, E1_EMAIL, PLAIN, PLAIN, E1_EMAIL)),
    (BOTH, "cio_id", {"email": B}, (YES, YES, PLAIN, PLAIN, YES)),
    (BOTH, "email", {"email": B}, (E2_EMAIL, E1_EMAIL, NO_CELL, NO_CELL, E1_EMAIL)),
    (EMAIL_ONLY, "email", {"id": "2"}, (YES, YES, NO_CELL, NO_CELL, NO_CELL)),
    (EMAIL_ONLY, "cio_id", {"id": "2"}, (YES, YES, YES, YES, NO_CELL)),
    (BOTH, "id", {"id": "2"}, (ID_BY_CIO, ID_BY_CIO, I0_ID, ID_BY_CIO, GENERATED)),
    (BOTH, "email", {"id": "2"}, (ID_BY_CIO, ID_BY_CIO, NO_CELL, NO_CELL, GENERATED)),
    (BOTH, "cio_id", {"id": "2"}, (YES, YES, I0_ID, YES, GENERATED)),
    (BOTH, "id", {"email": None}, (YES, E1_EMAIL, PLAIN, PLAIN, NOT_DELETED)),
    (BOTH, "cio_id", {"email": None}, (YES, YES, PLAIN, PLAIN, NOT_DELETED)),
    (BOTH, "email", {"email": None}, (E2_EMAIL, E1_EMAIL, NO_CELL, NO_CELL, NOT_DELETED)),
    (BOTH, "id", {"id": None}, (ID_BY_CIO, ID_BY_CIO, NOT_DELETED, NOT_DELETED, NOT_DELETED)),
    (BOTH, "email", {"id": None}, (ID_BY_CIO, ID_BY_CIO, NO_CELL, NO_CELL, NOT_DELETED)),
    (BOTH, "cio_id", {"id": None}, (YES, YES, NOT_DELETED, NOT_DELETED, NOT_DELETED)),
    (EMAIL_ONLY, "cio_id", {"email": None}, (LAST, LAST, PLAIN, PLAIN, NO_CELL)),
    (ID_ONLY, "cio_id", {"id": None}, (LAST, LAST, NOT_DELETED, NOT_DELETED, NO_CELL)),
]

CELLS = [
    pytest.param(column, has, kind, body, answer, id=f"{column}-{has}-by-{kind}-{body}")
    for has, kind, body, answers in ROWS
    for column, answer in zip(COLUMNS, answers, strict=True)
    if answer is not NO_CELL
]


@pytest.mark.parametrize(("column", "has", "kind", "body", "answer"), CELLS)
def test_settings_say_who_may_change(
    column: str, has: Has, kind: str, body: dict[str, str | None], answer: str
) -> None:
    before = {"id": has[0], "email": has[1]}
    people = working_set(COLUMNS[column], person("p", *has))
    reference = reference_by(kind, before.get(kind) or "p")

    result = run_identify(COLUMNS[column], people, command(reference, body, plan="pro"))

    is_allowed = answer in {YES, PLAIN}
    after = people.people["p"]
    assert {"id": after.id, "email": after.email} == (before | body if is_allowed else before)
    assert refused(result) == ({} if is_allowed else dict.fromkeys(body, answer))
    assert (result.effect, after.attributes) == (Effect.UPDATED, {"plan": "pro"})


@pytest.mark.parametrize("column", ["I0", "I1"])
@pytest.mark.parametrize("email", ["b@x.org", "nobody", "undefined", "a" * 300, "taken@x.org", "blocked@x.org"])
def test_plain_email_takes_anything(column: str, email: str) -> None:
    people = working_set(
        COLUMNS[column], person("p", "1"), person("q", "2", "taken@x.org"), suppressed=[("email", "blocked@x.org")]
    )

    result = run_identify(COLUMNS[column], people, command(reference_by("id", "1"), {"email": email}))

    assert (result.effect, result.refusals, people.people["p"].email) == (Effect.UPDATED, (), email)
    assert set(people.owners.values()) == {"p", "q"}
