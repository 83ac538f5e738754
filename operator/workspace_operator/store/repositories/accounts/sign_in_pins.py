"""The identities that addresses belong to since their first sign-in."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from workspace_operator.application.ports import AuditEntry, SignInPin
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import any_of, insert_statement
from workspace_operator.store.schema.console_tables import console_session, sign_in_pin
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

_IS_PIN = sign_in_pin.c.email_key == sa.bindparam("pinned_key")
_SIGNED_IN = (
    sa.update(sign_in_pin)
    .where(
        _IS_PIN,
        sign_in_pin.c.issuer == sa.bindparam("of_issuer"),
        sign_in_pin.c.subject == sa.bindparam("of_subject"),
    )
    .values(signed_in_at=sa.bindparam("now"))
)
_PINS = (
    sa.select(sign_in_pin)
    .where(any_of(sign_in_pin.c.email_key, sa.bindparam("pinned_keys", type_=sa.Text)))
    .order_by(sign_in_pin.c.email_key)
)
_DELETE = sa.delete(sign_in_pin).where(_IS_PIN)
_END_SESSIONS = sa.delete(console_session).where(console_session.c.person == sa.bindparam("pinned_key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SQLSignInPins:
    """Implements the port ``SignInPins``."""

    database: Database
    new_id: CioIDGenerator

    def confirm(self, pin: SignInPin) -> bool:
        """Pin an identity, or record another sign-in of the pinned one."""
        parameters = {
            "pinned_key": pin.email_key,
            "of_issuer": pin.issuer,
            "of_subject": pin.subject,
            "now": pin.signed_in_at,
        }

        def work(connection: sa.Connection) -> bool:
            connection.execute(insert_statement(connection, sign_in_pin).on_conflict_do_nothing(), asdict(pin))
            return connection.execute(_SIGNED_IN, parameters).rowcount == 1

        return self.database.writing(work)

    def pins_of(self, email_keys: Collection[str]) -> Sequence[SignInPin]:
        """The pins of addresses."""
        with self.database.reading() as connection:
            rows = connection.execute(_PINS, {"pinned_keys": json.dumps(list(email_keys))})
            return [SignInPin(**row._mapping) for row in rows]  # noqa: SLF001 - public by SQLAlchemy's rules

    def reset(self, email_key: str, *, entry: AuditEntry) -> bool:
        """Delete a pin and the sessions of its address."""

        def work(connection: sa.Connection) -> bool:
            if not connection.execute(_DELETE, {"pinned_key": email_key}).rowcount:
                return False
            connection.execute(_END_SESSIONS, {"pinned_key": email_key})
            write_audit_entry(connection, entry, new_id=self.new_id)
            return True

        return self.database.writing(work)
