"""The templates of workspaces in the database. Content is stored in versions that never change."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.application.ports import Template, TemplateContent, TemplateDraft
from workspace_operator.application.ports.sending.templates import trigger_key
from workspace_operator.sending.messages import TEXT_PARTS, MessageContent
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import template, template_content
from workspace_operator.store.unit_of_work.workspace_lock import lock_and_read_settings, read_settings

_SETTINGS: Final = (
    "trigger_name",
    "name",
    "description",
    "send_to_unsubscribed",
    "open_tracking",
    "link_tracking",
    "hide_body",
    "queue_drafts",
)

MAX_NUMBER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SQLTemplates:
    """Implements the port ``Templates``."""

    database: Database

    def list(self, workspace_id: int) -> Sequence[Template]:
        """List templates, by number. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            read_settings(connection, workspace_id)
            return _templates(connection, template.c.workspace_id == workspace_id)

    def names(self, workspace_id: int, *, limit: int) -> Mapping[int, str]:
        """The names of the first templates, by number. Raises NotFound."""
        query = sa.select(template.c.number, template.c.name).where(template.c.workspace_id == workspace_id)
        with self.database.reading_one_snapshot() as connection:
            read_settings(connection, workspace_id)
            rows = connection.execute(query.order_by(template.c.number).limit(limit))
            return {row.number: row.name for row in rows}

    def find(self, workspace_id: int, reference: str | int) -> Template | None:
        """Find a template by number, or by trigger name without case. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            read_settings(connection, workspace_id)
            if (is_named := _is_named(reference)) is None:
                return None
            found = _templates(connection, sa.and_(template.c.workspace_id == workspace_id, is_named))
            return next(iter(found), None)

    def apply(
        self, workspace_id: int, drafts: Sequence[TemplateDraft], *, now: datetime
    ) -> Sequence[tuple[Template, bool]]:
        """Create or update templates by trigger name, all or none; each with whether it changed. Raises NotFound."""

        def work(connection: sa.Connection) -> Sequence[tuple[Template, bool]]:
            lock_and_read_settings(connection, workspace_id)
            return [_apply(connection, workspace_id, draft, now) for draft in drafts]

        return self.database.writing(work)


def _is_named(reference: str | int) -> sa.ColumnElement[bool] | None:
    """Condition that a template has a number or trigger name; None if no template can have it."""
    if isinstance(reference, str) and not (reference.isascii() and reference.isdigit()):
        return template.c.trigger_key == trigger_key(reference)
    number = int(reference)
    return template.c.number == number if 0 < number <= MAX_NUMBER else None


def _templates(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Sequence[Template]:
    rows = connection.execute(sa.select(template).where(condition).order_by(template.c.number)).all()
    is_content = sa.and_(
        template_content.c.workspace_id == template.c.workspace_id,
        template_content.c.template == template.c.number,
        template_content.c.version == template.c.content_version,
    )
    query = sa.select(template_content).select_from(sa.join(template, template_content, is_content)).where(condition)
    contents: defaultdict[int, dict[str, TemplateContent]] = defaultdict(dict)
    for row in connection.execute(query.order_by(template_content.c.language)):
        contents[row.template][row.language] = _content_of(row)
    return [_template_of(row, contents[row.number]) for row in rows]


def _template_of(row: Row, contents: Mapping[str, TemplateContent]) -> Template:
    settings: dict[str, Any] = {name: getattr(row, name) for name in _SETTINGS}
    return Template(
        number=row.number,
        content_version=row.content_version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        draft=TemplateDraft(**settings, contents=contents),
    )


def _content_of(row: Row) -> TemplateContent:
    parts: dict[str, Any] = {name: getattr(row, name) for name in TEXT_PARTS}
    headers = tuple((name, value) for name, value in row.headers)
    content = MessageContent(**parts, headers=headers)
    return TemplateContent(content=content, cc=row.cc or "", bcc=row.bcc or "", fake_bcc=row.fake_bcc)


def _apply(connection: sa.Connection, workspace_id: int, draft: TemplateDraft, now: datetime) -> tuple[Template, bool]:
    is_same = sa.and_(template.c.workspace_id == workspace_id, template.c.trigger_key == draft.trigger_key)
    connection.execute(sa.select(template.c.number).where(is_same).with_for_update()).first()
    found = next(iter(_templates(connection, is_same)), None)
    if found is None:
        return _create(connection, workspace_id, draft, now), True
    if found.draft == draft:
        return found, False
    version = found.content_version
    if found.draft.contents != draft.contents:
        version += 1
        _insert_contents(connection, workspace_id, found.number, version, draft)
    values = _values(draft) | {"content_version": version, "updated_at": now}
    connection.execute(sa.update(template).where(is_same).values(values))
    created = found.created_at
    return _applied(found.number, version, draft, created_at=created, updated_at=now), True


def _create(connection: sa.Connection, workspace_id: int, draft: TemplateDraft, now: datetime) -> Template:
    last = sa.select(sa.func.max(template.c.number)).where(template.c.workspace_id == workspace_id)
    number = (connection.execute(last).scalar_one() or 0) + 1
    values = _values(draft) | {"workspace_id": workspace_id, "number": number, "content_version": 1}
    connection.execute(sa.insert(template).values(values | {"created_at": now, "updated_at": now}))
    _insert_contents(connection, workspace_id, number, 1, draft)
    return _applied(number, 1, draft, created_at=now, updated_at=now)


def _applied(
    number: int, version: int, draft: TemplateDraft, *, created_at: datetime, updated_at: datetime
) -> Template:
    return Template(number=number, content_version=version, created_at=created_at, updated_at=updated_at, draft=draft)


def _values(draft: TemplateDraft) -> dict[str, Any]:
    settings = {name: getattr(draft, name) for name in _SETTINGS}
    return settings | {"trigger_key": draft.trigger_key}


def _insert_contents(
    connection: sa.Connection, workspace_id: int, number: int, version: int, draft: TemplateDraft
) -> None:
    key = {"workspace_id": workspace_id, "template": number, "version": version}
    rows = [key | {"language": language} | _content_values(content) for language, content in _sorted(draft.contents)]
    if rows:
        connection.execute(sa.insert(template_content), rows)


def _sorted(contents: Mapping[str, TemplateContent]) -> Iterable[tuple[str, TemplateContent]]:
    return sorted(contents.items())


def _content_values(content: TemplateContent) -> dict[str, Any]:
    parts = {name: getattr(content.content, name) for name in TEXT_PARTS}
    headers = [list(header) for header in content.content.headers]
    return parts | {"headers": headers, "cc": content.cc, "bcc": content.bcc, "fake_bcc": content.fake_bcc}
