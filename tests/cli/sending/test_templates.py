import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, W, write
from tests.templates.folders import template

GERMAN = "subject: Hello\nlanguages: {de: {subject: Hallo}}\n"


@pytest.fixture(autouse=True)
def workspaces(run: Run) -> None:
    """default/crm and default/live, without templates."""
    write("crm.yaml")
    write("live.yaml", "live", "Live")
    run("apply", "-f", "crm.yaml", "-f", "live.yaml")


def applied(run: Run, *options: str) -> list[tuple[str, int | None, int | None, str]]:
    """What an apply of the folder ``all`` does: trigger name, number, version and result."""
    done = run("templates", "apply", "-f", "all", *W, *options, "-o", "json")
    assert done.code == 0, done.err
    return [tuple(row.values()) for row in json.loads(done.out)]


def test_templates_are_created_once(run: Run) -> None:
    template(Path("all/a"))
    template(Path("all/b"))

    first, second = applied(run), applied(run)

    assert first == [("a", 1, 1, "created"), ("b", 2, 1, "created")]
    assert second == [("a", 1, 1, "unchanged"), ("b", 2, 1, "unchanged")]


def test_changed_content_is_a_new_version(run: Run) -> None:
    folder = template(Path("all/a"))
    applied(run)
    (folder / "body.html").write_text("<p>Good evening")

    assert applied(run) == [("a", 1, 2, "changed")]


def test_changed_settings_keep_the_version(run: Run) -> None:
    folder = template(Path("all/a"))
    applied(run)
    (folder / "template.yaml").write_text("subject: Hello\nhideBody: true\n")

    assert applied(run) == [("a", 1, 1, "changed")]


def test_other_case_is_the_same_template(run: Run) -> None:
    template(Path("all/a"))
    applied(run)
    Path("all/a").rename("all/A")

    assert applied(run) == [("A", 1, 1, "changed")]


def test_dry_run_writes_nothing(run: Run) -> None:
    folder = template(Path("all/a"))

    created = applied(run, "--dry-run")
    assert run("templates", "list", *W).out.count("\n") == 1
    applied(run)
    unchanged = applied(run, "--dry-run")
    (folder / "body.html").write_text("x")
    changed = applied(run, "--dry-run")

    assert (created, unchanged, changed) == (
        [("a", None, None, "created")],
        [("a", 1, 1, "unchanged")],
        [("a", 1, 1, "changed")],
    )
    assert run("templates", "apply", "-f", "all", *W, "--dry-run").err == "nothing was written\n"


def test_templates_without_files_stay_and_are_named(run: Run) -> None:
    template(Path("all/a"))
    applied(run)

    done = run("templates", "apply", "-f", template(Path("b")), *W)

    assert [line.split() for line in done.out.splitlines()] == [
        ["TRIGGER", "NAME", "NUMBER", "VERSION", "RESULT"],
        ["b", "2", "1", "created"],
    ]
    assert done.err == "without files, and unchanged: a\n"


def test_broken_template_applies_none(run: Run) -> None:
    template(Path("all/a"))
    template(Path("all/b"), body_html="one\n{% if %}")

    done = run("templates", "apply", "-f", "all", *W)

    assert done.failure.startswith("error: all/b/body.html: body")
    assert "line 2" in done.failure
    assert run("templates", "list", *W).out.count("\n") == 1


def test_templates_are_listed_with_their_languages(run: Run) -> None:
    template(Path("all/a"), GERMAN, body_html="x", body_de_html="y")
    applied(run)

    rows = run("templates", "list", *W).out.splitlines()
    (summary,) = json.loads(run("templates", "list", *W, "-o", "json").out)

    assert rows[1].split()[:6] == ["1", "a", "a", "default,", "de", "1"]
    assert (summary["number"], summary["trigger_name"], summary["languages"]) == (1, "a", ["default", "de"])


@pytest.mark.parametrize("name", ["a", "A", "1"])
def test_template_is_shown_by_name_and_number(run: Run, name: str) -> None:
    template(Path("all/a"), GERMAN, body_html="x", body_de_txt="y")
    applied(run)

    shown = json.loads(run("templates", "show", name, *W).out)

    assert (shown["trigger_name"], shown["send_to_unsubscribed"]) == ("a", True)
    assert (shown["contents"]["default"]["subject"], shown["contents"]["default"]["body"]) == ("Hello", "x")
    assert (shown["contents"]["de"]["subject"], shown["contents"]["de"]["body_plain"]) == ("Hallo", "y")


def test_unknown_template_is_an_error(run: Run) -> None:
    assert run("templates", "show", "a", *W).failure == (
        "error: there is no template 'a': workspacectl templates list shows numbers and names"
    )


def test_templates_are_copied_and_nothing_else(run: Run) -> None:
    template(Path("all/a"))
    template(Path("all/b"))
    applied(run)
    Path("people.csv").write_text("email\nada@example.com\n")
    run("people", "import", "people.csv", *W)
    copy = ("templates", "copy", "--from", "default/crm", "--to", "default/live", "-o", "json")

    one = json.loads(run(*copy, "B").out)
    all_of_them = json.loads(run(*copy).out)

    assert [(row["trigger_name"], row["number"], row["result"]) for row in one] == [("b", 1, "created")]
    assert [(row["trigger_name"], row["number"], row["content_version"], row["result"]) for row in all_of_them] == [
        ("a", 2, 1, "created"),
        ("b", 1, 1, "unchanged"),
    ]
    assert run("people", "export", "-w", "default/live").out.count("\n") == 1


def test_copy_can_be_tried(run: Run) -> None:
    template(Path("all/a"))
    applied(run)

    done = run("templates", "copy", "--from", "default/crm", "--to", "default/live", "--dry-run")

    assert "created" in done.out
    assert run("templates", "list", "-w", "default/live").out.count("\n") == 1


def test_copy_of_an_unknown_template_copies_none(run: Run) -> None:
    template(Path("all/a"))
    applied(run)

    done = run("templates", "copy", "--from", "default/crm", "--to", "default/live", "a", "none")

    assert "there is no template 'none'" in done.failure
    assert run("templates", "list", "-w", "default/live").out.count("\n") == 1


def test_copy_to_itself_is_wrong_usage(run: Run) -> None:
    done = run("templates", "copy", "--from", "default/crm", "--to", "default/crm")

    assert done.code == 64
    assert "--from and --to name the same workspace" in done.err
