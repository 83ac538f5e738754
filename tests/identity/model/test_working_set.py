import pytest

from tests.identity.builders import E2, EMAIL_ONLY, I0, person, reference_by, working_set
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import (
    ChangeSet,
    PersonUpdate,
    Suppression,
    WorkingSet,
)
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import EMAIL, ID, IdentityRules

A, B = "a@x.org", "b@x.org"
P = person("p", "1", A)


@pytest.mark.parametrize(
    ("rules", "one", "claims"),
    [
        (E2, person("p", "1", "A@x.org"), [(ID, "1"), (EMAIL, A)]),
        (E2, person("p", "1"), [(ID, "1")]),
        (E2, person("p", None, A), [(EMAIL, A)]),
        (E2, person("p", "1", "nobody"), [(ID, "1")]),
        (E2, person("p"), []),
        (I0, person("p", "1", A), [(ID, "1")]),
        (I0, person("p", None, A), []),
        (EMAIL_ONLY, person("p", "g", A), [(ID, "g"), (EMAIL, A)]),
    ],
)
def test_people_own_the_identifiers_of_the_mode(rules: IdentityRules, one: Person, claims: list[IdentifierKey]) -> None:
    assert working_set(rules, one).owners == dict.fromkeys(claims, "p")


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (reference_by("id", "1"), P),
        (reference_by("email", "A@x.org"), P),
        (reference_by("cio_id", "cio_p"), P),
        (reference_by("id", "2"), None),
        (reference_by("email", B), None),
        (reference_by("cio_id", "1"), None),
    ],
)
def test_references_find_people(reference: Reference, found: Person | None) -> None:
    assert working_set(E2, P).find(reference) == found


def test_loading_is_no_change() -> None:
    assert working_set(E2, P, suppressed=[("id", "9")]).changes() == ChangeSet()


def test_inserted_person_is_recorded() -> None:
    people = working_set(E2)

    people.insert(P)

    assert people.changes() == ChangeSet(inserted=(P,), identifiers_added={(ID, "1"): "p", (EMAIL, A): "p"})


def test_replaced_person_is_recorded() -> None:
    after = person("p", "1", B)
    people = working_set(E2, P)

    people.replace(after)

    assert people.changes() == ChangeSet(
        replaced=(PersonUpdate(before=P, after=after),),
        identifiers_added={(EMAIL, B): "p"},
        identifiers_removed={(EMAIL, A): "p"},
    )


def test_removed_person_is_recorded() -> None:
    people = working_set(E2, P)

    people.remove("p")

    assert people.changes() == ChangeSet(removed=(P,), identifiers_removed={(ID, "1"): "p", (EMAIL, A): "p"})


def test_net_effect_leaves_out_what_came_back() -> None:
    people = working_set(E2, P)

    people.replace(person("p", "1", B))
    people.replace(person("p", "1", A))
    people.insert(person("q", "2"))
    people.remove("q")

    assert people.changes() == ChangeSet()


def test_identifier_may_move_in_a_batch() -> None:
    q = person("q", None, A)
    people = working_set(E2, P)

    people.replace(person("p", "1"))
    people.insert(q)

    changes = people.changes()
    assert changes.inserted == (q,)
    assert changes.identifiers_removed == {(EMAIL, A): "p"}
    assert changes.identifiers_added == {(EMAIL, A): "q"}


def test_settled_changes_are_forgotten() -> None:
    people = working_set(E2)
    people.insert(P)

    people.mark_clean()

    assert (people.changes(), people.people) == (ChangeSet(), {"p": P})


def test_identifier_has_one_owner() -> None:
    people = working_set(E2, P)

    with pytest.raises(ValueError, match="the email of q belongs to p"):
        people.insert(person("q", "2", A))


def test_replacement_takes_nothing_from_others() -> None:
    people = working_set(E2, P, person("q", "2", B))

    with pytest.raises(ValueError, match="the id of q belongs to p"):
        people.replace(person("q", "1", B))


def test_cio_id_is_given_once() -> None:
    people = working_set(E2, P)

    with pytest.raises(ValueError, match="person p already exists"):
        people.insert(person("p", "2"))


def row(key: str, suppression_id: str) -> Suppression:
    return Suppression(kind=ID, key=key, suppression_id=suppression_id)


def test_suppressions_are_recorded() -> None:
    people = WorkingSet(mode=E2.mode, suppressions=[row("1", "s"), row("2", "s"), row("2", "t")])

    people.suppress(row("3", "u"))
    people.unsuppress("s")

    assert people.changes() == ChangeSet(
        suppressions_added=(row("3", "u"),), suppressions_removed=(row("1", "s"), row("2", "s"))
    )
    assert set(people.suppressed) == {(ID, "2"), (ID, "3")}


def test_freed_again_is_no_change() -> None:
    people = WorkingSet(mode=E2.mode, suppressions=[row("1", "s")])

    people.suppress(row("1", "s"))
    people.suppress(row("2", "t"))
    people.unsuppress("t")

    assert people.changes() == ChangeSet()
