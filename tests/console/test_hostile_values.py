"""Values that strangers choose appear as text, whatever they are."""

import re

import pytest

from tests.console.environment import HTML, ConsoleEnv, parsed
from tests.console.hostile import HOSTILE
from workspace_operator.application.ports import StalledResources
from workspace_operator.console.views.formats import MAX_SHOWN, visible
from workspace_operator.sending.rules import SendMode

HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
hostile = pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))


def test_there_are_forty() -> None:
    assert len(set(HOSTILE)) == 40


def texts(env: ConsoleEnv, path: str) -> list[str]:
    """The texts of the elements that show what others chose."""
    return ["".join(element.itertext()) for element in parsed(env.installation().get(path)).iter(f"{HTML}bdi")]


@hostile
def test_names_are_shown_as_text(env: ConsoleEnv, value: str) -> None:
    workspace = env.workspace("club", display_name=value, send_mode=SendMode.TEST, test_address=value)
    env.account("club", display_name=value)

    listed, overview = texts(env, "/"), texts(env, f"/w/{workspace.workspace_id}")

    assert listed.count(visible(value)) == 2
    assert f"Test only → {visible(value)}" in listed
    assert visible(value) in overview


@hostile
def test_name_of_who_is_signed_in_is_shown_as_text(env: ConsoleEnv, value: str) -> None:
    answer = env.member(value).get("/")

    assert visible(value) in ["".join(element.itertext()) for element in parsed(answer).iter(f"{HTML}bdi")]


@hostile
def test_message_of_the_operator_is_shown_as_text(env: ConsoleEnv, value: str) -> None:
    workspace = env.workspace("club")
    stalled = StalledResources(kind="Workspace", reason="NameConflict", count=1, names=("team/club",), message=value)
    env.store.heartbeats.beat("c1", stalled=[stalled], now=env.store.clock())

    assert f"NameConflict: {visible(value)}" in texts(env, f"/w/{workspace.workspace_id}")


@hostile
def test_token_of_a_link_is_a_value_of_a_form(env: ConsoleEnv, value: str) -> None:
    value = HIDDEN.sub("", value)
    browser = env.browser()

    answer = browser.send("GET", "/enter", headers={}, params={"t": value})

    found = parsed(answer).find(f".//{HTML}input[@name='t']")
    assert found is not None
    assert found.attrib["value"] == value


@hostile
def test_shown_text_hides_nothing(value: str) -> None:
    shown = visible(value)

    assert HIDDEN.search(shown) is None
    assert len(shown) <= MAX_SHOWN + 7 * len(HIDDEN.findall(value))


def test_long_text_is_cut() -> None:
    assert visible("x" * 201) == "x" * 199 + "…"
    assert visible("x" * 200) == "x" * 200


def test_direction_is_spelled_out() -> None:
    assert visible("\u202eevil") == "⟨U+202E⟩evil"


def test_half_of_a_surrogate_can_be_sent(env: ConsoleEnv) -> None:
    env.workspace("club", display_name="a\ud800b")

    assert "a⟨U+D800⟩b" in texts(env, "/")


def test_letter_of_a_swatch_is_one_letter(env: ConsoleEnv) -> None:
    workspace = env.workspace("club", display_name="<ßx>")

    page = parsed(env.installation().get(f"/w/{workspace.workspace_id}"))

    found = page.find(".//{http://www.w3.org/2000/svg}text")
    assert found is not None
    assert found.text == "S"
