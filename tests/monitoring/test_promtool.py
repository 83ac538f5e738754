"""The alerts, evaluated by promtool: each fires when it must (rules_test.yaml)."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.monitoring.manifests import rule_groups

CASES = Path(__file__).with_name("rules_test.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the groups as a rule file of Prometheus, and the test cases."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": rule_groups()}))
    shutil.copy(CASES, tmp_path)
    return tmp_path


def test_rules_are_valid(promtool: Path, folder: Path) -> None:
    done = subprocess.run([promtool, "check", "rules", folder / "rules.yaml"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_must(promtool: Path, folder: Path) -> None:
    done = subprocess.run([promtool, "test", "rules", folder / CASES.name], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
