"""What templates and static files may not have, and how large they are."""

import gzip
import re
from pathlib import Path

import pytest

from workspace_operator import console
from workspace_operator.console.app import LINKS
from workspace_operator.console.core.static_files import load_static_files
from workspace_operator.console.texts import TEXTS

FOLDER = Path(console.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
SOURCES = sorted(FOLDER.rglob("*.py"))
STATIC = sorted((FOLDER / "static").iterdir())

templates = pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)


@templates
@pytest.mark.parametrize(
    "forbidden",
    [
        r"\|\s*safe",
        r"autoescape",
        r"\bstyle=",
        r"<style",
        r"\son[a-z]+=",
        r"javascript:",
        r"<script(?! src=\"\{\{ static_path)",
        r"https?://",
        r"<(img|object|embed|base)\b",
        r"<iframe(?! sandbox title)",  # without a value, which would allow something
    ],
)
def test_template_has_nothing_that_could_run(template: Path, forbidden: str) -> None:
    assert re.search(forbidden, template.read_text(encoding="utf-8"), re.IGNORECASE) is None


@templates
def test_attributes_of_templates_are_quoted(template: Path) -> None:
    """An unquoted value would end at the first space of what it shows."""
    assert re.search(r"(?<!; url)=\{\{", template.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.name)
def test_no_module_bypasses_the_escaping(source: Path) -> None:
    assert re.search(r"Markup|from_string|\bsafe\b", source.read_text(encoding="utf-8")) is None


def test_texts_of_templates_exist() -> None:
    used = {key for file in TEMPLATES for key in re.findall(r"text\(\"([^\"]+)\"", file.read_text(encoding="utf-8"))}

    assert used
    assert used - TEXTS.keys() == set()


def test_every_text_is_used() -> None:
    everything = "".join(
        file.read_text(encoding="utf-8") for file in (*TEMPLATES, *SOURCES) if file.parent.name != "texts"
    )
    everything = everything.replace("'", '"')
    keys = {key.removesuffix(".one").removesuffix(".other") for key in TEXTS}
    made = tuple(re.findall(r"f\"([a-z_.]+\.)\{", everything))
    links = {f"{link.key}.link" for link in LINKS}

    assert {key for key in keys - links if f'"{key}"' not in everything and not _is_made(key, made)} == set()


def _is_made(key: str, prefixes: tuple[str, ...]) -> bool:
    """Whether the key is one of those that a prefix and a value make."""
    return any(key.startswith(prefix) and "." not in key.removeprefix(prefix) for prefix in prefixes)


def test_texts_with_a_number_have_both_forms() -> None:
    ones, others = ({key.removesuffix(form) for key in TEXTS if key.endswith(form)} for form in (".one", ".other"))

    assert ones == others != set()


def test_static_files_are_small() -> None:
    sizes = {file.name: file.stat().st_size for file in STATIC}

    assert sorted(sizes) == ["console.css", "console.js"]
    assert sizes["console.js"] <= 6_000
    assert sum(sizes.values()) <= 10_000


def test_script_takes_html_by_its_policy_only() -> None:
    script = (FOLDER / "static" / "console.js").read_text(encoding="utf-8")

    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert forbidden not in script
    assert script.count("parseFromString(policy.createHTML(") == script.count("parseFromString(") == 1


def test_names_of_static_files_change_with_their_content(tmp_path: Path) -> None:
    (tmp_path / "console.css").write_text("a {}")
    before = load_static_files(tmp_path).path("console.css")
    (tmp_path / "console.css").write_text("b {}")

    assert before != load_static_files(tmp_path).path("console.css")
    assert re.fullmatch(r"/static/console\.[0-9a-f]{12}\.css", before)


def test_compressed_file_is_the_same() -> None:
    for file in load_static_files().by_name.values():
        assert gzip.decompress(file.compressed) == file.content
