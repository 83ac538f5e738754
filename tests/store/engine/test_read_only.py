"""A database that is opened read-only refuses every write itself."""

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.store.backends import upgraded
from workspace_operator.errors import StoreUnavailable
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import account

ROW = {"cluster": "c", "namespace": "n", "name": "x"}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with this version's schema, whose file name looks like URI options."""
    is_sqlite = request.param == "sqlite"
    found = f"sqlite:///{tmp_path}/a%3F#b.db" if is_sqlite else str(request.getfixturevalue("postgres_url"))
    upgraded(found).close()
    return found


def test_rows_can_be_read(url: str) -> None:
    with (
        closing(Database(url, read_only=True)) as database,
        database.reading() as once,
        database.reading_one_snapshot() as snapshot,
    ):
        for connection in (once, snapshot):
            assert connection.execute(sa.select(sa.func.count()).select_from(account)).scalar_one() == 0


def test_writes_are_refused(url: str) -> None:
    with closing(Database(url, read_only=True)) as database, pytest.raises(StoreUnavailable, match=r"read-?only"):
        database.writing(lambda connection: connection.execute(sa.insert(account).values(ROW)))


@pytest.mark.parametrize("one_snapshot", [False, True])
def test_reads_cannot_write_either(url: str, one_snapshot: bool) -> None:
    with closing(Database(url, read_only=True)) as database:
        reading = database.reading_one_snapshot if one_snapshot else database.reading

        with pytest.raises(StoreUnavailable, match=r"read-?only"), reading() as connection:
            connection.execute(sa.insert(account).values(ROW))


def test_missing_file_is_not_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none.db", read_only=True)

    with pytest.raises(StoreUnavailable), database.reading():
        pass

    database.close()
    assert list(tmp_path.iterdir()) == []
