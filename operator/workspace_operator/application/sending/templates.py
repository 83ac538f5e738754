"""Use cases about templates: apply those of files, and copy them to another workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workspace_operator.application.ports import Template, TemplateDraft, Templates
from workspace_operator.errors import NotFound


class TemplateChange(StrEnum):
    """What an apply does to a template."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedTemplate:
    """A template after an apply; ``template`` is None if it would be created, but was not."""

    trigger_name: str
    change: TemplateChange
    template: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateApply:
    """Applies templates to a workspace: by trigger name, all or none. A missing one stays in the workspace."""

    templates: Templates
    workspace_id: int

    def plan(self, drafts: Sequence[TemplateDraft]) -> Sequence[AppliedTemplate]:
        """What `run` would do; nothing is written. Raises NotFound."""
        stored = self._stored()
        return [_planned(draft, stored.get(draft.trigger_key)) for draft in drafts]

    def run(self, drafts: Sequence[TemplateDraft], *, now: datetime) -> Sequence[AppliedTemplate]:
        """Create or change templates; one that is as it was gets no new version. Raises NotFound."""
        stored = self._stored()
        return [
            AppliedTemplate(
                trigger_name=template.draft.trigger_name,
                change=_change(is_new=template.draft.trigger_key not in stored, is_changed=is_changed),
                template=template,
            )
            for template, is_changed in self.templates.apply(self.workspace_id, drafts, now=now)
        ]

    def others(self, drafts: Sequence[TemplateDraft]) -> Sequence[str]:
        """The trigger names of the workspace's templates that are not among the drafts."""
        applied = {draft.trigger_key for draft in drafts}
        return [template.draft.trigger_name for key, template in self._stored().items() if key not in applied]

    def _stored(self) -> dict[str, Template]:
        found = self.templates.list(self.workspace_id)
        return {template.draft.trigger_key: template for template in found}


def drafts_to_copy(templates: Templates, workspace_id: int, references: Sequence[str]) -> Sequence[TemplateDraft]:
    """The named templates of a workspace, or all; what an apply to another workspace copies. Raises NotFound."""
    if not references:
        return [template.draft for template in templates.list(workspace_id)]
    return [find_template(templates, workspace_id, reference).draft for reference in dict.fromkeys(references)]


def find_template(templates: Templates, workspace_id: int, reference: str) -> Template:
    """Find a template by number or trigger name. Raises NotFound."""
    found = templates.find(workspace_id, reference)
    if found is None:
        raise NotFound(f"there is no template {reference!r}: workspacectl templates list shows numbers and names")
    return found


def _planned(draft: TemplateDraft, stored: Template | None) -> AppliedTemplate:
    is_changed = stored is None or stored.draft != draft
    change = _change(is_new=stored is None, is_changed=is_changed)
    return AppliedTemplate(trigger_name=draft.trigger_name, change=change, template=stored)


def _change(*, is_new: bool, is_changed: bool) -> TemplateChange:
    if not is_changed:
        return TemplateChange.UNCHANGED
    return TemplateChange.CREATED if is_new else TemplateChange.CHANGED
