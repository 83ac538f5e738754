import pytest

from tests.identity.builders import E2, EMAIL_ONLY, I0, by, person, population
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Changes, Ownership, Population, Replacement, Suppression
from workspace_operator.identity.references import IdentifierKey, Reference
from workspace_operator.identity.rules import IdentityRules, Kind

A, B = "a@x.org", "b@x.org"
P = person("p", "1", A)


@pytest.mark.parametrize(
    ("rules", "one", "claims"),
    [
        (E2, person("p", "1", "A@x.org"), [(Kind.ID, "1"), (Kind.EMAIL, A)]),
        (E2, person("p", "1"), [(Kind.ID, "1")]),
        (E2, person("p", None, A), [(Kind.EMAIL, A)]),
        (E2, person("p", "1", "nobody"), [(Kind.ID, "1")]),
        (E2, person("p"), []),
        (I0, person("p", "1", A), [(Kind.ID, "1")]),
        (I0, person("p", None, A), []),
        (EMAIL_ONLY, person("p", "g", A), [(Kind.ID, "g"), (Kind.EMAIL, A)]),
    ],
)
def test_people_own_the_identifiers_of_the_mode(rules: IdentityRules, one: Person, claims: list[IdentifierKey]) -> None:
    assert population(rules, one).owners == dict.fromkeys(claims, "p")


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (by("id", "1"), P),
        (by("email", "A@x.org"), P),
        (by("cio_id", "cio_p"), P),
        (by("id", "2"), None),
        (by("email", B), None),
        (by("cio_id", "1"), None),
    ],
)
def test_references_find_people(reference: Reference, found: Person | None) -> None:
    assert population(E2, P).find(reference) == found


def test_loading_is_no_change() -> None:
    assert population(E2, P, blocked=[("id", "9")]).changes() == Changes()


def test_inserted_person_is_recorded() -> None:
    people = population(E2)

    people.insert(P)

    assert people.changes() == Changes(
        inserted=(P,),
        identifiers_added=(
            Ownership(kind=Kind.ID, key="1", cio_id="p"),
            Ownership(kind=Kind.EMAIL, key=A, cio_id="p"),
        ),
    )


def test_replaced_person_is_recorded() -> None:
    after = person("p", "1", B)
    people = population(E2, P)

    people.replace(after)

    assert people.changes() == Changes(
        replaced=(Replacement(before=P, after=after),),
        identifiers_added=(Ownership(kind=Kind.EMAIL, key=B, cio_id="p"),),
        identifiers_removed=(Ownership(kind=Kind.EMAIL, key=A, cio_id="p"),),
    )


def test_removed_person_is_recorded() -> None:
    people = population(E2, P)

    people.remove("p")

    assert people.changes() == Changes(
        removed=(P,),
        identifiers_removed=(
            Ownership(kind=Kind.ID, key="1", cio_id="p"),
            Ownership(kind=Kind.EMAIL, key=A, cio_id="p"),
        ),
    )


def test_net_effect_leaves_out_what_came_back() -> None:
    people = population(E2, P)

    people.replace(person("p", "1", B))
    people.replace(person("p", "1", A))
    people.insert(person("q", "2"))
    people.remove("q")

    assert people.changes() == Changes()


def test_identifier_may_move_in_a_batch() -> None:
    q = person("q", None, A)
    people = population(E2, P)

    people.replace(person("p", "1"))
    people.insert(q)

    changes = people.changes()
    assert changes.inserted == (q,)
    assert changes.identifiers_removed == (Ownership(kind=Kind.EMAIL, key=A, cio_id="p"),)
    assert changes.identifiers_added == (Ownership(kind=Kind.EMAIL, key=A, cio_id="q"),)


def test_settled_changes_are_forgotten() -> None:
    people = population(E2)
    people.insert(P)

    people.settle()

    assert (people.changes(), people.people) == (Changes(), {"p": P})


def test_identifier_has_one_owner() -> None:
    people = population(E2, P)

    with pytest.raises(ValueError, match="the email of q belongs to p"):
        people.insert(person("q", "2", A))


def test_replacement_takes_nothing_from_others() -> None:
    people = population(E2, P, person("q", "2", B))

    with pytest.raises(ValueError, match="the id of q belongs to p"):
        people.replace(person("q", "1", B))


def test_cio_id_is_given_once() -> None:
    people = population(E2, P)

    with pytest.raises(ValueError, match="there is a person p already"):
        people.insert(person("p", "2"))


def row(key: str, suppression_id: str) -> Suppression:
    return Suppression(kind=Kind.ID, key=key, suppression_id=suppression_id)


def test_suppressions_are_recorded() -> None:
    people = Population(mode=E2.mode, suppressions=[row("1", "s"), row("2", "s"), row("2", "t")])

    people.block(row("3", "u"))
    people.release("s")

    assert people.changes() == Changes(
        suppressions_added=(row("3", "u"),), suppressions_removed=(row("1", "s"), row("2", "s"))
    )
    assert set(people.blocked) == {(Kind.ID, "2"), (Kind.ID, "3")}


def test_freed_again_is_no_change() -> None:
    people = Population(mode=E2.mode, suppressions=[row("1", "s")])

    people.block(row("1", "s"))
    people.block(row("2", "t"))
    people.release("t")

    assert people.changes() == Changes()
