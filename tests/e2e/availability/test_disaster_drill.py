"""The drill of a lost database, by the commands of docs/disasters.md: from the loss to the last person back."""

import subprocess
from pathlib import Path

from tests.docs.blocks import COMMANDS
from tests.docs.test_disasters_page import block
from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.operators import environment_with
from workspace_operator.bootstrap import open_store_lazily

PEOPLE = [(f"id-{number}", f"p{number}@example.com") for number in range(50)]


def run(env: NamespaceEnv, commands: str, folder: Path) -> str:
    """Run a block of the page in a folder, on the operator's database. All namespaces are that of the test."""
    commands = commands.replace("--all-namespaces", f"--namespace {env.namespace}")
    environment = environment_with(
        WORKSPACE_OPERATOR_DATABASE=env.operator.database,
        KUBECONFIG=str(env.kubectl.kubeconfig),
        PATH=f"{COMMANDS}:{env.kubectl.program.parent}:/usr/bin:/bin",
    )
    command = ["sh", "-e", "-c", commands]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_lost_database_comes_back_with_the_last_person(own_env: NamespaceEnv, tmp_path: Path) -> None:
    operator, file = own_env.operator, Path(own_env.operator.database.removeprefix("sqlite:///"))
    operator.start()
    operator.wait_until_alive()
    for name in ("club", "shop"):
        own_env.apply(name)
        own_env.wait_until_ready(name)
    own_env.apply_account(plan={"workspaceLimit": 2})
    own_env.wait_for_account("InForce")
    own_env.import_people(PEOPLE, name="club")
    before, keys = own_env.get("club")["status"], own_env.keys("club")
    run(own_env, block("backup of SQLite"), tmp_path)

    operator.kill()
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    operator.start()
    own_env.wait_for_reason("WorkspaceMissing", "club")
    own_env.wait_for_reason("WorkspaceMissing", "shop")
    own_env.wait_for_account("StoreReplaced")
    assert own_env.stored_account() is None
    operator.stop()
    run(own_env, block("lost database, in a cluster"), tmp_path)
    operator.start()
    run(own_env, block("after the lost database"), tmp_path)

    own_env.wait_for_account("InForce")
    after = own_env.get("club")["status"]
    assert (after["workspaceID"], after["storeID"]) == (before["workspaceID"], before["storeID"])
    assert own_env.keys("club") == keys
    assert own_env.can_call(keys, "club")
    with open_store_lazily(operator.database) as store:
        people = store.people.count(after["workspaceID"]).total
    assert people == len(PEOPLE)
