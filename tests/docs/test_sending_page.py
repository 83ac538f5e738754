"""What docs/sending.md says is so: its blocks run, and its tables are those of the code."""

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import NO_SKIPS
from tests.docs.blocks import run_blocks
from tests.docs.pages import REPOSITORY, names, rows, runnable_blocks, text_of
from workspace_operator.application.sending.handover.metrics import HELD_REASONS
from workspace_operator.application.sending.template_manifests import TemplateManifest
from workspace_operator.mail.settings import load_transports
from workspace_operator.mail.transport_documents import field_names
from workspace_operator.sending.deliveries import FINAL_STATES, DeliveryState

PAGE = "docs/sending.md"


@pytest.fixture
def curl() -> None:
    if shutil.which("curl") is None and not os.environ.get(NO_SKIPS):
        pytest.skip("there is no curl here, which the blocks use")


@pytest.mark.usefixtures("curl")
def test_commands_of_the_page_run_and_the_message_arrives(tmp_path: Path) -> None:
    printed = run_blocks(runnable_blocks(PAGE), tmp_path)

    lines = printed.splitlines()
    assert "To: campaign-tests@nordlicht.example" in lines
    assert "X-Original-To: Sofia Lind <sofia.lind@example.se>" in lines
    assert "X-Send-Behavior: Test" in lines
    assert "Subject: Your receipt 2026-1017" in lines
    assert any(re.match(r"[0-9a-f]{24}  \S+  sent ", line) for line in lines)
    assert len(list((tmp_path / "outbox" / "new").iterdir())) == 1
    assert "sent to the test address campaign-tests@nordlicht.example instead" in lines
    assert '    "subject": "Your receipt 2026-1017",' in lines
    assert ["offers", "1", "1", "unchanged"] in [line.split() for line in lines]
    assert ["receipt", "1", "1", "created"] in [line.split() for line in lines]
    assert "0 waiting messages cancelled" in lines


def test_every_state_is_explained() -> None:
    listed = [names(state)[0] for state, _ in rows(PAGE, "state")]

    assert listed == list(DeliveryState)
    assert "The last seven are final" in text_of(PAGE)
    assert set(listed[-len(FINAL_STATES) :]) == set(FINAL_STATES)
    assert len(FINAL_STATES) == 7


def test_every_field_of_a_transport_is_explained() -> None:
    listed = [name for fields, *_ in rows(PAGE, "field") for name in names(fields)]

    assert sorted(listed) == sorted(field_names())


def test_every_field_of_a_template_is_explained() -> None:
    listed = [name for fields, *_ in rows(PAGE, "field of `template.yaml`") for name in names(fields)]

    assert sorted(listed) == sorted(field.alias or name for name, field in TemplateManifest.model_fields.items())


def test_transports_of_the_page_and_the_example_are_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(# transports.yaml\n.*?)```", text_of(PAGE), re.DOTALL)
    (tmp_path / "transports.yaml").write_text(block)

    on_page = load_transports(tmp_path / "transports.yaml", {})
    in_example = load_transports(REPOSITORY / "examples" / "sending" / "transports.yaml", {})

    assert [transport.offer.name for transport in on_page] == ["default"]
    assert [transport.offer.name for transport in in_example] == ["default", "mailpit"]


def test_kustomization_of_the_page_names_folders_that_exist() -> None:
    (block,) = re.findall(r"```yaml\n(# my-overlay/kustomization.yaml\n.*?)```", text_of(PAGE), re.DOTALL)
    document = yaml.safe_load(block)

    named = [*document["resources"], *document["components"]]
    assert all((REPOSITORY / path.removeprefix("../workspace-operator/")).is_dir() for path in named)


def test_every_reason_for_holding_a_message_is_listed() -> None:
    (row,) = (row for row in rows("docs/monitoring.md", "metric") if "messages_held" in row[0])

    assert set(names(row[4])) == set(HELD_REASONS.values())


def test_texts_of_the_gate_are_quoted_as_they_are() -> None:
    source = "\n".join(
        (REPOSITORY / "operator" / "workspace_operator" / path).read_text()
        for path in ("sending/gate.py", "sending/outcomes.py")
    )
    quoted = [text for row in rows(PAGE, "what you see") for text in re.findall(r'"([^"]+)"', row[0])]

    assert quoted
    for text in quoted:
        for part in text.split("…"):
            assert part.strip() in source, text
