"""What is generated from the kustomizations is up to date, and separates what stays from what goes."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.chart.generated import CHART, FILES, PAGE, VERSION, copies, page_with_table, rendered_files, versioned_files
from tests.resources.deployment.kustomizations import ROOT
from tests.resources.deployment.test_other_namespaces import HOLDING_PEOPLE

REMEDY = "run `make manifests`"


def assert_up_to_date(wanted: Mapping[Path, str]) -> None:
    outdated = [
        str(path.relative_to(ROOT)) for path, text in wanted.items() if not path.exists() or path.read_text() != text
    ]
    assert outdated == [], REMEDY


def test_manifests_have_the_version_of_the_project() -> None:
    files = versioned_files()

    assert_up_to_date(files)
    for name in ("manifests/overlays/sqlite/kustomization.yaml", "manifests/chart/Chart.yaml", "docs/operating.md"):
        assert len(VERSION.findall(files[ROOT / name])) >= 2, name


def test_copies_of_the_chart_are_up_to_date() -> None:
    assert_up_to_date(copies())


def test_chart_has_no_other_copies() -> None:
    assert {path for path in (CHART / "files").rglob("*") if path.is_file()} == copies().keys()


def test_rendered_files_are_up_to_date() -> None:
    assert_up_to_date(rendered_files())


def test_table_of_values_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page_with_table(page) == page, REMEDY
    assert "| `database.type` |" in page


@pytest.mark.parametrize(("name", "stays"), list(zip(FILES, [True, False], strict=True)), ids=FILES)
def test_deleting_the_last_file_keeps_people(name: str, *, stays: bool) -> None:
    kinds = {document["kind"] for document in yaml.safe_load_all((ROOT / name).read_text())}

    assert bool(kinds & {*HOLDING_PEOPLE, "CustomResourceDefinition"}) is stays
