"""Where the store sends statements, read from its source: so that a test can tell which of them it has never heard."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.query_plans.recorder import STORE, CodeLocation

SENDING: Final = frozenset({"execute", "exec_driver_sql", "run", "stream_rows", "executemany", "copy"})
"""What is called to send a statement itself."""

ELSEWHERE: Final = frozenset(
    {
        "clocks",
        "contention",
        "sql",
        "dry_runs",
        "databases",
        "file_marks",
        "plan_statistics",
        "postgresql",
        "sqlite",
        "upgrades",
        "write_path",
    }
)
"""Modules whose own statements name no rows of people: they ask a catalogue or a clock, set things, are pragmas,
or go to a temporary database of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSite:
    """A call in the store that sends a statement, or has one sent."""

    module: str
    first: int
    last: int
    name: str

    def was_recorded(self, places: set[CodeLocation]) -> bool:
        return any((self.module, line) in places for line in range(self.first, self.last + 1))

    def __str__(self) -> str:
        return f"{self.module}.py:{self.first} {self.name}(…)"


def call_sites() -> Iterator[CallSite]:
    """Every call that sends, and every call that hands a connection to a function of the store which sends by it."""
    files = (
        file
        for file in sorted(Path(STORE).rglob("*.py"))
        if file.stem not in ELSEWHERE and "revisions" not in file.parts
    )
    calls = [(file.stem, *each) for file in files for each in _calls(ast.parse(file.read_text()))]
    senders = set(SENDING)
    while more := {owner for _, owner, call, _ in calls if owner and _name(call) in senders} - senders:
        senders |= more
    for module, _, call, first in calls:
        if _name(call) in senders:
            yield CallSite(module=module, first=first, last=call.end_lineno or first, name=_name(call))


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call, int]]:
    """Calls, each with the function that it stands in, and the line at which that is seen to be when it is called.

    A generator is no sender where it is called: what it sends is sent later.
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
    return yields and not any(ast.unparse(each) == "contextmanager" for each in function.decorator_list)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """What stands in a function itself, with its lambdas; not in functions within it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own_nodes(child)


def _name(call: ast.Call) -> str:
    """The function that is called, if it sends, or is handed what it can send by.

    What `leases.Held` does by itself is heard wherever it is called from: it writes two rows by their keys.
    """
    function = call.func
    given = [*call.args, *(each.value for each in call.keywords)]
    if isinstance(function, ast.Attribute):
        own = isinstance(function.value, ast.Name) and function.value.id == "self"
        return function.attr if own or function.attr in SENDING or any(map(_can_send, given)) else ""
    if isinstance(function, ast.Name):
        return function.id if function.id in SENDING or any(map(_can_send, given)) else ""
    return ""


def _can_send(argument: ast.expr) -> bool:
    if isinstance(argument, ast.Attribute):
        return argument.attr == "connection"
    return isinstance(argument, ast.Name) and argument.id in {"connection", "held"}
