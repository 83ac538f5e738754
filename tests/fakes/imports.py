"""Imports of a store in memory, which has none: no file was uploaded."""

from collections.abc import Sequence

from workspace_operator.errors import NotFound
from workspace_operator.imports.model import ImportJob


class NoImports:
    """What pages read of the port ``Imports``."""

    def recent(self, _workspace_id: int, *, limit: int) -> Sequence[ImportJob]:
        assert limit
        return ()

    def get(self, _workspace_id: int, number: int) -> ImportJob:
        raise NotFound(f"there is no import {number}")

    def check(self, *_args: object) -> None:
        """Stands for what changes an import: nobody gets that far without one."""

    run = stop = undo = discard = check
