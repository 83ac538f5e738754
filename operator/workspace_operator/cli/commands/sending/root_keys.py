"""The root key for commands: from a file, or from beside an embedded database, where ``workspacectl run`` makes it."""

from pathlib import Path
from typing import Annotated

import typer

from workspace_operator import bootstrap
from workspace_operator.bootstrap import Repositories
from workspace_operator.errors import InvalidInput
from workspace_operator.sending.keys import RootKey
from workspace_operator.settings import variable_of

RootKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--root-key-file",
        envvar=variable_of("--root-key-file"),
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The root key of the installation.",
        show_default="beside a SQLite database",
    ),
]


def find_root_key(store: Repositories, file: Path | None) -> RootKey | None:
    """Read the root key, which is never made here; None without one. Raises InvalidInput."""
    if file is None and (store.file is None or not bootstrap.embedded_key_file(store.file).exists()):
        return None
    return bootstrap.load_root_key(file, store.file)


def require_root_key(store: Repositories, file: Path | None) -> RootKey:
    """Read the root key. Raises InvalidInput if there is none."""
    key = find_root_key(store, file)
    if key is None:
        raise InvalidInput(
            "there is no root key: name its file with --root-key-file; workspacectl sending make-key makes one",
            field="--root-key-file",
        )
    return key
