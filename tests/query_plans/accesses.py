"""The accesses of a statement to tables, parsed from the plans of both databases."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workspace_operator.store.schema.tables import metadata

PARTS: Final = frozenset({"workspace_id", "kind", "type", "export_number", "segment", "slot"})
"""Leading key columns: an access by these alone reads a whole workspace, or a large part of it."""

DIRECTORY_KEYS: Final = frozenset({"workspace_id", "account_id"})
"""Columns that identify one row, or a few rows, of the small directory."""

NARROW: Final = frozenset(
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None and "is_not" not in str(index.name)
)
"""Partial indexes, whose rows are found without a further key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One access to a table in a plan.

    Attributes:
        table: name of the table.
        columns: columns of the index that have a value or a range.
        index: name of the index; empty for a scan of the whole table.
        repeated: whether the access is repeated for each row of another access.
    """

    table: str
    columns: frozenset[str]
    index: str
    repeated: bool

    @property
    def is_by_key(self) -> bool:
        """Whether it reads some rows of a workspace instead of all."""
        if self.index in NARROW:
            return True
        if "workspace_id" in self.columns and "workspace_id" not in metadata.tables[self.table].primary_key:
            return True
        return bool(self.columns - PARTS) or (self.table in _DIRECTORY and bool(self.columns & DIRECTORY_KEYS))

    @property
    def is_one_row(self) -> bool:
        """Whether it finds single rows of the directory."""
        return self.table in _DIRECTORY and self.is_by_key


_DIRECTORY: Final = frozenset({"account", "workspace", "migration", "credential", "mailroom"})
_SQLITE_STEP = re.compile(r"(SCAN|SEARCH) (\S+)(?: USING (.*?))?(?: \((.*)\))?(?: LEFT-JOIN)?$")
_ALIAS = re.compile(r"\b(\w+) AS (\w+)\b")


def aliases_of(statement: str) -> Mapping[str, str]:
    """The tables of a statement by their aliases."""
    named = {alias: table for table, alias in _ALIAS.findall(statement) if table in metadata.tables}
    return named | {name: name for name in metadata.tables}


@dataclass(frozen=True, slots=True, kw_only=True)
class SQLitePlan:
    """The rows of EXPLAIN QUERY PLAN: id, parent, unused, detail."""

    rows: Sequence[tuple[int, int, int, str]]
    aliases: Mapping[str, str]

    def accesses(self) -> Iterator[Access]:
        """All accesses; those inside a loop over more than one row are repeated."""
        details = {id_: (parent, detail) for id_, parent, _, detail in self.rows}
        many: set[int] = set()
        for _, parent, _, detail in self.rows:
            found = _SQLITE_STEP.match(detail)
            if found is None:
                continue
            inner = parent in many or self._is_correlated(details, parent)
            table = self.aliases.get(found[2])
            access = None if table is None else _sqlite_access(table, found, repeated=inner)
            if access is None or not access.is_one_row:
                many.add(parent)
            if access is not None:
                yield access

    def _is_correlated(self, details: Mapping[int, tuple[int, str]], id_: int) -> bool:
        while id_ in details:
            id_, detail = details[id_]
            if detail.startswith("CORRELATED"):
                return True
        return False

    def sorts(self) -> bool:
        """Whether the rows are sorted, or copied into a temporary index."""
        words = ("TEMP B-TREE FOR ORDER BY", "TEMP B-TREE FOR GROUP BY", "TEMP B-TREE FOR DISTINCT", "AUTOMATIC")
        return any(word in row[3] for row in self.rows for word in words)


def _sqlite_access(table: str, found: "re.Match[str]", *, repeated: bool) -> Access:
    how = found[3] or ""
    index = table if "PRIMARY KEY" in how else how.rpartition(" ")[2]
    return Access(table=table, columns=_determined(_COMPARED.findall(found[4] or "")), index=index, repeated=repeated)


_COMPARED = re.compile(r"(\w+)\s*(=|<|>)")


def _determined(comparisons: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The columns that have a value or a range."""
    operators: dict[str, set[str]] = {}
    for column, operator in comparisons:
        operators.setdefault(column, set()).add(operator)
    return frozenset(column for column, found in operators.items() if "=" in found or {"<", ">"} <= found)


_CONDITIONS: Final = ("Index Cond", "Recheck Cond")
_COMPARISON = r"(?<![\w.]){alias}\.([a-z_]+) (=|<=?|>=?|IS NULL)"


def postgresql_accesses(node: Mapping[str, Any], *, repeated: bool = False) -> Iterator[Access]:
    """All accesses in a node of EXPLAIN (VERBOSE, FORMAT JSON) and its children."""
    table = re.sub(r"_\d+$", "", node.get("Relation Name", ""))
    if "Scan" in node["Node Type"] and table in metadata.tables:
        condition = " ".join(str(node[each]) for each in _CONDITIONS if each in node)
        found = re.findall(_COMPARISON.format(alias=re.escape(node["Alias"])), condition)
        columns = _determined((column, {"IS NULL": "="}.get(sign, sign[0])) for column, sign in found)
        yield Access(table=table, columns=columns, index=_index_of(node), repeated=repeated)
    for inner in node.get("Plans", ()):
        yield from postgresql_accesses(inner, repeated=repeated or _is_repeated(node, inner))


def _index_of(node: Mapping[str, Any]) -> str:
    if "Index Name" in node:
        return _whole(str(node["Index Name"]))
    return next((_index_of(inner) for inner in node.get("Plans", ()) if "Bitmap" in inner["Node Type"]), "")


def _whole(index: str) -> str:
    """The index of the whole table for an index of a partition, found by its columns."""
    of_partition = re.fullmatch(r"[a-z_]+_\d+_(.*)_idx\d*", index)
    return _BY_COLUMNS.get(of_partition[1], index) if of_partition else index


_BY_COLUMNS: Final = {
    "_".join(index.columns.keys()): str(index.name) for table in metadata.tables.values() for index in table.indexes
}


def _is_repeated(node: Mapping[str, Any], inner: Mapping[str, Any]) -> bool:
    relation = inner.get("Parent Relationship")
    if relation == "SubPlan":
        hashed = f"(hashed {inner.get('Subplan Name', '')})"
        return not any(hashed in str(value) for key, value in node.items() if key != "Plans")
    return relation == "Inner" and node["Node Type"] == "Nested Loop"


def plan_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each node of a plan of PostgreSQL."""
    yield node
    for inner in node.get("Plans", ()):
        yield from plan_nodes(inner)
