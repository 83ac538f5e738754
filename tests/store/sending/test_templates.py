"""The contract of the port Templates."""

from dataclasses import replace
from typing import Any

import pytest

from tests.store.fixtures import WorkspaceEnv, destroy
from workspace_operator.application.ports import Template, TemplateContent, TemplateDraft
from workspace_operator.errors import NotFound
from workspace_operator.sending.messages import MessageContent

HELLO = MessageContent(
    subject="Hello {{ customer.name }}",
    sender="Shop <shop@shop.example>",
    reply_to="help@shop.example",
    preheader="Look",
    body="<p>Hello</p>",
    body_plain="Hello",
    body_amp="<html amp4email></html>",
    headers=(("X-B", "2"), ("X-A", "1")),
)


def draft(trigger_name: str = "Order_Shipped", **changed: Any) -> TemplateDraft:
    german = TemplateContent(content=replace(HELLO, subject="Hallo"), cc="a@shop.example", bcc="b@shop.example")
    contents = {"": TemplateContent(content=HELLO), "de": replace(german, fake_bcc=True)}
    plain = TemplateDraft(trigger_name=trigger_name, name="Order shipped", description="For all", contents=contents)
    return replace(plain, **changed)


def apply(env: WorkspaceEnv, *drafts: TemplateDraft) -> list[tuple[Template, bool]]:
    return list(env.store.templates.apply(env.workspace_id, drafts, now=env.store.clock()))


def find(env: WorkspaceEnv, reference: str | int) -> Template | None:
    return env.store.templates.find(env.workspace_id, reference)


def test_template_is_stored_whole(env: WorkspaceEnv) -> None:
    flags = draft(
        send_to_unsubscribed=False, open_tracking=False, link_tracking=False, hide_body=True, queue_drafts=True
    )

    [(template, changed)] = apply(env, flags)

    assert changed
    assert (template.number, template.content_version) == (1, 1)
    assert template.created_at == template.updated_at == env.store.clock()
    assert template.draft == flags
    assert find(env, 1) == template


@pytest.mark.parametrize("reference", [1, "1", "order_shipped", "ORDER_SHIPPED"])
def test_template_is_found_by_number_and_trigger_name(env: WorkspaceEnv, reference: str | int) -> None:
    [(template, _)] = apply(env, draft())

    assert find(env, reference) == template


@pytest.mark.parametrize("reference", [2, "2", 0, -1, "other", "", 10**30, "9" * 30, "१"])
def test_unknown_template_is_none(env: WorkspaceEnv, reference: str | int) -> None:
    apply(env, draft())

    assert find(env, reference) is None


def test_templates_are_listed_by_number(env: WorkspaceEnv) -> None:
    applied = apply(env, draft("b"), draft("a"), draft("c"))

    assert [template.number for template, _ in applied] == [1, 2, 3]
    assert list(env.store.templates.list(env.workspace_id)) == [template for template, _ in applied]


def test_names_are_listed_by_number(env: WorkspaceEnv) -> None:
    apply(env, *(draft(f"t{number}", name=f"Name {number}") for number in range(3)))

    assert env.store.templates.names(env.workspace_id, limit=2) == {1: "Name 0", 2: "Name 1"}


def test_equal_template_is_unchanged(env: WorkspaceEnv) -> None:
    [(template, _)] = apply(env, draft())
    env.store.clock.advance(60)

    assert apply(env, draft()) == [(template, False)]


def test_other_settings_keep_the_content(env: WorkspaceEnv) -> None:
    apply(env, draft())
    env.store.clock.advance(60)

    [(template, changed)] = apply(env, draft("order_shipped", name="Shipped", hide_body=True))

    assert changed
    assert (template.number, template.content_version, template.updated_at) == (1, 1, env.store.clock())
    assert template.created_at < template.updated_at
    assert (template.draft.trigger_name, template.draft.name) == ("order_shipped", "Shipped")
    assert find(env, 1) == template


def test_other_content_is_a_new_version(env: WorkspaceEnv) -> None:
    apply(env, draft())
    changed = draft(contents={"": TemplateContent(content=replace(HELLO, headers=()))})

    [(template, _)] = apply(env, changed)

    assert template.content_version == 2
    assert find(env, 1) == template
    assert template.draft == changed


def test_templates_of_another_workspace_are_not_found(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, env.mode)
    apply(other, draft())

    assert find(env, "order_shipped") is None
    assert apply(env, draft())[0][0].number == 1


def test_unknown_workspace_has_no_templates(env: WorkspaceEnv) -> None:
    apply(env, draft())
    destroy(env.store, env.owner)

    with pytest.raises(NotFound):
        env.store.templates.list(env.workspace_id)
    with pytest.raises(NotFound):
        find(env, 1)
    with pytest.raises(NotFound):
        apply(env, draft())
