"""Three ways to do the same job: with a mouse, with the keyboard only, and without JavaScript.

``make test`` does each job with a mouse, and ``make proof`` in all three ways.
"""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Locator, Page

MAX_STEPS: Final = 150
"""Controls of the longest page of these jobs, and some more."""

IS_REACHED: Final = """wanted => {
  const active = document.activeElement, isOne = active.type === 'radio' && active.form === wanted.form;
  return active === wanted || (isOne && active.name === wanted.name);
}"""
"""Whether a control has the focus, or another radio button of its group, from which arrows lead to it."""
HAS_FOCUS: Final = "wanted => document.activeElement === wanted"

Press = Callable[[Page, Locator], None]


def by_mouse(_page: Page, control: Locator) -> None:
    control.click()


def by_keyboard(page: Page, control: Locator) -> None:
    """Tab from the beginning to the control, go on with arrows if it is a radio button, and press it."""
    wanted = control.element_handle()
    is_radio = control.evaluate("element => element.type === 'radio'")
    _tab_to(page, control, IS_REACHED)
    if not is_radio:
        page.keyboard.press("Enter")
        return
    if control.is_checked():
        return
    if page.evaluate(HAS_FOCUS, wanted):
        page.keyboard.press("Space")
        return
    while not page.evaluate(HAS_FOCUS, wanted):
        page.keyboard.press("ArrowRight")


def enter(page: Page, press: Press, field: Locator, text: str) -> None:
    """Put a text into an empty field."""
    if press is by_mouse:
        field.fill(text)
        return
    _tab_to(page, field, HAS_FOCUS)
    page.keyboard.type(text)


def _tab_to(page: Page, control: Locator, is_reached: str) -> None:
    """Press Tab from the beginning of the content until a control has the focus."""
    page.locator("main").focus()
    wanted = control.element_handle()
    for _ in range(MAX_STEPS):
        page.keyboard.press("Tab")
        if page.evaluate(is_reached, wanted):
            return
    raise AssertionError(f"the control has not had the focus in {MAX_STEPS} steps")


WAYS: Final = [
    pytest.param(by_mouse, True, id="mouse"),
    pytest.param(by_keyboard, True, id="keyboard", marks=pytest.mark.proof),
    pytest.param(by_mouse, False, id="no script", marks=pytest.mark.proof),
]
"""How controls are pressed, and whether the browser has JavaScript."""
