"""The file that deleted people go to first."""

import csv
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workspace_operator.application.people.backup_rows import BackupAction
from workspace_operator.cli.support.backup_file import BackupFile, default_backup_path
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person


def person(number: int, **attributes: object) -> Person:
    return Person(cio_id=f"{number:04}", id=str(number), attributes=attributes, inserted_at=1, created_at=1)  # type: ignore[arg-type]


def test_people_are_there_before_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"

    with BackupFile(path, {"plan", "note"}) as undo:
        undo.write([person(1, plan="pro", note="=1+1\n")], BackupAction.CHANGED)
        undo.write([person(2, note={"é": [1]})], BackupAction.DELETED)
        written = list(csv.reader(path.read_bytes().decode().splitlines(keepends=True)))

    assert written == [
        ["_undo", "_json", "cio_id", "id", "email", "note", "plan"],
        ["changed", "", "0001", "1", "", "'=1+1\n", "pro"],
        ["deleted", '["note"]', "0002", "2", "", '{"é": [1]}', ""],
    ]
    assert path.exists()


def test_nobody_written_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"

    with BackupFile(path, ()):
        was_there = path.exists()

    assert was_there
    assert not path.exists()


def test_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"
    path.write_text("somebody")

    with pytest.raises(InvalidInput, match="exists"), BackupFile(path, ()):
        pass

    assert path.read_text() == "somebody"


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows beyond that."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_full_disk_leaves_whole_batches(tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"
    words = r"gone.csv cannot be written: File too large; choose another file with --undo-file"

    with BackupFile(path, ()) as undo, room_for(1000):
        undo.write([person(1)], BackupAction.DELETED)
        with pytest.raises(InvalidInput, match=words):
            undo.write([person(number) for number in range(2, 500)], BackupAction.DELETED)

    assert path.read_bytes() == b"_undo,_json,cio_id,id,email\r\ndeleted,,0001,1,\r\n"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_header_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"
    open_before = open_files()

    with pytest.raises(InvalidInput, match="cannot be written"), room_for(3), BackupFile(path, ()):
        pass

    assert not path.exists()
    assert open_files() == open_before


def test_names_report_workspace_and_moment() -> None:
    now = datetime(2026, 3, 1, 12, 5, 9, tzinfo=UTC)

    assert default_backup_path("default/crm", now) == Path("default-crm-20260301T120509Z.undo.csv")
