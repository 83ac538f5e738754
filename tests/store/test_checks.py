"""The four checks of identity-rules §7, in every form that the specification names, and their export."""

import pytest

from tests.store.scenes import Scene
from workspace_operator.application.exporting import violations_of
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import ViolationCounts
from workspace_operator.migrations.stages import Stage

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
def test_each_form_is_judged(scene: Scene, form: str) -> None:
    people, expected = FORMS[form]
    scene.suppress(email="blocked@example.com")
    scene.suppress(email="nobody@example.com")
    scene.add_many(people)

    change = scene.change_to(Mode.EMAIL_OR_ID)

    assert change.stage is (Stage.BLOCKED if expected else Stage.COMPLETED)
    assert scene.mode is (Mode.ID_ONLY if expected else Mode.EMAIL_OR_ID)
    found = {str(row.id): violations_of(row) for row in scene.violations()} if expected else {}
    assert found == expected
    assert change.violations == counted(expected)
    assert change.people_total == change.people_checked == len(people)


def counted(expected: Verdicts) -> ViolationCounts:
    """People per violation, and people in all."""
    of = [verdict.split(";") for verdict in expected.values()]
    return ViolationCounts(
        duplicate_email=sum(DUPLICATE in each for each in of),
        invalid_email=sum(INVALID in each for each in of),
        suppressed_email=sum(SUPPRESSED in each for each in of),
        id_is_another_email=sum(ANOTHER in each for each in of),
        people_concerned=len(of),
    )


def test_people_without_id_are_checked_too(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)
    scene.say(email="ann@example.com")
    scene.change_to(Mode.ID_ONLY)
    scene.add("1", "Ann@example.com")

    scene.change_to(Mode.EMAIL_OR_ID)

    assert [row.id for row in scene.violations()] == [None, "1"]


def test_address_that_several_suppressions_hold_counts_once(scene: Scene) -> None:
    for id_ in ("1", "2"):
        scene.add(id_, "ann@example.com")
        scene.suppress(id=id_)
    scene.add("3", "ann@example.com")

    change = scene.change_to(Mode.EMAIL_OR_ID)

    assert change.violations == ViolationCounts(suppressed_email=1, people_concerned=1)
    assert len(scene.violations()) == 1


def test_thousands_share_one_address(scene: Scene) -> None:
    scene.add_many({str(number): "info@example.com" for number in range(4000)})
    scene.add("other", "fine@example.com")

    change = scene.change_to(Mode.EMAIL_OR_ID)

    assert change.violations == ViolationCounts(duplicate_email=4000, people_concerned=4000)
    assert {row.sharing for row in scene.violations()} == {4000}
    assert len(scene.violations()) == 4000


def test_check_counts_without_a_change(scene: Scene) -> None:
    scene.suppress(email="blocked@example.com")
    scene.add_many({"1": "a@example.com", "2": "a@example.com", "3": "no", "4": "blocked@example.com", "x@y.org": None})

    people, found = scene.store.migrations.check(scene.workspace_id)

    assert (people.total, people.with_email, people.without_id) == (5, 4, 0)
    assert (found.duplicate_email, found.invalid_email, found.suppressed_email) == (2, 1, 1)
    assert found.id_is_another_email == 1


def test_other_workspaces_do_not_count(scene: Scene) -> None:
    other = Scene.create(scene.store, Mode.ID_ONLY)
    other.add_many({"1": "a@example.com", "2": "a@example.com", "3": "no", "x@y.org": None})
    other.suppress(email="b@example.com")
    scene.add_many({"1": "a@example.com", "2": "b@example.com"})

    assert scene.change_to(Mode.EMAIL_OR_ID).stage is Stage.COMPLETED


def test_export_is_in_order_of_key_age_and_person(scene: Scene) -> None:
    scene.add("keyless", "no address")
    scene.add("young", "Z@example.com", created_at=1_000_000_200)
    scene.add("old", "z@example.com", created_at=1_000_000_100)
    first = scene.add("first", "a@example.com", created_at=1_000_000_100)
    second = scene.add("second", "A@example.com", created_at=1_000_000_100)

    scene.change_to(Mode.EMAIL_OR_ID)

    rows = scene.violations()
    assert [row.id for row in rows] == ["keyless", "first", "second", "old", "young"]
    assert [row.email for row in rows][1:3] == ["a@example.com", "A@example.com"]
    assert first < second
    assert (rows[0].email_key, rows[0].sharing) == (None, 1)
    assert rows[3].created_at == 1_000_000_100


def test_export_keys_are_in_byte_order(scene: Scene) -> None:
    locals_ = ["a", "B", "\u00e9", "z", "_", "1", "\U0001f600"]
    scene.add_many({f"{each}{twin}": f"{each}@example.com" for each in locals_ for twin in "xy"})

    scene.change_to(Mode.EMAIL_OR_ID)

    keys = [str(row.email_key) for row in scene.violations()]
    assert keys == sorted(keys)
