"""Events that the operator emits."""

from workspace_operator.cluster.resources import event_name


def test_names_of_later_events_sort_later() -> None:
    names = [event_name("club") for _ in range(100)]

    assert names == sorted(names)
    assert len(set(names)) == 100


def test_name_of_an_event_is_one_that_kubernetes_takes() -> None:
    name = event_name("a" * 199 + "-" + "b" * 41)

    assert len(name) <= 253
    assert name.startswith("a" * 199 + ".")
