"""What a store has to load before it carries out calls."""

import pytest

from tests.identity.builders import COLUMNS, E2, by, call
from workspace_operator.identity.keys import Keys, keys_of
from workspace_operator.identity.rules import Kind

ID, EMAIL = Kind.ID, Kind.EMAIL


@pytest.mark.parametrize("column", ["E2", "EmailOnly"])
def test_call_names_all_its_identifiers(column: str) -> None:
    body = {"id": "2", "email": "B@x.org", "cio_id": "cio_q"}

    keys = keys_of(COLUMNS[column], [call(by("email", "A@x.org"), body)])

    assert keys == Keys(identifiers=((EMAIL, "a@x.org"), (EMAIL, "b@x.org"), (ID, "2")), cio_ids=("q",))


def test_plain_email_is_no_key() -> None:
    keys = keys_of(COLUMNS["I0"], [call(by("id", "1"), {"email": "a@x.org"})])

    assert keys == Keys(identifiers=((ID, "1"),), cio_ids=())


@pytest.mark.parametrize("body", [{}, {"id": None, "email": None, "cio_id": None}, {"email": "nobody"}])
def test_nothing_else_is_a_key(body: dict[str, str | None]) -> None:
    assert keys_of(E2, [call(by("cio_id", "cio_p"), body)]) == Keys(identifiers=(), cio_ids=("p",))


def test_batch_names_each_once_in_order() -> None:
    calls = [call(by("id", "2")), call(by("cio_id", "q")), call(by("id", "1")), call(by("id", "2"), {"cio_id": "p"})]

    assert keys_of(E2, calls) == Keys(identifiers=((ID, "1"), (ID, "2")), cio_ids=("p", "q"))
