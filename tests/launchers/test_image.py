"""What decides whether the image is built again, and what a machine that cannot build it is told."""

import shutil
from pathlib import Path

import pytest

from tests.caches import CHECKOUT
from tests.image.base import base_digest
from tests.image.build import CONTEXT, DOCKERFILES, SOURCE_VARIABLE, pip_secrets, sources_digest
from tests.image.commands import output_of, require_programs
from tests.image.failures import ImageBuildFailed, ImageUnavailable

BASE = "localhost/base:1"
PACKAGE = "operator/workspace_operator"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the files that an image is made from."""
    for name in (*DOCKERFILES, *CONTEXT):
        shutil.copy(CHECKOUT / name, tmp_path / name)
    (tmp_path / PACKAGE / "__pycache__").mkdir(parents=True)
    (tmp_path / PACKAGE / "errors.py").write_text("first")
    return tmp_path


@pytest.mark.parametrize("changed", [*DOCKERFILES, *CONTEXT, f"{PACKAGE}/errors.py", f"{PACKAGE}/new.py"])
def test_change_of_a_source_changes_the_image(checkout: Path, changed: str) -> None:
    before = sources_digest(checkout, BASE)

    (checkout / changed).write_text("changed")

    assert sources_digest(checkout, BASE) != before


def test_another_source_address_changes_the_image(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sources_digest(checkout, BASE)

    monkeypatch.setenv(SOURCE_VARIABLE, "https://git.example.com/workspace-operator")

    assert sources_digest(checkout, BASE) != before


@pytest.mark.parametrize("changed", ["CHANGELOG.md", f"{PACKAGE}/__pycache__/errors.pyc"])
def test_other_files_do_not_change_the_image(checkout: Path, changed: str) -> None:
    before = sources_digest(checkout, BASE)

    (checkout / changed).write_text("changed")

    assert sources_digest(checkout, BASE) == before


def test_context_is_what_the_build_can_see() -> None:
    lines = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert sorted(line.removeprefix("!") for line in lines if line.startswith("!")) == sorted((*CONTEXT, "operator"))


def test_base_is_made_anew_each_month() -> None:
    assert base_digest("2026-01") != base_digest("2026-02")
    assert base_digest("2026-01") == base_digest("2026-01")


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "crun").touch(mode=0o755)

    with pytest.raises(ImageUnavailable) as refusal:
        require_programs()

    first, second = str(refusal.value).splitlines()
    assert first == "not installed: buildah, mmdebstrap. On Debian and Ubuntu:"
    assert second.endswith("apt-get install --no-install-recommends buildah crun mmdebstrap debian-archive-keyring")


def test_failed_command_is_quoted_with_its_last_lines() -> None:
    with pytest.raises(ImageBuildFailed) as failure:
        output_of("sh", "-c", "seq 100; echo no such package >&2; exit 4")

    lines = str(failure.value).splitlines()
    assert (lines[0], lines[-2:], len(lines)) == ("sh -c ended with 4:", ["100", "no such package"], 26)


def test_settings_of_pip_are_handed_over_as_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    monkeypatch.setenv("PIP_CERT", str(bundle))
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "")

    secrets = pip_secrets(tmp_path)

    settings = secrets["pip"].read_text().splitlines()
    assert secrets["certificates"] == bundle
    assert {"cert = /run/secrets/certificates", "index-url = https://mirror.example/simple"} < set(settings)
    assert not any("trusted-host" in line for line in settings)
