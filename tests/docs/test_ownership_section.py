"""The commands of docs/disasters.md for people who seem to be gone, run as they stand there."""

from pathlib import Path

from tests.docs.blocks import run_blocks
from tests.docs.pages import rows, runnable_blocks
from workspace_operator.application.operator.orphans import OwnerState

PAGE = "docs/disasters.md"
SETUP = """\
export WORKSPACE_OPERATOR_DATABASE=sqlite:///store.db OLD=old-cluster NEW=new-cluster NUMBER=1 SECOND=2
printf 'id,email\\nana,ana@example.com\\n' > ana.csv
for namespace in team-a team-b; do
cat > $namespace.yaml <<END
apiVersion: workspace-operator.dev/v1alpha1
kind: Workspace
metadata: {name: club, namespace: $namespace}
spec: {displayName: Club}
END
done
workspacectl apply -f team-a.yaml --cluster-id "$OLD"
workspacectl people import ana.csv --workspace team-a/club
"""
ACCOUNT = """\
cat > team.yaml <<END
apiVersion: workspace-operator.dev/v1alpha1
kind: Account
metadata: {name: default, namespace: team-a}
spec: {displayName: Team, firstWorkspace: None, plan: {workspaceLimit: 3}}
END
"""


def block_with(command: str) -> str:
    (block,) = [each for each in runnable_blocks(PAGE) if f"workspaces {command}" in each]
    return block


def run(tmp_path: Path, *blocks: str) -> list[list[str]]:
    """The workspaces that there are in the end."""
    printed = run_blocks([SETUP, *blocks, "echo END", "workspacectl workspaces list"], tmp_path)
    listed = printed.split("END\n")[-1]
    return [line.split() for line in listed.splitlines()[1:]]


def test_moving_to_a_new_cluster_runs(tmp_path: Path) -> None:
    [row] = run(tmp_path, block_with("move"))

    assert (row[0], row[3], row[-2]) == ("1", "new-cluster", "1")


def test_accounts_of_the_lost_cluster_are_removed(tmp_path: Path) -> None:
    clusters = [f'workspacectl apply -f team.yaml --cluster-id "{cluster}"' for cluster in ("$OLD", "$NEW")]

    printed = run_blocks(
        [SETUP, ACCOUNT, *clusters, block_with("move"), "echo END", "workspacectl accounts list"], tmp_path
    )

    assert "cluster old-cluster has no workspaces and 1 Account: to remove what is left, workspacectl acc" in printed
    [left] = printed.split("END\n")[-1].splitlines()[1:]
    assert left.split()[:4] == ["new-cluster", "team-a", "default", "1"]


def test_giving_to_a_renamed_namespace_runs(tmp_path: Path) -> None:
    made = 'workspacectl apply -f team-b.yaml --cluster-id "$OLD"'

    [row] = run(tmp_path, made, block_with("assign"))

    assert (row[0], row[4], row[-2]) == ("1", "team-b", "1")


def test_deleting_a_second_workspace_runs(tmp_path: Path) -> None:
    made = "workspacectl apply -f team-a.yaml --cluster-id local"

    [row] = run(tmp_path, made, block_with("delete"))

    assert (row[0], row[-2]) == ("1", "1")


def test_every_state_of_an_owner_is_explained() -> None:
    assert [row[0] for row in rows(PAGE, "OWNER")] == [f"`{state}`" for state in OwnerState]
