"""Templates, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from workspace_operator.application.ports import Template, TemplateDraft


@dataclass(frozen=True, slots=True)
class FakeTemplates:
    """Implements the port ``Templates``."""

    memory: InMemoryDatabase

    def list(self, workspace_id: int) -> Sequence[Template]:
        return [template for _, template in sorted(self.memory.state(workspace_id).mail.templates.items())]

    def find(self, workspace_id: int, reference: str | int) -> Template | None:
        templates = self.memory.state(workspace_id).mail.templates
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
        templates, name = state.mail.templates, draft.trigger_name.lower()
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
            state.mail.contents[applied.number, applied.content_version, language] = content.content
        return applied, True
