"""The contract of the port People: deleting, suppressing, unsuppressing (identity-rules §6)."""

import pytest

from tests.store.adapters import Store
from tests.store.scenes import Scene
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.rules import Mode


@pytest.fixture
def both(store: Store) -> Scene:
    """A workspace of mode EmailOrID."""
    return Scene.create(store, Mode.EMAIL_OR_ID)


@pytest.mark.parametrize("kind", ["id", "email", "cio_id"])
def test_deleted_person_frees_identifiers(both: Scene, kind: str) -> None:
    cio_id = both.add("1", "ann@example.com", plan="pro")
    names = {"id": "1", "email": "ANN@example.com", "cio_id": cio_id}

    assert both.delete(**{kind: names[kind]}) is True

    assert both.find(id="1") is None
    again = both.say(id="1", body={"email": "ann@example.com"})
    assert again.effect is Effect.CREATED
    assert again.person is not None
    assert again.person.cio_id != cio_id
    assert again.person.attributes == {}


def test_deleting_nobody_says_so(both: Scene) -> None:
    assert both.delete(id="1") is False
    assert both.delete(cio_id="unknown") is False


@pytest.mark.parametrize("kind", ["id", "email", "cio_id"])
def test_suppressed_person_stays_away(both: Scene, kind: str) -> None:
    names = {"id": "1", "email": "Ann@example.com", "cio_id": both.add("1", "ann@example.com")}

    assert both.suppress(**{kind: names[kind]}) is True

    assert both.find(id="1") is None
    assert both.say(id="1").effect is Effect.IGNORED
    assert both.say(email="ann@example.com").effect is Effect.IGNORED


def test_suppressed_identifier_is_refused_in_bodies(both: Scene) -> None:
    both.suppress(email="ann@example.com")

    outcome = both.say(id="1", body={"email": "ANN@example.com"})

    assert outcome.effect is Effect.CREATED
    assert [each.value for each in outcome.refusals] == ["ANN@example.com"]


def test_value_of_nobody_is_suppressed(both: Scene) -> None:
    assert both.suppress(id="1") is True

    assert both.say(id="1").effect is Effect.IGNORED
    assert both.suppress(id="1") is False


def test_unknown_cio_id_is_not_suppressed(both: Scene) -> None:
    assert both.suppress(cio_id="unknown") is False


def test_blocked_address_blocks_no_id(both: Scene) -> None:
    both.suppress(email="ann@example.com")
    both.say(id="1")

    assert both.say(id="ann").effect is Effect.CREATED
    assert both.unsuppress(id="ann@example.com") is False


@pytest.mark.parametrize("kind", ["id", "email"])
def test_what_was_suppressed_together_is_freed_together(both: Scene, kind: str) -> None:
    both.add("1", "ann@example.com")
    both.suppress(id="1")

    assert both.unsuppress(**{kind: {"id": "1", "email": "Ann@example.com"}[kind]}) is True

    assert both.find(id="1") is None
    assert both.say(id="1").effect is Effect.CREATED
    assert both.say(email="ann@example.com").effect is Effect.CREATED


def test_unsuppressing_ends_every_suppression_of_the_value(scene: Scene) -> None:
    for id_ in ("1", "2"):
        scene.add(id_, "ann@example.com")
    scene.suppress(id="1")
    scene.suppress(id="2")

    assert scene.unsuppress(email="ann@example.com") is True

    assert scene.say(id="1").effect is Effect.CREATED
    assert scene.say(id="2").effect is Effect.CREATED
    assert scene.unsuppress(email="ann@example.com") is False


def test_value_stays_blocked_while_a_suppression_holds_it(scene: Scene) -> None:
    for id_ in ("1", "2"):
        scene.add(id_, "ann@example.com")
        scene.suppress(id=id_)

    scene.unsuppress(id="1")

    assert scene.say(id="1").effect is Effect.CREATED
    assert scene.say(id="2").effect is Effect.IGNORED
    assert scene.unsuppress(email="ann@example.com") is True


def test_unsuppressing_what_is_free_says_so(both: Scene) -> None:
    assert both.unsuppress(id="1") is False


def test_address_is_suppressed_where_it_is_no_identifier(scene: Scene) -> None:
    scene.add("1", "ann@example.com")

    assert scene.suppress(email="ann@example.com") is True

    assert scene.find(id="1") is not None
    assert scene.suppress(email="ann@example.com") is False
    assert scene.unsuppress(email="ann@example.com") is True


def test_address_of_a_suppressed_person_is_blocked_in_every_mode(scene: Scene) -> None:
    scene.add("1", "ann@example.com")

    scene.suppress(id="1")

    assert scene.suppress(email="ann@example.com") is False
