"""What an empty cell means: nothing, unless the import is told otherwise."""

import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.application.people.import_options import EmptyCells
from workspace_operator.identity.values.rules import IdentifierKind, Mode


def test_an_empty_cell_changes_nothing(env: ImportEnv) -> None:
    env.import_text("id,email,unsubscribed,city,plan\ns-1,sue@example.com,true,Bonn,gold\n")

    result = env.import_text("id,email,unsubscribed,city,plan\ns-1,,,Berlin,\n")

    assert (result.counts, result.summary.in_part, result.summary.removed) == ((0, 1, 0, 0), 0, 0)
    assert env.all_people() == [("s-1", "sue@example.com", {"unsubscribed": "true", "city": "Berlin", "plan": "gold"})]


def test_empty_cells_remove_when_asked_but_never_consent(env: ImportEnv) -> None:
    env.import_text("id,unsubscribed,city,plan,zip\ns-1,true,Bonn,gold,\ns-2,1,Ulm,,89073\n")

    result = env.import_text(
        "id,unsubscribed,city,plan,zip\ns-1,,,,\ns-2,\u00a0,Ulm,,\n", empty_cells=EmptyCells.REMOVE
    )

    assert (result.counts, result.summary.in_part, result.summary.removed) == ((0, 2, 0, 0), 0, 3)
    assert env.all_people() == [
        ("s-1", None, {"unsubscribed": "true"}),
        ("s-2", None, {"unsubscribed": "1", "city": "Ulm"}),
    ]


def test_empty_identifiers_are_removed_as_the_rules_allow(env: ImportEnv) -> None:
    env.import_text("id,email\n1,a@x.com\n2,b@x.com\n")
    cio_id = env.get(id="1").cio_id

    by_id = env.import_text("id,email\n2,\n", empty_cells=EmptyCells.REMOVE)
    by_cio_id = env.import_text(
        f"cio_id,id,email\n{cio_id},1,\n", by=IdentifierKind.CIO_ID, update_only=True, empty_cells=EmptyCells.REMOVE
    )

    assert (by_id.summary.in_part, by_id.summary.removed) == (1, 0)
    assert (by_cio_id.summary.in_part, by_cio_id.summary.removed) == (0, 1)
    assert [email for _, email, _ in env.all_people()] == [None, "b@x.com"]


def test_an_email_that_is_an_attribute_is_removed_when_asked() -> None:
    env = ImportEnv.of(Mode.ID_ONLY)
    env.import_text("id,email\n1,a@x.com\n")

    env.import_text("id,email\n1,\n")
    kept = [email for _, email, _ in env.all_people()]
    env.import_text("id,email\n1,\n", empty_cells=EmptyCells.REMOVE)

    assert (kept, [email for _, email, _ in env.all_people()]) == (["a@x.com"], [None])


@pytest.mark.parametrize(
    ("cell", "stored"),
    [
        ("true", "true"),
        ("TRUE", "true"),
        (" True ", "true"),
        ("1", "1"),
        ("1.0", "1"),
        ("false", "false"),
        ("0", "0"),
        ("0.0", "0"),
    ],
)
def test_consent_is_read(env: ImportEnv, cell: str, stored: str) -> None:
    result = env.import_text(f"id,unsubscribed\n1,{cell}\n")

    assert result.summary.in_part == 0
    assert env.get(id="1").attributes == {"unsubscribed": stored}


@pytest.mark.parametrize("cell", ["yes", "t", "unsubscribed", "no", "x", "2", "#N/A", "wahr"])
def test_consent_that_cannot_be_read_is_not_taken(env: ImportEnv, cell: str) -> None:
    env.import_text("id,unsubscribed\n1,true\n")

    result = env.import_text(f"id,unsubscribed,city\n1,{cell},Bonn\n2,{cell},Ulm\n")

    assert (result.counts, result.summary.in_part) == ((1, 1, 0, 0), 2)
    assert result.rejects.lines[2] == (
        "in part",
        f"unsubscribed: '{cell}' is neither true nor false, the value is unchanged: write true or false",
    )
    assert env.all_people() == [("1", None, {"unsubscribed": "true", "city": "Bonn"}), ("2", None, {"city": "Ulm"})]


def test_rejects_import_as_any_file(env: ImportEnv) -> None:
    env.import_text("id,email,city\n1,a@x.com,Bonn\n2,b@x.com,Ulm\n")
    first = env.import_text("id,email,city\n1,nonsense,\n2,b@x.com,\n")

    second = env.import_text(first.rejects.file.replace(b"nonsense", b""))

    assert (second.counts, second.summary.in_part) == ((0, 1, 0, 0), 0)
    assert env.get(id="1").attributes == {"city": "Bonn"}
