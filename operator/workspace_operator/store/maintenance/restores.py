"""Restores of a SQLite database from a backup: checked as a whole first, then put in place in one step."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import DatabaseDescription, SchemaState
from workspace_operator.errors import Conflict, InvalidInput, StoreUnavailable
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.private_files import sync_file
from workspace_operator.store.maintenance import descriptions, integrity
from workspace_operator.store.maintenance.archives import BackupContents
from workspace_operator.store.maintenance.file_swaps import swap_files
from workspace_operator.store.schema.upgrades import upgrade
from workspace_operator.store.sending.discards import discard_waiting_messages

_WITH_MAIL: Final = ("delivery", "notice")
"""Tables of mail that waits while it has a ``due_at``; an early schema lacks them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """What to restore to where.

    Attributes:
        name: of the backup, for messages.
        file: the database; ``key_file`` that of the root key.
        replace: whether a database and a key that are there may be moved aside.
        discard_waiting: whether messages that wait in the backup are cancelled; None if that was not decided.
    """

    name: str
    file: Path
    key_file: Path
    replace: bool
    discard_waiting: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored: the database, and the files that were there before, which were moved aside."""

    description: DatabaseDescription
    created_at: datetime
    has_root_key: bool
    moved_aside: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the decision to restore depends on; ``present`` is None without a readable database in place."""

    request: RestoreRequest
    contents: BackupContents
    description: DatabaseDescription
    present: DatabaseDescription | None
    waiting: int


def restore(contents: BackupContents, request: RestoreRequest, *, now: datetime) -> Restored:
    """Put the database of a backup in place, with its root key.

    Raises:
        InvalidInput: the backup is damaged, of a newer version or of another database, or a decision is missing.
        Conflict: the database in place is in use, or may not be replaced.
    """
    facts = _facts(contents, request)
    for refusal in REFUSALS:
        if error := refusal(facts):
            raise error
    if request.discard_waiting and facts.waiting:
        _discard_waiting(contents.database, now)
    sync_file(contents.database)
    moved = swap_files(
        contents.database, request.file, key=contents.root_key, key_file=request.key_file, suffix=_suffix(now)
    )
    return Restored(
        description=facts.description,
        created_at=contents.manifest.created_at,
        has_root_key=contents.root_key is not None,
        moved_aside=tuple(moved),
    )


def _facts(contents: BackupContents, request: RestoreRequest) -> _Facts:
    with closing(Database(f"sqlite:///{contents.database}", read_only=True)) as restored:
        if faults := integrity.file_faults(restored):
            raise InvalidInput(f"the database in {request.name} is damaged: {faults[0]}", field="FILE")
        description = descriptions.describe(restored)
        with restored.reading() as connection:
            tables = [table for table in _WITH_MAIL if sa.inspect(connection).has_table(table)]
            waiting = sum(_count_waiting(connection, table) for table in tables)
    return _Facts(
        request=request,
        contents=contents,
        description=description,
        present=_describe_present(request.file),
        waiting=waiting,
    )


def _count_waiting(connection: sa.Connection, table: str) -> int:
    rows = sa.select(sa.func.count()).select_from(sa.table(table)).where(sa.column("due_at").is_not(None))
    return int(connection.execute(rows).scalar_one())


def _describe_present(file: Path) -> DatabaseDescription | None:
    """The database in place; None without one, or if it is too damaged to be read."""
    if not file.exists() or not file.stat().st_size:
        return None
    try:
        with closing(Database(f"sqlite:///{file}", read_only=True)) as present:
            return descriptions.describe(present)
    except StoreUnavailable:
        return None


def has_foreign_schema(facts: _Facts) -> Exception | None:
    """A newer version made the backup; this one cannot use its database."""
    if facts.description.schema in (SchemaState.CURRENT, SchemaState.OLDER):
        return None
    return InvalidInput(
        f"{facts.request.name} has the schema of another version (revision {facts.description.revision}; this version "
        f"needs {facts.description.required_revision}): restore it with workspacectl "
        f"{facts.contents.manifest.program_version}",
        field="FILE",
    )


def belongs_to_another_database(facts: _Facts) -> Exception | None:
    """The database in place has workspaces, and is not the one that was backed up.

    One without workspaces holds nobody: after a loss, the operator makes such a database at its next start.
    """
    backed_up, present = facts.description.store_id, facts.present
    if present is None or present.store_id in (None, backed_up) or not present.workspaces:
        return None
    return Conflict(
        f"{facts.request.name} is a backup of the database {backed_up}, but {facts.request.file} is the database "
        f"{present.store_id}, which has workspaces: name another file with --database, or move that file away first"
    )


def must_not_replace(facts: _Facts) -> Exception | None:
    """A database is in place, and nobody said that it may be replaced."""
    request = facts.request
    if request.replace or not request.file.exists():
        return None
    return Conflict(
        f"{request.file} exists: add --replace to put the backup in its place; it is moved aside, and not deleted"
    )


def must_not_replace_key(facts: _Facts) -> Exception | None:
    """Another root key is in place, and nobody said that it may be replaced."""
    request, key = facts.request, facts.contents.root_key
    if request.replace or key is None or not request.key_file.exists() or request.key_file.read_bytes() == key:
        return None
    return Conflict(f"{request.key_file} has another root key: add --replace to move it aside")


def leaves_messages_undecided(facts: _Facts) -> Exception | None:
    """Messages that wait in the backup may have been sent since."""
    if not facts.waiting or facts.request.discard_waiting is not None:
        return None
    messages = "1 message waits" if facts.waiting == 1 else f"{facts.waiting} messages wait"
    return InvalidInput(
        f"{messages} in the backup of {facts.contents.manifest.created_at.isoformat(timespec='seconds')}, and may have "
        "been sent since: add --discard-waiting, or --keep-waiting to send them, perhaps twice",
        field="--discard-waiting",
    )


REFUSALS: tuple[Callable[[_Facts], Exception | None], ...] = (
    has_foreign_schema,
    belongs_to_another_database,
    must_not_replace,
    must_not_replace_key,
    leaves_messages_undecided,
)
"""In the order in which they are checked."""


def _discard_waiting(file: Path, now: datetime) -> None:
    with closing(Database(f"sqlite:///{file}", prepare=upgrade)) as database:
        discard_waiting_messages(database, now=now)


def _suffix(now: datetime) -> str:
    return f".replaced-{now:%Y%m%dT%H%M%SZ}"
