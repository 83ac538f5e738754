"""The usage of the workspaces that one reaches, as a page and as a file."""

import csv
import io

import pytest

from tests.console.cleanups.club import words_of
from tests.console.environment import ADMIN, VIEWER, ConsoleEnv, parsed
from tests.console.hostile import HOSTILE
from tests.console.reports.mailroom import Mailroom
from tests.console.test_answers import counting
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.csv_files.injection import unescape
from workspace_operator.console.views.formats import visible
from workspace_operator.identity.values.rules import Mode

SVG = "{http://www.w3.org/2000/svg}"


def rows_of(env: ConsoleEnv, path: str = "/usage/csv") -> list[list[str]]:
    """The rows of the file."""
    answer = env.installation().get(path)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_people_and_messages_are_added_up(env: ConsoleEnv) -> None:
    room = Mailroom.of(env)
    room.send()
    other = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    other.add_many({"a": None, "b": None})

    said = words_of(env.installation().get("/usage"))

    assert "Messages: sent in March 2026" in said
    assert f"{room.workspace.workspace.settings.display_name} 1 1" in said
    assert "Total: 2 workspaces you can access 3 1" in said


def test_other_month_has_its_own_messages(env: ConsoleEnv) -> None:
    Mailroom.of(env).send()

    said = words_of(env.installation().get("/usage?month=2026-02"))

    assert "sent in February 2026" in said
    assert "Total: 1 workspace you can access 1 0" in said


def test_month_before_is_a_link(env: ConsoleEnv) -> None:
    env.workspace()

    page = parsed(env.installation().get("/usage?month=2026-01"))

    assert "/usage?month=2025-12" in [link.get("href") for link in page.iter("{http://www.w3.org/1999/xhtml}a")]


def test_plan_is_shown_beside_its_limit(nordlicht: ConsoleEnv) -> None:
    page = nordlicht.member(ADMIN).get("/usage")

    [bar] = [element for element in parsed(page).iter(f"{SVG}svg") if element.get("role") == "img"]
    assert bar.attrib["aria-label"] == "2 of 5 workspaces"
    assert [rect.attrib["width"] for rect in bar.iter(f"{SVG}rect")] == ["160", "40%"]


def test_account_without_a_limit_has_no_bar(env: ConsoleEnv) -> None:
    env.workspace()

    assert parsed(env.installation().get("/usage")).find(f".//{SVG}svg") is None


def test_member_sees_what_they_reach(nordlicht: ConsoleEnv) -> None:
    said = words_of(nordlicht.member(VIEWER).get("/usage"))

    assert "Club 0 0 Total: 1 workspace you can access 0 0" in said
    assert "Shop" not in said
    assert "Shop" not in nordlicht.member(VIEWER).get("/usage/csv").text


def test_people_that_are_not_counted_yet_are_said_to_be(env: ConsoleEnv) -> None:
    env.workspace()

    said = words_of(counting(env).installation().get("/usage"))

    assert "Club counting… 0 Total: 1 workspace you can access counting… 0" in said


def test_file_has_the_numbers(env: ConsoleEnv) -> None:
    room = Mailroom.of(env)
    room.send()
    owner = room.workspace.owner

    rows = rows_of(env)

    assert rows[0] == ["month", "namespace", "account", "workspace", "display_name", "people", "messages_sent"]
    assert rows[1][:4] == ["2026-03", owner.namespace, "default", owner.name]
    assert rows[1][5:] == ["1", "1"]


def test_file_has_a_fixed_name(env: ConsoleEnv) -> None:
    answer = env.installation().get("/usage/csv?month=2026-02")

    assert answer.headers["content-disposition"] == 'attachment; filename="usage-2026-02.csv"'


def test_wrong_month_is_named(env: ConsoleEnv) -> None:
    answer = env.installation().get("/usage?month=13")

    assert answer.status_code == 400
    assert "must be a year and a month, such as 2026-11" in words_of(answer)


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_names_are_no_formulas_and_no_markup(env: ConsoleEnv, value: str) -> None:
    env.workspace("club", display_name=value)

    shown = parsed(env.installation().get("/usage"))
    name = rows_of(env)[1][4]

    assert visible(value) in [
        "".join(element.itertext()) for element in shown.iter("{http://www.w3.org/1999/xhtml}bdi")
    ]
    assert not name.startswith(("=", "+", "-", "@"))
    assert unescape(name) == value
