"""People are found by their identifiers, in pages; suppressed identifiers are told apart."""

from dataclasses import replace

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.search import PeoplePage, PeopleSearch, SearchStage
from workspace_operator.application.ports import EmailPosition
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.values.rules import IdentifierKind, Mode

ANA = "ana@example.com"


@pytest.fixture
def searched(store: Store) -> WorkspaceEnv:
    """People of a workspace in which email is not an identifier."""
    env = WorkspaceEnv.create(store, Mode.ID_ONLY)
    for id_, email in (("m-2", "Ana@Example.com"), ("m-10", "bo@example.com"), ("m-1", ANA)):
        env.add(id_, email)
    env.add("ana-7", "no address")
    return env


def search(env: WorkspaceEnv, text: str, **options: object) -> PeopleSearch:
    return PeopleSearch(people=env.store.people, workspace_id=env.workspace_id, text=text, **options)  # type: ignore[arg-type]


def ids(page: PeoplePage) -> list[str | None]:
    return [person.id for person in page.people]


def pages(searched: PeopleSearch, *, limit: int) -> list[list[str | None]]:
    """The ids of all pages."""
    found = [searched.page(limit=limit)]
    while (after := found[-1].next) is not None:
        found.append(searched.page(after=after, limit=limit))
    return [ids(page) for page in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("m-1", ["m-1", "m-10"]),
        (ANA, ["m-2", "m-1"]),
        (" ANA@Example.COM ", ["m-2", "m-1"]),
        ("ana", ["ana-7", "m-2", "m-1"]),
        ("bo@", ["m-10"]),
        ("M-1", []),
        ("no address", []),
        ("_", []),
        ("%", []),
        ("m-", []),
    ],
)
def test_people_are_found_by_identifiers(searched: WorkspaceEnv, text: str, found: list[str]) -> None:
    page = search(searched, text).page()

    assert (ids(page), page.next) == (found, None)


@pytest.mark.parametrize("prefix", ["", "cio_"])
def test_person_is_found_by_cio_id(searched: WorkspaceEnv, prefix: str) -> None:
    cio_id = searched.add("other")

    assert ids(search(searched, f"{prefix}{cio_id}").page()) == ["other"]


def test_short_text_is_the_beginning_of_nothing_but_can_be_an_id(searched: WorkspaceEnv) -> None:
    searched.add("m")

    assert ids(search(searched, "m").page()) == ["m"]
    assert ids(search(searched, "m", min_prefix=1).page()) == ["m", "m-1", "m-10", "m-2"]


def test_exact_matches_come_first(searched: WorkspaceEnv) -> None:
    searched.add(f"{ANA}.old", f"{ANA}.br")
    searched.add(ANA)

    assert ids(search(searched, ANA).page()) == [ANA, "m-2", "m-1", f"{ANA}.old"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_have_each_person_once(searched: WorkspaceEnv, limit: int) -> None:
    searched.add(f"{ANA}.old", f"{ANA}.br")
    searched.add("z", f"{ANA}.org")
    searched.add(ANA, ANA)

    found = pages(search(searched, ANA), limit=limit)

    assert [each for page in found for each in page] == [ANA, "m-2", "m-1", f"{ANA}.old", "z"]
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1]


def test_ids_that_are_addresses_are_listed_once(searched: WorkspaceEnv) -> None:
    searched.add_many({f"eve{number}@example.com": f"eve{number}@example.com" for number in range(9)})

    found = pages(search(searched, "eve"), limit=4)

    assert [each for page in found for each in page] == [f"eve{number}@example.com" for number in range(9)]


def test_page_is_short_if_it_would_read_too_much(searched: WorkspaceEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.application.people.search.MAX_READS", 2)
    searched.add_many({f"eve{number}@example.com": f"eve{number}@example.com" for number in range(9)})
    stages = (SearchStage.ID_PREFIX, SearchStage.EMAIL_PREFIX)

    found = pages(search(searched, "eve", stages=stages), limit=4)

    assert [each for page in found for each in page] == [f"eve{number}@example.com" for number in range(9)]
    assert [] in found


def test_people_of_one_address_are_paged(searched: WorkspaceEnv) -> None:
    searched.add_many({f"n-{number}": "no@example.com" for number in range(5)})

    found = pages(search(searched, "no@example.com", stages=(SearchStage.EMAIL,)), limit=2)

    assert [len(page) for page in found] == [2, 2, 1]
    assert {each for page in found for each in page} == {f"n-{number}" for number in range(5)}


def test_positions_are_behind_what_they_name(searched: WorkspaceEnv) -> None:
    people, number = searched.store.people, searched.workspace_id
    first = people.find_by_email_prefix(number, "ana@", limit=1)[0]
    behind = EmailPosition(ANA, first.cio_id)

    assert [each.id for each in people.find_by_email_prefix(number, "ana@", after=behind, limit=9)] == ["m-1"]
    assert [each.id for each in people.find_by_email(number, ANA, after=first.cio_id, limit=9)] == ["m-1"]
    assert [each.id for each in people.find_by_id_prefix(number, "m-", after="m-10", limit=9)] == ["m-2"]
    assert [each.id for each in people.find_by_id_prefix(number, "m-", after="a", limit=1)] == ["m-1"]
    assert people.find_by_id_prefix(number, "m-", after="n", limit=9) == []


def test_search_works_where_email_is_an_identifier(both: WorkspaceEnv) -> None:
    both.add("1", "Ann@example.com")
    both.add("ann@example", "bob@example.com")

    assert ids(search(both, "ANN@EXAMPLE.COM").page()) == ["1"]
    assert ids(search(both, "ann@").page()) == ["ann@example", "1"]


def test_search_in_an_unknown_workspace_fails(searched: WorkspaceEnv) -> None:
    for stage in SearchStage:
        nowhere = replace(search(searched, ANA, stages=(stage,)), workspace_id=searched.workspace_id + 1000)
        with pytest.raises(NotFound):
            nowhere.page()


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "x" * 1001])
def test_text_that_nobody_has_is_refused(searched: WorkspaceEnv, text: str) -> None:
    with pytest.raises(InvalidInput, match="TEXT"):
        search(searched, text)


def test_suppressed_identifiers_are_told_apart(both: WorkspaceEnv) -> None:
    both.suppress(id="gone")
    both.suppress(email="gone@example.com")
    gone = {(IdentifierKind.ID, "gone"), (IdentifierKind.EMAIL, "gone@example.com")}
    others = {(IdentifierKind.ID, "gone@example.com"), (IdentifierKind.EMAIL, ANA)}

    found = both.store.people.suppressed(both.workspace_id, gone | others)

    assert found == gone
    assert both.store.people.suppressed(both.workspace_id, ()) == frozenset()
