"""Call sites of statements, parsed from the store's source, to find untested statements."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.query_plans.recorder import STORE, WHOLE_DATABASE, CodeLocation

SENDING: Final = frozenset({"execute", "exec_driver_sql", "run", "stream_rows", "executemany", "copy"})
"""Functions and methods that send a statement."""

ELSEWHERE: Final = frozenset(
    {
        "clocks",
        "commit_watchdog",
        "contention",
        "sql",
        "dry_runs",
        "databases",
        "file_marks",
        "plan_statistics",
        "postgresql",
        "shared_reads",
        "sqlite",
        "upgrades",
        "write_path",
    }
)
"""Modules whose own statements read no rows of people: they query a catalogue or a clock, change settings or pragmas,
or use a temporary database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSite:
    """A call in the store that sends a statement, directly or through a function."""

    module: str
    first: int
    last: int
    name: str

    def was_recorded(self, places: set[CodeLocation]) -> bool:
        return any((self.module, line) in places for line in range(self.first, self.last + 1))

    def __str__(self) -> str:
        return f"{self.module}.py:{self.first} {self.name}(…)"


def call_sites() -> Iterator[CallSite]:
    """All calls that send, or that pass a connection to a function of the store that sends."""
    files = (
        file
        for file in sorted(Path(STORE).rglob("*.py"))
        if file.stem not in ELSEWHERE | WHOLE_DATABASE and "revisions" not in file.parts
    )
    calls = [(file.stem, *each) for file in files for each in _calls(ast.parse(file.read_text()))]
    senders = set(SENDING)
    while more := {owner for _, owner, call, _ in calls if owner and _name(call) in senders} - senders:
        senders |= more
    for module, _, call, first in calls:
        if _name(call) in senders:
            yield CallSite(module=module, first=first, last=call.end_lineno or first, name=_name(call))


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call, int]]:
    """Calls with their functions, and their lines in a stack trace.

    The call of a generator sends nothing: the generator sends later.
    """
    scopes: list[ast.FunctionDef | ast.Module] = [*_functions(tree), tree]
    for function in scopes:
        nodes = list(_own_nodes(function))
        owner = "" if isinstance(function, ast.Module) or _is_generator(function, nodes) else function.name
        entered = {
            item.context_expr: node.lineno for node in nodes if isinstance(node, ast.With) for item in node.items
        }
        for node in nodes:
            if isinstance(node, ast.Call):
                yield owner, node, entered.get(node, node.lineno)


def _is_generator(function: ast.FunctionDef, nodes: Sequence[ast.AST]) -> bool:
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes)
    return yields and not any(ast.unparse(decorator) == "contextmanager" for decorator in function.decorator_list)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function and its lambdas, without nested functions."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own_nodes(child)


def _name(call: ast.Call) -> str:
    """The called function, if it sends, or gets an argument with which it can send.

    `leases.LockedMigration` is covered by any of its callers: it writes two rows by their keys.
    """
    function = call.func
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    if isinstance(function, ast.Attribute):
        own = isinstance(function.value, ast.Name) and function.value.id == "self"
        return function.attr if own or function.attr in SENDING or any(map(_can_send, arguments)) else ""
    if isinstance(function, ast.Name):
        return function.id if function.id in SENDING or any(map(_can_send, arguments)) else ""
    return ""


def _can_send(argument: ast.expr) -> bool:
    if isinstance(argument, ast.Attribute):
        return argument.attr == "connection"
    return isinstance(argument, ast.Name) and argument.id in {"connection", "locked"}
