"""Imports as JSON, and bodies about them as values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workspace_operator.application.imports.columns import guessed_targets
from workspace_operator.application.imports.files import MAX_COLUMNS
from workspace_operator.application.people.csv_files.columns import known_name
from workspace_operator.application.people.import_options import EmptyCells
from workspace_operator.application.ports import UndoForecast
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.imports.model import FileFacts, ImportJob, ImportMapping, RowChange
from workspace_operator.web.core.json_body import json_object


def import_document(job: ImportJob) -> dict[str, Any]:
    """An import with its numbers."""
    counts = job.counts
    return {
        "number": job.number,
        "state": job.state.value,
        "file_name": job.file_name,
        "rows": job.rows,
        "done": job.done,
        "made": counts.made,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "rejected": counts.rejected,
        "in_part": counts.in_part,
        "addresses_changed": counts.addresses,
        "addresses_blocking": job.blocking,
        "people": job.people,
        "undone": job.undone,
        "undone_in_part": job.undone_in_part,
        "not_undone": job.not_undone,
        "created_at": _seconds(job.created_at),
        "created_by": job.created_by,
        "run_at": _seconds(job.run_at),
        "run_by": job.run_by,
        "ended_at": _seconds(job.ended_at),
        "file_until": _seconds(job.file_until),
        "undo_until": _seconds(job.undo_until),
    }


def whole_import_document(job: ImportJob, forecast: UndoForecast | None) -> dict[str, Any]:
    """An import with its columns, examples of changes, and what an undo could do."""
    return {
        **import_document(job),
        "columns": [] if job.facts is None else _column_documents(job.facts, job.mapping),
        "mapping": None if job.mapping is None else _mapping_document(job.mapping),
        "mapping_version": None if job.mapping is None else job.mapping.version,
        "changes": [_change_document(change) for change in job.changes],
        "undo": None if forecast is None else _forecast_document(forecast),
    }


def _column_documents(facts: FileFacts, mapping: ImportMapping | None) -> Sequence[Mapping[str, Any]]:
    targets = guessed_targets(facts.columns) if mapping is None else mapping.targets
    return [
        {
            "name": column.name,
            "samples": list(column.samples),
            "filled": column.filled,
            "addresses": column.addresses,
            "becomes": target,
        }
        for column, target in zip(facts.columns, targets, strict=True)
    ]


def _mapping_document(mapping: ImportMapping) -> Mapping[str, Any]:
    return {
        "columns": list(mapping.targets),
        "by": None if mapping.by is None else mapping.by.value,
        "update_only": mapping.update_only,
        "empty_cells": (EmptyCells.REMOVE if mapping.removes_empty else EmptyCells.IGNORE).value,
    }


def _change_document(change: RowChange) -> Mapping[str, Any]:
    values = {value.name: {"from": value.before, "to": value.after} for value in change.values}
    return {"line": change.line, "person": change.person, "values": values}


def _forecast_document(forecast: UndoForecast) -> Mapping[str, Any]:
    return {
        "examined": forecast.examined,
        "whole": forecast.whole,
        "in_part": forecast.in_part,
        "not": forecast.not_at_all,
    }


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def parse_mapping(body: bytes) -> ImportMapping:
    """``{"columns": ["id", "email", …], "by"?, "update_only"?, "empty_cells"?}``. Raises InvalidInput."""
    document = json_object(body)
    targets = document.get("columns")
    if not isinstance(targets, list) or not 1 <= len(targets) <= MAX_COLUMNS:
        raise InvalidInput(f"columns must be a list of 1 to {MAX_COLUMNS} texts: one for each column", field="columns")
    for index, target in enumerate(targets):
        if not isinstance(target, str) or not target:
            field = f"columns[{index}]"
            message = f"{field} is {quoted(target)}: send a text such as email, attribute or ignore"
            raise InvalidInput(message, field=field)
    update_only = document.get("update_only", False)
    if not isinstance(update_only, bool):
        raise InvalidInput(f"update_only is {quoted(update_only)}: send true or false", field="update_only")
    return ImportMapping(
        targets=tuple(map(known_name, targets)),
        by=_by(document.get("by")),
        update_only=update_only,
        removes_empty=_removes_empty(document.get("empty_cells", EmptyCells.IGNORE.value)),
    )


def parse_run(body: bytes) -> str | None:
    """``{"mapping_version": "…"}``; None without a body or without the version. Raises InvalidInput."""
    version = json_object(body).get("mapping_version") if body else None
    if version is not None and not isinstance(version, str):
        message = f"mapping_version is {quoted(version)}: send the text that the import has"
        raise InvalidInput(message, field="mapping_version")
    return version


def _by(value: object) -> IdentifierKind | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in set(IdentifierKind):
        raise InvalidInput(f"by {quoted(value)} is unknown: use one of {', '.join(IdentifierKind)}", field="by")
    return IdentifierKind(value)


def _removes_empty(value: object) -> bool:
    if value not in [kind.value for kind in EmptyCells]:
        names = " or ".join(EmptyCells)
        raise InvalidInput(f"empty_cells {quoted(value)} is unknown: use {names}", field="empty_cells")
    return value == EmptyCells.REMOVE.value
