"""The commands of docs/gitops.md run as they stand there."""

from pathlib import Path

from tests.docs.blocks import run_blocks
from tests.docs.pages import runnable_blocks

PAGE = "docs/gitops.md"
CLONE = """\
export WORKSPACE_OPERATOR_DATABASE=sqlite:///store.db
git config --global init.defaultBranch main
git config --global user.email test@example.com
git config --global user.name Test
git init --quiet origin && cp -r examples origin/workspaces
git -C origin add . && git -C origin commit --quiet -m first
git clone --quiet origin clone && cd clone
workspacectl apply -f workspaces/
git rm --quiet workspaces/club.yaml
"""


def block_with(command: str) -> str:
    (block,) = [each for each in runnable_blocks(PAGE) if command in each]
    return block


def test_validation_runs(tmp_path: Path) -> None:
    assert "3 manifests are valid" in run_blocks([block_with("validate -f")], tmp_path)


def test_plan_of_removed_manifests_runs(tmp_path: Path) -> None:
    home = f"export HOME={tmp_path}"

    printed = run_blocks([home, CLONE, block_with("git worktree")], tmp_path)

    assert "| default/club | removed: people would be kept | Removed |" in printed
