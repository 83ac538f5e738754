"""The commands of docs/gitops.md run as they stand there."""

from pathlib import Path

from tests.docs.blocks import run_blocks
from tests.docs.pages import runnable_blocks

PAGE = "docs/gitops.md"


def test_commands_run(tmp_path: Path) -> None:
    printed = run_blocks(runnable_blocks(PAGE), tmp_path)

    assert "3 manifests are valid" in printed
