"""Templates and blocked addresses, in memory, and a parser that knows one mistake."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.database import InMemoryDatabase
from workspace_operator.application.ports import AddressBlock, BlockKind, Template, TemplateDraft
from workspace_operator.errors import InvalidInput
from workspace_operator.sending.messages import MessageContent


@dataclass(frozen=True, slots=True)
class FakeTemplates:
    """Implements the port ``Templates``."""

    memory: InMemoryDatabase

    def list(self, workspace_id: int) -> Sequence[Template]:
        templates = self.memory.state(workspace_id).sending.templates
        return sorted(templates.values(), key=lambda template: template.number)

    def find(self, workspace_id: int, reference: str | int) -> Template | None:
        if isinstance(reference, int) or reference.isdigit():
            found = [template for template in self.list(workspace_id) if template.number == int(reference)]
            return next(iter(found), None)
        return self.memory.state(workspace_id).sending.templates.get(reference.lower())

    def apply(
        self, workspace_id: int, drafts: Sequence[TemplateDraft], *, now: datetime
    ) -> Sequence[tuple[Template, bool]]:
        return [self._apply(workspace_id, draft, now) for draft in drafts]

    def _apply(self, workspace_id: int, draft: TemplateDraft, now: datetime) -> tuple[Template, bool]:
        stored = self.memory.state(workspace_id).sending.templates
        key = draft.trigger_name.lower()
        before = stored.get(key)
        if before is None:
            number = len(stored) + 1
            stored[key] = Template(number=number, content_version=1, created_at=now, updated_at=now, draft=draft)
            return stored[key], True
        version = before.content_version + (before.draft.contents != draft.contents)
        changed = before.draft != draft
        updated_at = now if changed else before.updated_at
        stored[key] = replace(before, content_version=version, updated_at=updated_at, draft=draft)
        return stored[key], changed


@dataclass(frozen=True, slots=True)
class FakeAddressBlocks:
    """Implements the port ``AddressBlocks``."""

    memory: InMemoryDatabase

    def find(self, workspace_id: int, email_key: str) -> Sequence[AddressBlock]:
        blocks = self.memory.state(workspace_id).sending.blocks
        return [block for (_, key), block in sorted(blocks.items()) if key == email_key]

    def blocked(self, workspace_id: int, keys: Sequence[str]) -> frozenset[str]:
        state = self.memory.state(workspace_id)
        suppressed = {key for _, key in state.working_set.suppressed}
        return frozenset(key for key in keys if key in suppressed or self.find(workspace_id, key))

    def list(self, workspace_id: int, kind: BlockKind, *, limit: int, offset: int) -> Sequence[AddressBlock]:
        blocks = self.memory.state(workspace_id).sending.blocks
        found = [block for (stored, _), block in sorted(blocks.items()) if stored == kind]
        return found[offset : offset + limit]

    def add(self, workspace_id: int, blocks: Sequence[AddressBlock]) -> None:
        for block in blocks:
            self.memory.state(workspace_id).sending.blocks.setdefault((block.kind, block.email_key), block)

    def remove(self, workspace_id: int, kind: BlockKind, email_key: str) -> bool:
        return self.memory.state(workspace_id).sending.blocks.pop((kind, email_key), None) is not None


class FakeTemplateParser:
    """Implements the port ``TemplateParser``: an opening brace needs a closing one."""

    def check(self, content: MessageContent, *, field: str = "") -> None:
        for name in ("subject", "body", "body_plain"):
            text = getattr(content, name) or ""
            if text.count("{{") != text.count("}}"):
                raise InvalidInput(f"{field}{name}, line 1, column 1: expected '}}}}'", field=f"{field}{name}")
