"""What `make up` leaves running belongs to its checkout."""

from pathlib import Path

import pytest

from tests.caches import checkout_folder
from tests.controlplane.resident import resident_folder


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_two_checkouts_have_two_folders(tmp_path: Path) -> None:
    folders = [checkout_folder(tmp_path / name) for name in ("one/operator", "two/operator", "one/operator")]

    assert folders[0] != folders[1]
    assert folders[0] == folders[2]
    assert all(folder.name.startswith("operator-") for folder in folders)


def test_control_plane_lies_in_the_folder_of_this_checkout() -> None:
    assert resident_folder().parent == checkout_folder()
