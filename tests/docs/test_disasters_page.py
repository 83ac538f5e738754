"""The drills of docs/disasters.md on files and on a server, run as they stand there, to the last person back."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.controlplane.kubectl import Kubectl
from tests.docs.blocks import COMMANDS, run_blocks
from tests.docs.pages import REPOSITORY, text_of
from tests.postgres import Postgres, readable_binaries
from tests.resources.deployment.kustomizations import overlay
from tests.resources.deployment.test_manifests import rendered
from workspace_operator.store.schema.upgrades import known_revisions

PAGE = "docs/disasters.md"
SETUP = """\
export WORKSPACE_OPERATOR_DATABASE=sqlite:///workspaces.db
workspacectl apply -f examples/
workspacectl people import --workspace default/club examples/people/club.csv
workspacectl sending make-key workspaces.db.root-key
workspacectl sending adopt-database --keep-waiting
"""
COUNT = "echo END; workspacectl database status"
POD = REPOSITORY / "manifests" / "restore" / "pod.yaml"


def block(mark: str) -> str:
    """The block below a comment ``tested: MARK``."""
    found = re.findall(rf"<!-- tested: {re.escape(mark)}[^>]*-->\n *```sh\n(.*?)```", text_of(PAGE), re.DOTALL)
    assert len(found) == 1, mark
    return str(found[0])


def final_state(printed: str) -> dict[str, str]:
    lines = printed.rsplit("END\n", maxsplit=1)[-1].splitlines()
    return {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in lines if "  " in line}


def test_lost_file_comes_back_from_its_backup(tmp_path: Path) -> None:
    lose = "rm workspaces.db*"

    printed = run_blocks([SETUP, block("backup of SQLite"), lose, block("restore of SQLite"), COUNT], tmp_path)

    state = final_state(printed)
    assert (state["PEOPLE"], state["ROOT KEY"]) == ("28", "as the database")


def test_upgrade_from_the_first_schema_runs(tmp_path: Path) -> None:
    make_old = f"""python - <<'END_OF_PROGRAM'
from alembic import command
from alembic.config import Config
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema import tables, upgrades

def make(connection):
    config = Config()
    config.set_main_option("script_location", str(upgrades.REVISIONS))
    config.attributes.update(connection=connection, metadata=tables.metadata)
    command.upgrade(config, "{known_revisions()[0]}")

open("workspaces.db", "w").close()
database = Database("sqlite:///workspaces.db")
database.writing(make)
database.close()
END_OF_PROGRAM
export WORKSPACE_OPERATOR_DATABASE=sqlite:///workspaces.db"""

    printed = run_blocks([make_old, block("upgrade"), COUNT], tmp_path)

    state = final_state(printed)
    assert "an upgrade is due" in printed
    assert (state["REVISION"], state["SCHEMA"]) == (known_revisions()[-1], "current")
    assert (tmp_path / "before-upgrade.backup").exists()


@pytest.mark.postgres
def test_lost_server_comes_back_from_its_dump(postgres: Postgres, tmp_path: Path) -> None:
    tools = readable_binaries() / "bin"
    if not (tools / "pg_dump").exists():
        pytest.skip("the PostgreSQL of the tests has no pg_dump")
    with postgres.database() as made, postgres.database() as empty:
        urls = {name: url.replace("+psycopg", "") for name, url in (("DATABASE", made), ("RESTORED", empty))}
        variables = "\n".join(f"export {name}='{url}'" for name, url in urls.items())
        setup = f"""{variables}
export PATH="{tools}:$PATH" WORKSPACE_OPERATOR_DATABASE="$DATABASE"
workspacectl apply -f examples/
workspacectl people import --workspace default/club examples/people/club.csv
workspacectl sending make-key root-key
workspacectl sending adopt-database --keep-waiting --root-key-file root-key"""
        count = 'echo END; workspacectl database status --count-people --database "$RESTORED" --root-key-file root-key'

        printed = run_blocks([setup, block("backup of PostgreSQL"), block("restore of PostgreSQL"), count], tmp_path)

    state = final_state(printed)
    assert (state["PEOPLE"], state["ROOT KEY"]) == ("28", "as the database")
    assert (tmp_path / "workspaces.dump").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("page", "count"), [(PAGE, 3), ("docs/gitops.md", 1)])
def test_only_the_user_can_read_what_the_shell_writes(page: str, count: int) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL)
    made = [text for text in blocks if "database backup - >" in text or "pg_dump" in text]

    assert len(made) == count
    assert all("umask 077" in text.partition(" > ")[0].partition("pg_dump")[0] for text in made)


@pytest.mark.e2e
def test_api_server_takes_the_pod_of_a_restore(kubectl: Kubectl) -> None:
    pod = yaml.safe_load(POD.read_text())
    pod["metadata"]["namespace"] = "default"

    printed = kubectl("create", "--dry-run=server", "--validate=strict", "-o", "name", "-f", "-", input=yaml.dump(pod))

    assert printed.strip() == "pod/workspace-restore"


@pytest.mark.e2e
def test_page_finds_the_claim_of_a_release(kubectl: Kubectl, tmp_path: Path) -> None:
    documents = yaml.safe_load_all(rendered(overlay(tmp_path / "other", "overlays/sqlite", namePrefix="my-")))
    [deployment] = [each for each in documents if each["kind"] == "Deployment"]
    deployment["metadata"]["namespace"] = "default"
    [output] = re.findall(r"--output (jsonpath=.*)$", block("claim of the volume"), re.MULTILINE)

    printed = kubectl("create", "--dry-run=server", "-f", "-", "-o", *shlex.split(output), input=yaml.dump(deployment))

    assert printed == "my-workspace-operator"


def test_pod_of_a_restore_mounts_what_the_operator_mounts(tmp_path: Path) -> None:
    pod = yaml.safe_load(POD.read_text())["spec"]
    operator = yaml.safe_load((REPOSITORY / "manifests/sqlite/database.yaml").read_text())["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert pod["volumes"] == operator["volumes"]
    assert container["volumeMounts"] == operator["containers"][0]["volumeMounts"]
    assert container["env"] == operator["containers"][0]["env"]
    run_blocks([SETUP, block("backup of SQLite")], tmp_path)
    environment = os.environ | {"WORKSPACE_OPERATOR_DATABASE": f"sqlite:///{tmp_path}/workspaces.db"}
    with (tmp_path / "workspaces.backup").open("rb") as backup:
        command = [COMMANDS / container["command"][0], *container["args"]]
        subprocess.run(command, stdin=backup, env=environment, check=True)


def test_pod_of_a_restore_leaves_the_messages_to_the_user() -> None:
    [container] = yaml.safe_load(POD.read_text())["spec"]["containers"]

    assert not [option for option in container["args"] if option.endswith("-waiting")]
