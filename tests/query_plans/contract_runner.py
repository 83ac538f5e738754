"""Runs the contract tests of the store one after the other, each on some of its examples."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from _pytest.mark import ParameterSet

from tests import store as contracts
from tests.query_plans.scenarios import EXTRAS
from tests.store.backends import Store, empty, sql_store
from tests.store.bulk_data import add_sharers, cut_over_migration
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database

LONG: Final = ("test_export_crashes", "test_thousands")
"""Tests with thousands of people, whose statements other tests send, too."""

EXAMPLES: Final = 2

FIXTURES: Final = frozenset({"both", "env", "sql_env", "store", "sql", "people", "lease"})


def run_contract_tests(database: Database) -> None:
    """Run every contract test that needs only a store, each on some of its examples."""
    for test in _tests():
        for example in _examples_of(test):
            empty(database)
            _run(test, sql_store(database), example)
    for extra in EXTRAS:
        empty(database)
        extra(WorkspaceEnv.create(sql_store(database), Mode.ID_ONLY))


def _run(test: Callable[..., object], store: Store, example: Mapping[str, Any]) -> None:
    wanted = inspect.signature(test).parameters.keys()
    used = {name for mark in getattr(test, "pytestmark", ()) if mark.name == "usefixtures" for name in mark.args}
    given: dict[str, Any] = {}
    if wanted & {"store", "sql"}:
        given |= {"store": store, "sql": store}
    if (wanted | used) & {"env", "sql_env", "people", "lease"}:
        env = WorkspaceEnv.create(store, Mode.ID_ONLY)
        given |= {"env": env, "sql_env": env}
        given |= {"people": add_sharers(env)} if (wanted | used) & {"people", "lease"} else {}
        given |= {"lease": cut_over_migration(env)} if "lease" in wanted else {}
    if "both" in wanted:
        given["both"] = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    test(**{name: {**given, **example}[name] for name in wanted})


def _tests() -> Iterator[Callable[..., object]]:
    folder = Path(next(iter(contracts.__path__)))
    for file in sorted(folder.rglob("test_*.py")):
        module = import_module(".".join(("tests.store", *file.relative_to(folder).with_suffix("").parts)))
        for name, test in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(test) and test.__module__ == module.__name__:
                wanted = inspect.signature(test).parameters.keys() - next(_examples_of(test)).keys()
                is_long = f"{file.stem} {name}".startswith(LONG) or name.startswith(LONG)
                if wanted and wanted <= FIXTURES - vars(module).keys() and not is_long:
                    yield test


def _examples_of(test: Callable[..., object]) -> Iterator[Mapping[str, Any]]:
    """Some argument sets of a test: the first value of each list, the second of each, and so on."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    most = max((len(list(mark.args[1])) for mark in marks), default=1)
    for number in range(min(most, EXAMPLES)):
        example: dict[str, Any] = {}
        for mark in marks:
            names = mark.args[0].replace(" ", "").split(",") if isinstance(mark.args[0], str) else list(mark.args[0])
            listed = list(mark.args[1])
            chosen = listed[number % len(listed)]
            values = chosen.values if isinstance(chosen, ParameterSet) else chosen if len(names) > 1 else [chosen]
            example |= dict(zip(names, values, strict=True))
        yield example
