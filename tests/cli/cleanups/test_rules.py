"""``workspacectl cleanups rules``, and the preview of an undo."""

import json
from unittest.mock import patch

import pytest

from tests.cli.conftest import Crm, Run, W
from workspace_operator.store.repositories.cleanups import undo_previews

PEOPLE = """\
id,email,created_at,plan
m-1,a@x.com,1000000050,pro
m-2,A@x.com,1000000100,pro
m-3,b@x.com,1000000200,
m-4,b@x.com,1000000300,gold
m-5,b@x.com,1000000400,
m-6,c@y.org,1000000500,
m-7,c@y.org,1000000600,
m-8,nonsense,,
"""
RULES = ("cleanups", "rules")
MERGE = (*RULES, "add", "--action", "mergeIntoOldest")


@pytest.fixture
def blocked(crm: Crm) -> None:
    """Eight people in mode IDOnly, who all block the change to EmailOrID."""
    crm("IDOnly", PEOPLE)
    crm("EmailOrID", code=3)


@pytest.mark.usefixtures("blocked")
def test_rule_from_counting_to_removal(run: Run) -> None:
    added = run(*MERGE, *W)
    assert (added.code, added.out) == (0, "rule 1 would decide about 3 groups (7 people), 0 stay open\n")
    assert "next: workspacectl cleanups rules confirm 1 -w default/crm" in added.err
    assert json.loads(run("cleanups", "decisions", "-o", "json", *W).out) == []

    confirmed = run(*RULES, "confirm", "1", "--people", "7", *W)
    assert (confirmed.code, confirmed.err) == (0, "")
    assert confirmed.out == (
        "rule 1 decided about 3 groups (7 people), 0 stay open\n"
        "7 decisions. With these decisions, 1 person would still block the migration.\n"
    )

    removed = run(*RULES, "remove", "1", *W)
    assert removed.out == "rule 1 is removed\n0 decisions. 8 people would block the migration.\n"
    assert json.loads(run(*RULES, "list", "-o", "json", *W).out) == []


@pytest.mark.usefixtures("blocked")
@pytest.mark.parametrize(
    ("options", "counts"),
    [
        (("--max-people", "2"), "2 groups (4 people)"),
        (("--equal", "plan"), "2 groups (4 people)"),
        (("--suffix", "@Y.org"), "1 group (2 people)"),
        (("--not-called-for", "30"), "3 groups (7 people)"),
        (("--equal", "plan", "--suffix", "x.com"), "1 group (2 people)"),
        (("--suffix", "@z.org"), "0 groups (0 people)"),
    ],
)
def test_conditions(run: Run, options: tuple[str, ...], counts: str) -> None:
    assert f"rule 1 would decide about {counts}, 0 stay open" in run(*MERGE, *options, *W).out


@pytest.mark.usefixtures("blocked")
def test_list_names_conditions(run: Run) -> None:
    run(*MERGE, "--max-people", "5", "--equal", "plan", "--suffix", "x.com", *W)

    table, documents = run(*RULES, "list", *W).out, json.loads(run(*RULES, "list", "-o", "json", *W).out)

    assert "at most 5 people, equal plan, ends with x.com" in table
    [document] = documents
    assert (document["position"], document["state"], document["action"]) == (1, "Counted", "mergeIntoOldest")
    assert (document["maxPeople"], document["equalAttributes"], document["notCalledSince"]) == (5, ["plan"], None)
    assert (document["groups"], document["people"], document["groupsOpen"]) == (1, 2, 0)


@pytest.mark.usefixtures("blocked")
def test_other_number_of_people_is_refused(run: Run) -> None:
    run(*MERGE, *W)

    refused = run(*RULES, "confirm", "1", "--people", "6", *W)

    assert "rule 1 decides about 3 groups with 7 people by now, not about 3 with 6" in refused.failure
    assert json.loads(run("cleanups", "decisions", "-o", "json", *W).out) == []


@pytest.mark.usefixtures("blocked")
def test_wrong_requests(run: Run) -> None:
    assert "has no cleanups" in run(*RULES, "confirm", "1", *W).failure
    assert "--suffix '@' is not the end of an address" in run(*MERGE, "--suffix", "@", *W).failure
    assert "--equal 'email' is no attribute" in run(*MERGE, "--equal", "email", *W).failure
    run(*MERGE, *W)
    assert "cleanup 1 has no rule 2" in run(*RULES, "remove", "2", *W).failure
    run("cleanups", "discard", "1", *W)
    assert "its decisions cannot be changed any more" in run(*RULES, "confirm", "1", *W).failure
    assert run(*RULES, "add", "--action", "deleteAll", *W).code == 64


@pytest.mark.usefixtures("blocked")
def test_dry_run_that_examines_a_part_of_the_decisions_says_so(run: Run) -> None:
    run(*MERGE, *W)
    run(*RULES, "confirm", "1", *W)
    run("cleanups", "apply", *W)

    with patch.object(undo_previews, "MAX_EXAMINED", 1):
        done = run("cleanups", "undo", "1", "--dry-run", *W)

    assert (done.code, done.out) == (3, "1 of 1 decisions would be restored completely, 0 partly, 0 not at all\n")
    assert done.error == "only the first 1 of 7 decisions were examined"


@pytest.mark.usefixtures("blocked")
def test_dry_run_of_an_undo(run: Run) -> None:
    run(*MERGE, *W)
    run(*RULES, "confirm", "1", *W)
    run("cleanups", "apply", *W)

    whole = run("cleanups", "undo", "1", "--dry-run", *W)
    run("people", "suppress", "--id", "m-3", *W)
    part = run("cleanups", "undo", "1", "--dry-run", *W)

    assert (whole.code, whole.out) == (0, "7 of 7 decisions would be restored completely, 0 partly, 0 not at all\n")
    assert (part.code, part.out) == (
        3,
        "5 of 7 decisions would be restored completely, 0 partly, 2 not at all\nreasons: survivorGone 2\n",
    )
    assert json.loads(run("cleanups", "show", "-o", "json", *W).out)["state"] == "Applied"
