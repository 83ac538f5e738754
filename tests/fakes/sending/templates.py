"""Templates, in memory, and a parser that knows one mistake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from workspace_operator.application.ports import Template, TemplateDraft
from workspace_operator.errors import InvalidInput
from workspace_operator.sending.messages import MessageContent


@dataclass(frozen=True, slots=True)
class FakeTemplates:
    """Implements the port ``Templates``."""

    memory: InMemoryDatabase

    def list(self, workspace_id: int) -> Sequence[Template]:
        return [template for _, template in sorted(self.memory.state(workspace_id).sending.templates.items())]

    def names(self, workspace_id: int, *, limit: int) -> Mapping[int, str]:
        return {template.number: template.draft.name for template in self.list(workspace_id)[:limit]}

    def find(self, workspace_id: int, reference: str | int) -> Template | None:
        templates = self.memory.state(workspace_id).sending.templates
        if isinstance(reference, int) or (reference.isascii() and reference.isdigit()):
            return templates.get(int(reference))
        wanted = reference.lower()
        return next((each for each in templates.values() if each.draft.trigger_name.lower() == wanted), None)

    def apply(
        self, workspace_id: int, drafts: Sequence[TemplateDraft], *, now: datetime
    ) -> Sequence[tuple[Template, bool]]:
        state = self.memory.state(workspace_id)
        return [self._apply(state, draft, now) for draft in drafts]

    def _apply(self, state: WorkspaceState, draft: TemplateDraft, now: datetime) -> tuple[Template, bool]:
        templates, name = state.sending.templates, draft.trigger_name.lower()
        found = next((each for each in templates.values() if each.draft.trigger_name.lower() == name), None)
        if found is not None and found.draft == draft:
            return found, False
        if found is None:
            number = max(templates, default=0) + 1
            applied = Template(number=number, content_version=1, created_at=now, updated_at=now, draft=draft)
        else:
            version = found.content_version + (found.draft.contents != draft.contents)
            applied = replace(found, content_version=version, updated_at=now, draft=draft)
        templates[applied.number] = applied
        for language, content in draft.contents.items():
            state.sending.contents[applied.number, applied.content_version, language] = content.content
        return applied, True


class FakeTemplateParser:
    """Implements the port ``TemplateParser``: an opening brace needs a closing one."""

    def check(self, content: MessageContent, *, field: str = "") -> None:
        for name in ("subject", "body", "body_plain"):
            text = getattr(content, name) or ""
            if text.count("{{") != text.count("}}"):
                raise InvalidInput(f"{field}{name}, line 1, column 1: expected '}}}}'", field=f"{field}{name}")
