"""What of the installation is generated: `python -m tests.chart.generated`, for `make manifests`.

The version in manifests and pages, the files of the chart that are copies (definitions, rules, policies),
`manifests/prerequisites.yaml` and `manifests/install.yaml`, and the table of the chart's values in docs/installing.md.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.image.build import project_version
from tests.resources.deployment.kustomizations import ROOT
from tests.resources.deployment.test_manifests import rendered

CHART = ROOT / "manifests" / "chart"
SCHEMA = CHART / "values.schema.json"
PAGE = ROOT / "docs" / "installing.md"

COPIES = {
    "rbac/clusterrole.yaml": "manifests/rbac/clusterrole.yaml",
    "rbac/role.yaml": "manifests/rbac-namespaced/role.yaml",
    "admission/policy.yaml": "manifests/admission/policy.yaml",
    "monitoring/rules.yaml": "manifests/monitoring/base/rules.yaml",
    "monitoring/dashboard.json": "manifests/monitoring/base/dashboard.json",
}
"""Files of the chart's folder `files`, which templates read, and what they are copies of."""

COPIED_FOLDERS = {"crds": "crds", "policies": "manifests/policies/warn"}
"""Folders of the chart's folder `files`, and the folders of resources that they are copies of."""

FILES = {
    "manifests/prerequisites.yaml": ("crds", "manifests/storage"),
    "manifests/install.yaml": ("manifests/overlays/sqlite",),
}
"""Files, and the folders that they are rendered from. Deleting what is in the last leaves people and definitions."""

VERSIONED = ("manifests/**/kustomization.yaml", "manifests/chart/Chart.yaml", "docs/installing.md", "docs/operating.md")
VERSION = re.compile(
    r"((?:app\.kubernetes\.io/version|newTag|^version|^appVersion): |workspace-operator[:-]|VERSION=)\d+\.\d+\.\d+",
    re.MULTILINE,
)
"""Files with the version of pyproject.toml, and the places in them."""

HEAD = "# Generated from {folders} by `make manifests`; do not edit.\n"

Document = Mapping[str, Any]


def versioned_files() -> Mapping[Path, str]:
    """The files with the version by their paths, as they should be."""
    version = project_version()
    files = [file for pattern in VERSIONED for file in sorted(ROOT.glob(pattern))]
    return {file: VERSION.sub(rf"\g<1>{version}", file.read_text(encoding="utf-8")) for file in files}


def copies() -> Mapping[Path, str]:
    """The chart's copies by their paths, as they should be."""
    sources = {CHART / "files" / name: ROOT / source for name, source in COPIES.items()}
    for name, folder in COPIED_FOLDERS.items():
        kustomization = yaml.safe_load((ROOT / folder / "kustomization.yaml").read_text(encoding="utf-8"))
        sources |= {CHART / "files" / name / file: ROOT / folder / file for file in kustomization["resources"]}
    return {path: source.read_text(encoding="utf-8") for path, source in sources.items()}


def rendered_files() -> Mapping[Path, str]:
    """The manifests for `kubectl apply -f` by their paths, as they should be."""
    return {
        ROOT / name: HEAD.format(folders=" and ".join(folders))
        + "---\n".join(rendered(ROOT / folder) for folder in folders)
        for name, folders in FILES.items()
    }


def value_rows(schema: Document, defaults: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, default and description of each value, in the order of the schema."""
    for name, given in schema["properties"].items():
        value = resolved(given)
        below = f"{path}.{name}".lstrip(".")
        if name not in defaults:
            continue
        if "properties" in value and "$ref" not in given:
            yield from value_rows(value, defaults[name], below)
        else:
            yield below, default_text(defaults[name]), value["description"]


def default_text(default: Any) -> str:
    return "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"


def resolved(schema: Document) -> Document:
    """A schema, or the one in `$defs` that it refers to."""
    if "$ref" not in schema:
        return schema
    definition: Document = value_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return definition


def value_schema() -> Document:
    schema: Document = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return schema


def default_values() -> Any:
    return yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def value_table() -> str:
    """The table of the page."""
    lines = ["| value | default | meaning |", "| --- | --- | --- |"]
    for path, default, description in value_rows(value_schema(), default_values()):
        lines.append(f"| `{path}` | {default} | {description} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def page_with_table(page: str) -> str:
    """The page with the table as it should be; it ends where the table's lines end."""
    before, head, rest = page.partition("| value | default | meaning |\n")
    after = "".join(rest.splitlines(keepends=True)[len(_table_lines(rest)) :])
    return f"{before}{value_table()}{after}" if head else page


def _table_lines(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[: next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))]


def main() -> None:
    write(versioned_files())  # the others are made from them
    write({**copies(), **rendered_files(), PAGE: page_with_table(PAGE.read_text(encoding="utf-8"))})


def write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
