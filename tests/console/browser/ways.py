"""Three ways to do the same job: with a mouse, with the keyboard only, and without JavaScript.

``make test`` does each job with a mouse, and ``make proof`` in all three ways.
"""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Locator, Page

MAX_STEPS: Final = 150
"""Controls of the longest page of these jobs, and some more."""

MAX_CHOICES: Final = 6
"""Radio buttons of a person, and one more."""

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
    is_radio = control.evaluate("element => element.type === 'radio'")
    _tab_to(page, control, IS_REACHED)
    if not is_radio:
        page.keyboard.press("Enter")
    elif not control.is_checked():
        _choose(page, control)


def _choose(page: Page, control: Locator) -> None:
    """Go from a radio button of a group to another one. Each press decides, so the page changes meanwhile."""
    for _ in range(MAX_CHOICES):
        if control.evaluate(HAS_FOCUS):
            break
        page.keyboard.press("ArrowRight")
    if not control.is_checked():
        page.keyboard.press("Space")


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
    for _ in range(MAX_STEPS):
        page.keyboard.press("Tab")
        if control.evaluate(is_reached):
            return
    raise AssertionError(f"the control has not had the focus in {MAX_STEPS} steps")


WAYS: Final = [
    pytest.param(by_mouse, True, id="mouse"),
    pytest.param(by_keyboard, True, id="keyboard", marks=pytest.mark.proof),
    pytest.param(by_mouse, False, id="no script", marks=pytest.mark.proof),
]
"""How controls are pressed, and whether the browser has JavaScript."""
