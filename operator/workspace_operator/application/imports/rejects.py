"""The file of the rows that an import rejects, to correct and import again."""

from collections.abc import Iterator
from datetime import datetime

from workspace_operator.application.imports.rows import rejects_header
from workspace_operator.application.people.csv_export import csv_lines
from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.application.ports import Imports
from workspace_operator.errors import NotFound
from workspace_operator.imports.model import ImportJob


def rejects_lines(imports: Imports, job: ImportJob, *, now: datetime) -> Iterator[str]:
    """The lines of the file: the header, then each rejected row with its line, outcome and reason.

    Raises NotFound if the import was not tried, or its file is gone.
    """
    if job.mapping is None or job.facts is None or not job.has_file(now):
        raise NotFound(f"import {job.number} has no rejected rows: it was not tried, or its file is not kept any more")
    rows = ([escape(cell) for cell in cells] for cells in imports.rejects(job.workspace_id, job.number))
    return csv_lines(map(escape, rejects_header(job)), rows)
