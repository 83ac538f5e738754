"""The use cases before an import runs: a file is taken in, and its columns are chosen.

A file is stored while it arrives, and nothing stays of one that is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

from workspace_operator.application.imports.columns import check_mapping
from workspace_operator.application.imports.files import UploadedFile
from workspace_operator.application.ports import Actor, Imports, People
from workspace_operator.errors import Conflict
from workspace_operator.imports.model import ImportJob, ImportMapping

MAX_FILE_NAME: Final = 200
"""In characters; a longer one is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreparation:
    """Takes files in, and checks what their columns are to become."""

    imports: Imports
    people: People
    clock: Callable[[], datetime]

    def receive(self, workspace_id: int, file: BinaryIO, file_name: str, *, actor: Actor) -> ImportJob:
        """Begin an import with a file, which is read to its end.

        Raises:
            Conflict: another import of the workspace is under way.
            InvalidInput: the file is refused as a whole (imports §2).
            StaleRevision: nothing arrived for so long that the worker gave the upload up.
        """
        job = self.imports.open(workspace_id, file_name=_clean(file_name), actor=actor, now=self.clock())
        uploaded = UploadedFile(file)
        try:
            for chunk in uploaded.chunks():
                self.imports.add_chunk(job, chunk, now=self.clock())
            return self.imports.finish_upload(job, uploaded.facts, now=self.clock())
        except BaseException:
            self.imports.abandon_upload(job)
            raise

    def choose(self, workspace_id: int, number: int, mapping: ImportMapping) -> ImportJob:
        """Choose the columns of an import, as one likes before it runs.

        Raises:
            NotFound: there is no such import.
            InvalidInput: a column cannot become that; the message names it (imports §3).
            Conflict: the import has no file yet, or was run.
        """
        facts = self.imports.get(workspace_id, number).facts
        if facts is None:
            raise Conflict(f"import {number} has no file yet: wait until it has arrived")
        check_mapping(facts, mapping, self.people.rules(workspace_id).mode)
        return self.imports.set_mapping(workspace_id, number, mapping, now=self.clock())


def _clean(file_name: str) -> str:
    """The last part of a path, as some browsers send it, without NUL."""
    name = file_name.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    return name[:MAX_FILE_NAME] or "import.csv"
