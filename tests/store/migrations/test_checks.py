"""The four checks of identity-rules §7, in every specified form, and their export."""

import pytest

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.csv_export import violations_of
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import ViolationCounts
from workspace_operator.migrations.state_machine import Stage

DUPLICATE = "duplicateEmail"
INVALID = "invalidEmail"
SUPPRESSED = "suppressedEmail"
ANOTHER = "idIsAnotherEmail"

People = dict[str, str | None]
Verdicts = dict[str, str]

FORMS: dict[str, tuple[People, Verdicts]] = {
    "nobody": ({}, {}),
    "no address at all": ({"1": None, "2": None}, {}),
    "empty addresses": ({"1": "", "2": "", "3": "   "}, {}),
    "different addresses": ({"1": "a@example.com", "2": "b@example.com"}, {}),
    "case": ({"1": "ann@example.com", "2": "ANN@Example.COM"}, {"1": DUPLICATE, "2": DUPLICATE}),
    "white space": ({"1": "ann@example.com", "2": " \tann@example.com\n"}, {"1": DUPLICATE, "2": DUPLICATE}),
    "composed and decomposed": (
        {"1": "jos\u00e9@example.com", "2": "jose\u0301@example.com"},
        {"1": DUPLICATE, "2": DUPLICATE},
    ),
    "final sigma": (
        {"1": "\u03bd\u03b9\u03ba\u03bf\u03c2@example.com", "2": "\u039d\u0399\u039a\u039f\u03a3@example.com"},
        {"1": DUPLICATE, "2": DUPLICATE},
    ),
    "domain in Unicode and ASCII": (
        {"1": "ann@m\u00fcnchen.de", "2": "ann@xn--mnchen-3ya.de", "3": "ANN@M\u00dcNCHEN.DE"},
        {"1": DUPLICATE, "2": DUPLICATE, "3": DUPLICATE},
    ),
    "sharp s is its own domain": ({"1": "a@stra\u00dfe.de", "2": "a@strasse.de"}, {}),
    "dots and tags count": ({"1": "ann.b@gmail.com", "2": "annb@gmail.com", "3": "annb+x@gmail.com"}, {}),
    "quotes count": ({"1": '"ann"@example.com', "2": "ann@example.com"}, {}),
    "not an address": ({"1": "ann", "2": "ann@", "3": "@x.com"}, {"1": INVALID, "2": INVALID, "3": INVALID}),
    "equal non-addresses are no duplicates": ({"1": "ann", "2": "ann"}, {"1": INVALID, "2": INVALID}),
    "domain without dot": ({"1": "ann@localhost"}, {"1": INVALID}),
    "too long": ({"1": "a" * 250 + "@example.com"}, {"1": INVALID}),
    "suppressed": ({"1": "Blocked@Example.com"}, {"1": SUPPRESSED}),
    "suppressed and shared": (
        {"1": "blocked@example.com", "2": "BLOCKED@example.com"},
        {"1": f"{DUPLICATE};{SUPPRESSED}", "2": f"{DUPLICATE};{SUPPRESSED}"},
    ),
    "id is the own address": ({"ann@example.com": "ANN@example.com"}, {}),
    "id is an address, no email": ({"ann@example.com": None}, {"ann@example.com": ANOTHER}),
    "id is an address, email empty": ({"ann@example.com": ""}, {"ann@example.com": ANOTHER}),
    "id is an address, email invalid": ({"ann@example.com": "ann"}, {"ann@example.com": f"{INVALID};{ANOTHER}"}),
    "id is another address": ({"ann@example.com": "bob@example.com"}, {"ann@example.com": ANOTHER}),
    "id only looks like an address": ({"ann@": "ann@example.com", "@": "bob@example.com"}, {}),
    "id is the address of somebody else": (
        {"ann@example.com": "bob@example.com", "1": "ann@example.com"},
        {"ann@example.com": ANOTHER},
    ),
    "several on one person": (
        {"x@example.com": "blocked@example.com", "1": "blocked@example.com", "2": "fine@example.com"},
        {"x@example.com": f"{DUPLICATE};{SUPPRESSED};{ANOTHER}", "1": f"{DUPLICATE};{SUPPRESSED}"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_judged(env: WorkspaceEnv, form: str) -> None:
    people, expected = FORMS[form]
    env.suppress(email="blocked@example.com")
    env.suppress(email="nobody@example.com")
    env.add_many(people)

    migration = env.migrate_to(Mode.EMAIL_OR_ID)

    assert migration.stage is (Stage.BLOCKED if expected else Stage.COMPLETED)
    assert env.mode is (Mode.ID_ONLY if expected else Mode.EMAIL_OR_ID)
    found = {str(row.id): violations_of(row) for row in env.violations()} if expected else {}
    assert found == expected
    assert migration.violations == counted(expected)
    assert migration.people_total == migration.people_checked == len(people)


def counted(expected: Verdicts) -> ViolationCounts:
    """People per violation, and people in total."""
    of = [verdict.split(";") for verdict in expected.values()]
    return ViolationCounts(
        duplicate_email=sum(DUPLICATE in each for each in of),
        invalid_email=sum(INVALID in each for each in of),
        suppressed_email=sum(SUPPRESSED in each for each in of),
        id_is_another_email=sum(ANOTHER in each for each in of),
        people_concerned=len(of),
    )


def test_people_without_id_are_checked_too(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)
    env.identify_person(email="ann@example.com")
    env.migrate_to(Mode.ID_ONLY)
    env.add("1", "Ann@example.com")

    env.migrate_to(Mode.EMAIL_OR_ID)

    assert [row.id for row in env.violations()] == [None, "1"]


def test_address_that_several_suppressions_hold_counts_once(env: WorkspaceEnv) -> None:
    for id_ in ("1", "2"):
        env.add(id_, "ann@example.com")
        env.suppress(id=id_)
    env.add("3", "ann@example.com")

    migration = env.migrate_to(Mode.EMAIL_OR_ID)

    assert migration.violations == ViolationCounts(suppressed_email=1, people_concerned=1)
    assert len(env.violations()) == 1


def test_thousands_share_one_address(env: WorkspaceEnv) -> None:
    env.add_many({str(number): "info@example.com" for number in range(4000)})
    env.add("other", "fine@example.com")

    migration = env.migrate_to(Mode.EMAIL_OR_ID)

    assert migration.violations == ViolationCounts(duplicate_email=4000, people_concerned=4000)
    assert {row.sharing for row in env.violations()} == {4000}
    assert len(env.violations()) == 4000


def test_check_counts_without_a_migration(env: WorkspaceEnv) -> None:
    env.suppress(email="blocked@example.com")
    env.add_many({"1": "a@example.com", "2": "a@example.com", "3": "no", "4": "blocked@example.com", "x@y.org": None})

    people, found = env.store.migrations.check(env.workspace_id)

    assert (people.total, people.with_email, people.without_id) == (5, 4, 0)
    assert (found.duplicate_email, found.invalid_email, found.suppressed_email) == (2, 1, 1)
    assert found.id_is_another_email == 1


def test_other_workspaces_do_not_count(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    other.add_many({"1": "a@example.com", "2": "a@example.com", "3": "no", "x@y.org": None})
    other.suppress(email="b@example.com")
    env.add_many({"1": "a@example.com", "2": "b@example.com"})

    assert env.migrate_to(Mode.EMAIL_OR_ID).stage is Stage.COMPLETED


def test_export_is_in_order_of_key_age_and_person(env: WorkspaceEnv) -> None:
    env.add("keyless", "no address")
    env.add("young", "Z@example.com", created_at=1_000_000_200)
    env.add("old", "z@example.com", created_at=1_000_000_100)
    first = env.add("first", "a@example.com", created_at=1_000_000_100)
    second = env.add("second", "A@example.com", created_at=1_000_000_100)

    env.migrate_to(Mode.EMAIL_OR_ID)

    rows = env.violations()
    assert [row.id for row in rows] == ["keyless", "first", "second", "old", "young"]
    assert [row.email for row in rows][1:3] == ["a@example.com", "A@example.com"]
    assert first < second
    assert (rows[0].email_key, rows[0].sharing) == (None, 1)
    assert rows[3].created_at == 1_000_000_100


def test_export_keys_are_in_byte_order(env: WorkspaceEnv) -> None:
    locals_ = ["a", "B", "\u00e9", "z", "_", "1", "\U0001f600"]
    env.add_many({f"{each}{twin}": f"{each}@example.com" for each in locals_ for twin in "xy"})

    env.migrate_to(Mode.EMAIL_OR_ID)

    keys = [str(row.email_key) for row in env.violations()]
    assert keys == sorted(keys)
