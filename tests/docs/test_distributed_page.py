"""The commands of docs/distributed.md, run as they stand there on a double of Citus."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.blocks import run_blocks
from tests.docs.pages import text_of
from tests.postgres import Postgres, readable_binaries
from tests.store.citus import install_citus
from workspace_operator.cli.commands.maintenance.database import DEFAULT_SHARDS, MAX_SHARDS
from workspace_operator.store.engine.databases import LOCK_TIMEOUT_SECONDS, MAX_LOCK_ATTEMPTS

pytestmark = pytest.mark.postgres

PAGE = "docs/distributed.md"


def block(mark: str) -> str:
    """The block below a comment ``tested: MARK``."""
    [found] = re.findall(rf"<!-- tested: {re.escape(mark)}[^>]*-->\n```sh\n(.*?)```", text_of(PAGE), re.DOTALL)
    return str(found)


@pytest.fixture
def exported(postgres: Postgres) -> Iterator[str]:
    """A script that names a database in use and an empty one of Citus."""
    with ExitStack() as databases:
        urls = {name: databases.enter_context(postgres.database()) for name in ("DATABASE", "COORDINATOR")}
        install_citus(urls["COORDINATOR"])
        yield "\n".join(f"export {name}='{url.replace('+psycopg', '')}'" for name, url in urls.items())


def test_empty_database_is_distributed(exported: str, tmp_path: Path) -> None:
    printed = run_blocks([exported, block("distribute")], tmp_path)

    assert "person: in shards by workspace_id\n" in printed
    assert printed.splitlines()[-1].split() == ["DISTRIBUTION", str(DEFAULT_SHARDS), "shards"]


def test_existing_database_is_moved(exported: str, tmp_path: Path) -> None:
    tools = readable_binaries() / "bin"
    if not (tools / "pg_restore").exists():
        pytest.skip("the PostgreSQL of the tests has no pg_restore")
    setup = f"""export PATH="{tools}:$PATH" WORKSPACE_OPERATOR_DATABASE="$DATABASE"
workspacectl apply -f examples/
workspacectl people import --workspace default/club examples/people/club.csv"""

    printed = run_blocks([exported, setup, block("move")], tmp_path)

    assert "nothing is wrong\n" in printed
    rows = dict(re.findall(r"^([A-Z ]+?)  +(.+)$", printed, re.MULTILINE))
    assert (rows["PEOPLE"], rows["DISTRIBUTION"]) == ("28", f"{DEFAULT_SHARDS} shards")


def test_numbers_of_the_page_are_those_of_the_code() -> None:
    text = text_of(PAGE)

    assert f"`--shards`, 1 to {MAX_SHARDS}," in text
    assert f"shards, {DEFAULT_SHARDS} by default" in text
    assert f"locked for longer than {LOCK_TIMEOUT_SECONDS * MAX_LOCK_ATTEMPTS} seconds" in text


def test_figures_of_the_page_are_measured() -> None:
    """As docs/figures.md has them."""
    figures = text_of("docs/figures.md")

    for figure in ("13,100 to 17,400", "4,954 of 8,157 a second"):
        assert figure in figures
    assert "13,100 to 17,400 a second" in text_of(PAGE)
    assert "4,950 a second" in text_of(PAGE)
