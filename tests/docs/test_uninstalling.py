"""The backup that the page on uninstalling begins with is whole."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.docs.pages import text_of
from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import create, owner

COMMAND = re.compile(r'python -c "(.*)"$', re.MULTILINE)


def test_backup_of_a_file_in_use_is_whole(tmp_path: Path) -> None:
    (code,) = COMMAND.findall(text_of("docs/operating.md"))
    with closing(upgraded(f"sqlite:///{tmp_path}/workspaces.db")) as database:
        create(sql_store(database), owner(), display_name="Shop")

        program = code.replace('\\"', '"').replace("/data", str(tmp_path))
        subprocess.run([sys.executable, "-c", program], check=True)

        with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
            assert backup.execute("SELECT display_name FROM workspace").fetchall() == [("Shop",)]
