"""Ids of people and records: unique, and in the order of their generation."""

from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator


def test_ids_sort_in_the_order_of_their_generation() -> None:
    times = iter([5.0, 5.0, 4.0, 6.0])
    new_id = CioIDGenerator(lambda: next(times))

    ids = [new_id(), *new_id.batch(3), new_id(), *new_id.batch(2)]

    assert ids == sorted(set(ids))
    assert {len(id_) for id_ in ids} == {24}


def test_batch_larger_than_a_sequence_keeps_the_order() -> None:
    new_id = CioIDGenerator(lambda: 5.0)

    ids = [*new_id.batch(10_000), new_id()]

    assert ids == sorted(set(ids))


def test_empty_batch_takes_no_id() -> None:
    new_id = CioIDGenerator(lambda: 5.0)
    first = new_id()

    assert new_id.batch(0) == []
    assert new_id() > first
