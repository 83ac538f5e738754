"""A standby of a test's PostgreSQL server, by streaming replication."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.network_ports import free_port
from tests.postgres import OwnPostgres, folder_for


@contextmanager
def standby_of(primary: OwnPostgres) -> Iterator[OwnPostgres]:
    """A standby that runs; it is gone, with its data, at the end."""
    with folder_for(primary.account) as folder:
        copy_of(primary, folder)
        standby = OwnPostgres(
            admin_url=primary.admin_url.set(port=free_port()),
            binaries=primary.binaries,
            folder=folder,
            account=primary.account,
            settings=primary.settings,
        )
        try:
            standby.start()
            yield standby
        finally:
            standby.stop()


def copy_of(primary: OwnPostgres, folder: Path) -> None:
    """Copy the primary's data, and have a server on the copy follow it."""
    url, account = primary.admin_url, primary.account
    subprocess.run(
        [
            primary.binaries / "bin" / "pg_basebackup",
            *("--pgdata", folder / "data", "--write-recovery-conf", "--no-sync", "--checkpoint=fast"),
            *("--host", str(url.host), "--port", str(url.port), "--username", str(url.username)),
        ],
        check=True,
        env={**os.environ, "PGPASSWORD": str(url.password)},
        cwd=folder,
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
    )
