import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from workspace_operator.cli.support.files import write_lines
from workspace_operator.errors import InvalidInput


def test_file_is_only_its_users(tmp_path: Path) -> None:
    write_lines(["a\n"], tmp_path / "out.csv")

    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600


def test_lines_are_counted(tmp_path: Path) -> None:
    assert write_lines(["a\r\n", "é\r\n"], tmp_path / "out.csv") == 2
    assert (tmp_path / "out.csv").read_bytes() == "a\r\né\r\n".encode()


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("as it was")

    def lines() -> Iterator[str]:
        yield "half\n"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_lines(lines(), target)

    assert target.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [target]


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")

    write_lines(["new"], tmp_path / "link.csv")

    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_devices_stay_devices(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_lines(["through\n"], pipe)

    assert os.read(reader, 100) == b"through\n"
    assert pipe.is_fifo()
    os.close(reader)


def test_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(["a\n"], Path("-"))

    assert capsys.readouterr().out == "a\n"


@pytest.mark.parametrize(
    ("path", "why"),
    [("nowhere/out.csv", "No such file or directory"), (".", "Is a directory"), ("x" * 300, "name too long")],
)
def test_unwritable_files_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, why: str) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InvalidInput, match=f"cannot be written: .*{why}; choose another file with --output"):
        write_lines(["a\n"], Path(path))


def test_full_disk_is_reported() -> None:
    with pytest.raises(InvalidInput, match="/dev/full cannot be written: No space left on device"):
        write_lines(["a\n"], Path("/dev/full"))
