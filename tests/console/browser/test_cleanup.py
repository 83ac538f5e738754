"""Job J2 in a real browser, three ways: decide, review, apply, look at the result, and undo it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.browser.served import ServedConsole
from tests.console.cleanups.club import ADA_SILVA, Club
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.migrations.state_machine import Stage


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with Club.opened(tmp_path) as club:
        club.fill()
        club.block()
        yield club


@pytest.fixture
def served_club(club: Club) -> Iterator[ServedConsole]:
    with ServedConsole.serving(club.console) as console:
        yield console


IS_REACHED = """wanted => {
  const active = document.activeElement, isOne = active.type === 'radio' && active.form === wanted.form;
  return active === wanted || (isOne && active.name === wanted.name);
}"""
"""Whether a control has the focus, or another radio button of its group, from which arrows lead to it."""

LONG = 20_000
"""Milliseconds in which a page that refreshes itself without a script has done so."""

Press = Callable[[Page, Locator], None]


def by_mouse(_page: Page, control: Locator) -> None:
    control.click()


def by_keyboard(page: Page, control: Locator) -> None:
    """Tab from the beginning to the control, go on with arrows if it is a radio button, and press it."""
    page.locator("main").focus()
    wanted = control.element_handle()
    is_radio = control.evaluate("element => element.type === 'radio'")
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(IS_REACHED, wanted):
            break
    else:
        raise AssertionError("the control has not had the focus in 150 steps")
    if not is_radio:
        page.keyboard.press("Enter")
        return
    if control.is_checked():
        return
    if page.evaluate("wanted => document.activeElement === wanted", wanted):
        page.keyboard.press("Space")
        return
    while not page.evaluate("wanted => document.activeElement === wanted", wanted):
        page.keyboard.press("ArrowRight")


WAYS = [
    pytest.param(by_mouse, True, id="mouse"),
    pytest.param(by_keyboard, True, id="keyboard"),
    pytest.param(by_mouse, False, id="no script"),
]


def enter(page: Page, press: Press, field: Locator, text: str) -> None:
    """Put a text into a field."""
    if press is by_mouse:
        field.fill(text)
        return
    page.locator("main").focus()
    wanted = field.element_handle()
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement === wanted", wanted):
            page.keyboard.type(text)
            return
    raise AssertionError("the field has not had the focus in 150 steps")


@pytest.mark.parametrize(("press", "has_script"), WAYS)
def test_somebody_cleans_up_and_undoes_it(
    chromium: Browser, club: Club, served_club: ServedConsole, press: Press, has_script: bool
) -> None:
    with served_club.window(chromium, java_script_enabled=has_script) as window:
        page = window.page
        window.open("/")
        press(page, page.get_by_role("link", name="Clean up →"))
        expect(page.get_by_text("8 of 9 people block the change")).to_be_visible()

        press(page, group(page, ADA_SILVA).get_by_role("button", name="Merge into the oldest"))
        expect(page.locator("#bar")).to_contain_text("3 decisions. After them 5 people would still block the change.")
        press(page, group(page, "bo@club.example").get_by_role("group", name="Bo Berg m-1003").get_by_label("Delete"))
        save(page, "bo@club.example", has_script=has_script)
        expect(page.locator("#bar")).to_contain_text("4 decisions. After them 3 people")
        press(page, page.get_by_role("button", name="Use the id as address"))
        expect(page.locator("#bar")).to_contain_text("5 decisions. After them 2 people")
        press(page, group(page, "gone@club.example").get_by_label("Clear"))
        save(page, "gone@club.example", has_script=has_script)
        expect(page.locator("#bar")).to_contain_text("6 decisions. After them 1 person")
        correct(page, press, "cleo@club", "'cleo@club' is not a valid address.")
        correct(page, press, "cleo@club.example", "After them nobody would block it")

        press(page, page.get_by_role("link", name="Review"))
        expect(page.get_by_text("m-1017: becomes part of m-1001")).to_be_visible()
        enter(page, press, page.get_by_label("Type 1 to delete 1 person"), "1")
        press(page, page.get_by_role("button", name="Apply 7 decisions"))
        expect(page.get_by_text("Cleanup 1 is being applied.")).to_be_visible()
        club.work()
        expect(page.get_by_text("The change was tried again and went through. ✓")).to_be_visible(timeout=LONG)
        assert club.workspace.stage is Stage.COMPLETED
        assert len(club.ids()) == 6

        press(page, page.get_by_role("button", name="Undo cleanup 1"))
        expect(page.get_by_text("Cleanup 1 is being undone.")).to_be_visible()
        club.work()
        expect(page.get_by_text(re.compile("Undone: . came back whole, . in part"))).to_be_visible(timeout=LONG)
        assert len(club.ids()) == 9


def group(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


def save(page: Page, title: str, *, has_script: bool) -> None:
    """Without a script, choices are sent by a button of their own."""
    if not has_script:
        group(page, title).get_by_role("button", name="Save").click()


def correct(page: Page, press: Press, email: str, said: str) -> None:
    """Give Cleo an address; the field stays open after a refusal."""
    if not page.get_by_label("New address").count():
        press(page, page.get_by_role("group", name="Cleo m-1004").get_by_role("link", name="Correct…"))
    page.get_by_label("New address").fill("")
    enter(page, press, page.get_by_label("New address"), email)
    press(page, page.get_by_role("button", name="Correct", exact=True))
    expect(page.get_by_text(said).first).to_be_visible()


def test_focus_stays_and_the_count_is_said(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    with served_club.window(chromium) as window:
        page = window.page
        window.open(club.path)
        page.evaluate("window.isSame = true")

        button = group(page, ADA_SILVA).get_by_role("button", name="Merge into the oldest")
        button.focus()
        page.keyboard.press("Enter")
        live = page.locator("#live")
        expect(live).to_have_text("3 people decided. 3 decisions. After them 5 people would still block the change.")
        expect(button).to_be_focused()
        radio = page.get_by_role("group", name="Ada Silva m-1017").get_by_label("Clear")
        radio.check()
        expect(live).to_contain_text("1 person decided.")
        expect(radio).to_be_focused()
        expect(radio).to_be_checked()

        assert page.evaluate("window.isSame")


def test_keys_work_while_a_group_has_the_focus(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    with served_club.window(chromium) as window:
        page = window.page
        window.open(club.path)
        first, second = (page.locator("section.group").nth(number) for number in (0, 1))
        first.focus()

        page.keyboard.press("j")
        expect(second).to_be_focused()
        for key, sentence in (
            ("m", "3 decisions."),
            ("u", "0 decisions."),
            ("c", "3 decisions."),
            ("d", "3 decisions."),
        ):
            page.keyboard.press(key)
            expect(page.locator("#bar")).to_contain_text(sentence)
            expect(second).to_be_focused()
        expect(page.locator("#bar")).to_contain_text("Apply 3 decisions")
        page.keyboard.press("k")
        expect(first).to_be_focused()
        page.get_by_label("Find an id, an address or its beginning").focus()
        page.keyboard.type("mud")
        expect(page.get_by_label("Find an id, an address or its beginning")).to_have_value("mud")
        assert club.cleanup.decisions[DecisionKind.DELETE] == 2
        second.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Compare")


def test_back_reload_and_address_show_the_same(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    with served_club.window(chromium) as window:
        page = window.page
        window.open(club.path)
        page.get_by_role("link", name="Same address 5").click()
        group(page, ADA_SILVA).get_by_role("button", name="Merge into the oldest").click()
        expect(page.locator("#bar")).to_contain_text("3 decisions.")
        page.get_by_role("link", name="Review").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Review")

        page.go_back()

        expect(page).to_have_url(f"{served_club.url}{club.path}?kind=duplicateEmail")
        page.reload()
        expect(group(page, ADA_SILVA)).to_contain_text("Settled")
        assert page.locator("section.group").count() == 2


def test_the_bar_never_hides_the_focus(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    with served_club.window(chromium, viewport={"width": 320, "height": 600}) as window:
        page = window.page
        window.open(club.path)

        for _ in range(60):
            page.keyboard.press("Tab")
            is_hidden = page.evaluate(
                """() => {
                  const box = document.activeElement.getBoundingClientRect();
                  const bar = document.getElementById('bar');
                  const edge = bar.getBoundingClientRect().top;
                  return !bar.contains(document.activeElement) && box.top >= edge && edge < innerHeight - 1;
                }"""
            )
            assert not is_hidden, page.evaluate("document.activeElement.outerHTML.slice(0, 100)")
