"""Tables of imports: jobs, their files, rejected rows, and what undoes them.

Part of the metadata that `tables` completes.
"""

import sqlalchemy as sa

from workspace_operator.store.schema.metadata import metadata, workspace_table
from workspace_operator.store.schema.types import BinaryText, UTCTime

# Searched by the worker without a workspace, like migrations.
import_job = sa.Table(
    "import_job",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    # What the upload found out about the file, with examples of values; null while the file arrives.
    sa.Column("facts", sa.JSON(none_as_null=True)),
    # Null: nobody has chosen what the columns become.
    sa.Column("mapping", sa.JSON(none_as_null=True)),
    # The first changes that the dry run found.
    sa.Column("changes", sa.JSON, nullable=False),
    # Rows that are tried or imported; while the import is undone, the row behind the next one to undo.
    sa.Column("cursor", sa.BigInteger, nullable=False),
    # Rows by result.
    sa.Column("made", sa.BigInteger, nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Column("unchanged", sa.BigInteger, nullable=False),
    sa.Column("skipped", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("in_part", sa.BigInteger, nullable=False),
    sa.Column("addresses", sa.BigInteger, nullable=False),
    # People whose address the dry run would change, and who block the migration.
    sa.Column("blocking", sa.BigInteger, nullable=False),
    # People with a record, and what became of them when the import was undone.
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("undone", sa.BigInteger, nullable=False),
    sa.Column("undone_in_part", sa.BigInteger, nullable=False),
    sa.Column("not_undone", sa.BigInteger, nullable=False),
    sa.Column("stop_requested", sa.Boolean, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("run_at", UTCTime),
    sa.Column("run_by", sa.Text),
    sa.Column("run_via", sa.Text),
    sa.Column("ended_at", UTCTime),
    # Until when the file, the examples and the rejected rows are kept; null: as long as the import is under way.
    sa.Column("file_until", UTCTime),
    # Null: nothing can be undone.
    sa.Column("undo_until", UTCTime),
    # Null: the worker has nothing to do.
    sa.Column("due_at", UTCTime),
    sa.Column("lease_owner", sa.Text, nullable=False),
    sa.Column("lease_expires_at", UTCTime),
)
sa.Index("ix_import_job_due_at", import_job.c.due_at, sqlite_where=sa.text("due_at IS NOT NULL"))

# The file, as whole rows.
import_chunk = workspace_table(
    "import_chunk",
    sa.Column("import_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_row", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("first_line", sa.BigInteger, nullable=False),
    # Compressed text.
    sa.Column("content", sa.LargeBinary, nullable=False),
)

# Rejected rows, by the first row of their batch.
import_reject = workspace_table(
    "import_reject",
    sa.Column("import_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_row", sa.BigInteger, primary_key=True, autoincrement=False),
    # A compressed JSON list of rows with their lines, outcomes and reasons.
    sa.Column("content", sa.LargeBinary, nullable=False),
)

# People before and after an import changed or made them, to undo it. Deleted when the undo ends, and when the person,
# its former id or its former address is deleted or suppressed.
import_record = workspace_table(
    "import_record",
    sa.Column("import_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    # The first row that changed the person: an undo begins with the last one.
    sa.Column("first_row", sa.BigInteger, nullable=False),
    sa.Column("id", BinaryText),
    sa.Column("email_key", BinaryText),
    # Null: the import made the person.
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Index("ix_import_record_first_row", "workspace_id", "import_number", "first_row"),
    sa.Index("ix_import_record_person", "workspace_id", "cio_id"),
    sa.Index("ix_import_record_id", "workspace_id", "id"),
    sa.Index("ix_import_record_email_key", "workspace_id", "email_key"),
)
