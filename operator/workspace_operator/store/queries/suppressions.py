"""Which identifiers are suppressed."""

from collections.abc import Collection

import sqlalchemy as sa

from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.tables import KIND_EMAIL, KIND_ID, suppression

_NUMBERS = {IdentifierKind.ID: KIND_ID, IdentifierKind.EMAIL: KIND_EMAIL}


def suppressed_identifiers(
    connection: sa.Connection, workspace_id: int, identifiers: Collection[IdentifierKey]
) -> frozenset[IdentifierKey]:
    """Those of the identifiers that are suppressed."""
    found: set[IdentifierKey] = set()
    for kind, number in _NUMBERS.items():
        keys = {key for of_kind, key in identifiers if of_kind is kind}
        if not keys:
            continue
        query = sa.select(suppression.c.value_key).where(
            suppression.c.workspace_id == workspace_id,
            suppression.c.kind == sa.literal_column(str(number)),
            any_of(suppression.c.value_key, keys),
        )
        found.update((kind, key) for key in connection.execute(query).scalars())
    return frozenset(found)
