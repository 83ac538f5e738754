"""The contents of a store at the end of a run, read in plain SQL, independent of the adapters."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.store.invariants import Query, query_runner
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.store.engine.databases import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """An entry of the merge journal."""

    merge_id: str
    at: int
    automatic: bool
    holder: str
    primary: Mapping[str, Any]
    secondary: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSnapshot:
    """The contents of a store at one moment; people by cio_id."""

    mode: str
    people: Mapping[str, Mapping[str, Any]]
    blocked: frozenset[str]
    merges: Sequence[Merged]
    migration: Mapping[str, Any]
    violations: Mapping[str, frozenset[str]]
    devices: frozenset[tuple[str, str]]
    members: frozenset[tuple[str, int]]
    events: Mapping[str, tuple[str, str]]

    def holder_of(self, cio_id: str) -> str | None:
        """The person, or their survivor after merges."""
        if cio_id in self.people:
            return cio_id
        return next((each.holder for each in self.merges if each.secondary["cio_id"] == cio_id), None)


def snapshot_of(database: Database) -> StoreSnapshot:
    """Read the contents in one snapshot."""
    with query_runner(database) as ask:
        [(mode,)] = ask("SELECT mode FROM workspace")
        return StoreSnapshot(
            mode=mode,
            people={row[0]: _person(row) for row in ask("SELECT cio_id, id, email, email_key, attributes FROM person")},
            blocked=frozenset(key for (key,) in ask("SELECT value_key FROM suppression WHERE kind = 2")),
            merges=[_merged(row) for row in ask(_MERGES)],
            migration=_migration(ask),
            violations={row[0]: _violations(row) for row in ask(_VIOLATIONS)},
            devices=frozenset(ask("SELECT cio_id, token FROM device")),
            members=frozenset(ask("SELECT cio_id, segment FROM membership")),
            events={row[0]: (row[1], row[2]) for row in ask(_EVENTS)},
        )


_MERGES = "SELECT merge_id, at, automatic, holder, record FROM merge ORDER BY merge_id"
_EVENTS = "SELECT event_id, cio_id, origin FROM activity WHERE event_id IS NOT NULL"
_VIOLATIONS = """
SELECT cio_id, sharing > 1, invalid_email, suppressed_email, id_is_another_email FROM violation
WHERE export_number = (SELECT export FROM migration ORDER BY number DESC LIMIT 1)"""
_CHANGE = (
    *("stage", "people_to_merge", "people_merged", "ids_given_up", "switched_at"),
    *("duplicate_email", "invalid_email", "suppressed_email", "people_concerned"),
)
VIOLATIONS = ("duplicate", "invalid", "suppressed", "another")


def _migration(ask: Query) -> Mapping[str, Any]:
    [row] = ask(f"SELECT {', '.join(_CHANGE)} FROM migration ORDER BY number DESC LIMIT 1")
    return dict(zip(_CHANGE, row, strict=True))


def _person(row: tuple[Any, ...]) -> Mapping[str, Any]:
    cio_id, id_, email, key, attributes = row
    return {"cio_id": cio_id, "id": id_, "email": email, "email_key": key, "attributes": _document(attributes)}


def _merged(row: tuple[Any, ...]) -> Merged:
    merge_id, at, automatic, holder, raw = row
    record = _document(raw)
    return Merged(
        merge_id=merge_id,
        at=at,
        automatic=bool(automatic),
        holder=holder,
        primary=record["primary"],
        secondary=record["secondary"],
    )


def _violations(row: tuple[Any, ...]) -> frozenset[str]:
    return frozenset(name for name, holds in zip(VIOLATIONS, row[1:], strict=True) if holds)


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def blocking_violations(store: StoreSnapshot) -> dict[str, frozenset[str]]:
    """The violations by cio_id, computed from the people."""
    sharing: dict[str, list[str]] = defaultdict(list)
    found: dict[str, set[str]] = defaultdict(set)
    for each in store.people.values():
        key = None if each["email"] is None else email_key(each["email"])
        worn = email_key(each["id"]) if each["id"] is not None and "@" in each["id"] else None
        if key is not None:
            sharing[key].append(each["cio_id"])
        if each["email"] is not None and key is None:
            found[each["cio_id"]].add("invalid")
        if key in store.blocked:
            found[each["cio_id"]].add("suppressed")
        if worn is not None and worn != key:
            found[each["cio_id"]].add("another")
    for people in sharing.values():
        for cio_id in people if len(people) > 1 else ():
            found[cio_id].add("duplicate")
    return {cio_id: frozenset(reasons) for cio_id, reasons in found.items()}
