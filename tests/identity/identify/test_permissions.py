"""The table of identity-rules §3, row by row, carried out."""

from dataclasses import dataclass

import pytest

from tests.identity.builders import COLUMNS, command, person, reference_by, refused, run_identify, working_set
from workspace_operator.identity.model.person import Person
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


@dataclass(frozen=True, kw_only=True)
class Row:
    """An operation on the person ``p``: what they have, who asks, what for, and the answer per column."""

    what: str
    has: Has
    named: tuple[str, str]
    body: dict[str, str | None]
    becomes: Has
    answers: dict[str, str]


def email_or_id(e2: str, e1: str, **others: str) -> dict[str, str]:
    return {"E2": e2, "E1": e1, **others}


A, B = "a@x.org", "b@x.org"

ROWS = [
    Row(
        what="set email while unset, named by id",
        has=("1", None),
        named=("id", "1"),
        body={"email": B},
        becomes=("1", B),
        answers=email_or_id(YES, YES, I0=PLAIN, I1=PLAIN),
    ),
    Row(
        what="set email while unset, named by cio_id",
        has=("1", None),
        named=("cio_id", "p"),
        body={"email": B},
        becomes=("1", B),
        answers=email_or_id(YES, YES, I0=PLAIN, I1=PLAIN),
    ),
    Row(
        what="change email, named by id",
        has=("1", A),
        named=("id", "1"),
        body={"email": B},
        becomes=("1", B),
        answers=email_or_id(YES, E1_EMAIL, I0=PLAIN, I1=PLAIN, EmailOnly=E1_EMAIL),
    ),
    Row(
        what="change email, named by cio_id",
        has=("1", A),
        named=("cio_id", "p"),
        body={"email": B},
        becomes=("1", B),
        answers=email_or_id(YES, YES, I0=PLAIN, I1=PLAIN, EmailOnly=YES),
    ),
    Row(
        what="change email, named by the old email",
        has=("1", A),
        named=("email", A),
        body={"email": B},
        becomes=("1", B),
        answers=email_or_id(E2_EMAIL, E1_EMAIL, EmailOnly=E1_EMAIL),
    ),
    Row(
        what="set id while unset, named by email",
        has=(None, A),
        named=("email", A),
        body={"id": "2"},
        becomes=("2", A),
        answers=email_or_id(YES, YES),
    ),
    Row(
        what="set id while unset, named by cio_id",
        has=(None, A),
        named=("cio_id", "p"),
        body={"id": "2"},
        becomes=("2", A),
        answers=email_or_id(YES, YES, I0=YES, I1=YES),
    ),
    Row(
        what="change id, named by id",
        has=("1", A),
        named=("id", "1"),
        body={"id": "2"},
        becomes=("2", A),
        answers=email_or_id(ID_BY_CIO, ID_BY_CIO, I0=I0_ID, I1=ID_BY_CIO, EmailOnly=GENERATED),
    ),
    Row(
        what="change id, named by email",
        has=("1", A),
        named=("email", A),
        body={"id": "2"},
        becomes=("2", A),
        answers=email_or_id(ID_BY_CIO, ID_BY_CIO, EmailOnly=GENERATED),
    ),
    Row(
        what="change id, named by cio_id",
        has=("1", A),
        named=("cio_id", "p"),
        body={"id": "2"},
        becomes=("2", A),
        answers=email_or_id(YES, YES, I0=I0_ID, I1=YES, EmailOnly=GENERATED),
    ),
    Row(
        what="delete email, named by id",
        has=("1", A),
        named=("id", "1"),
        body={"email": None},
        becomes=("1", None),
        answers=email_or_id(YES, E1_EMAIL, I0=PLAIN, I1=PLAIN, EmailOnly=NOT_DELETED),
    ),
    Row(
        what="delete email, named by cio_id",
        has=("1", A),
        named=("cio_id", "p"),
        body={"email": None},
        becomes=("1", None),
        answers=email_or_id(YES, YES, I0=PLAIN, I1=PLAIN, EmailOnly=NOT_DELETED),
    ),
    Row(
        what="delete email, named by that email",
        has=("1", A),
        named=("email", A),
        body={"email": None},
        becomes=("1", None),
        answers=email_or_id(E2_EMAIL, E1_EMAIL, EmailOnly=NOT_DELETED),
    ),
    Row(
        what="delete id, named by id",
        has=("1", A),
        named=("id", "1"),
        body={"id": None},
        becomes=(None, A),
        answers=email_or_id(ID_BY_CIO, ID_BY_CIO, I0=NOT_DELETED, I1=NOT_DELETED, EmailOnly=NOT_DELETED),
    ),
    Row(
        what="delete id, named by email",
        has=("1", A),
        named=("email", A),
        body={"id": None},
        becomes=(None, A),
        answers=email_or_id(ID_BY_CIO, ID_BY_CIO, EmailOnly=NOT_DELETED),
    ),
    Row(
        what="delete id, named by cio_id",
        has=("1", A),
        named=("cio_id", "p"),
        body={"id": None},
        becomes=(None, A),
        answers=email_or_id(YES, YES, I0=NOT_DELETED, I1=NOT_DELETED, EmailOnly=NOT_DELETED),
    ),
    Row(
        what="delete the only identifier, an email",
        has=(None, A),
        named=("cio_id", "p"),
        body={"email": None},
        becomes=(None, None),
        answers=email_or_id(LAST, LAST, I0=PLAIN, I1=PLAIN),
    ),
    Row(
        what="delete the only identifier, an id",
        has=("1", None),
        named=("cio_id", "p"),
        body={"id": None},
        becomes=(None, None),
        answers=email_or_id(LAST, LAST, I0=NOT_DELETED, I1=NOT_DELETED),
    ),
]

CELLS = [
    pytest.param(row, column, answer, id=f"{row.what} - {column}")
    for row in ROWS
    for column, answer in row.answers.items()
]


@pytest.mark.parametrize(("row", "column", "answer"), CELLS)
def test_settings_say_who_may_change(row: Row, column: str, answer: str) -> None:
    rules = COLUMNS[column]
    people = working_set(rules, person("p", *row.has))

    result = run_identify(
        rules,
        people,
        command(reference_by(*row.named), row.body, plan="pro"),
    )

    allowed = answer in {YES, PLAIN}
    assert has(people.people["p"]) == (row.becomes if allowed else row.has)
    assert refused(result) == ({} if allowed else dict.fromkeys(row.body, answer))
    assert (result.effect, people.people["p"].attributes) == (Effect.UPDATED, {"plan": "pro"})


def has(one: Person) -> Has:
    return (one.id, one.email)


@pytest.mark.parametrize("column", ["I0", "I1"])
@pytest.mark.parametrize("email", ["b@x.org", "nobody", "a" * 300, "taken@x.org", "blocked@x.org"])
def test_plain_email_takes_anything(column: str, email: str) -> None:
    people = working_set(
        COLUMNS[column], person("p", "1"), person("q", "2", "taken@x.org"), suppressed=[("email", "blocked@x.org")]
    )

    result = run_identify(COLUMNS[column], people, command(reference_by("id", "1"), {"email": email}))

    assert (result.effect, result.refusals, people.people["p"].email) == (Effect.UPDATED, (), email)
    assert set(people.owners.values()) == {"p", "q"}
