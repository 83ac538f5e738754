"""The console in a real browser: with a mouse, with the keyboard only, and without JavaScript."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser.pages import club, hostile
from tests.console.browser.served import ServedConsole
from tests.console.hostile import HOSTILE
from workspace_operator.application.overviews import people_counts
from workspace_operator.application.overviews.people_counts import PeopleCounter
from workspace_operator.console.core.http import PageRequest, Redirect
from workspace_operator.console.core.routes import Audience, Route
from workspace_operator.console.views.formats import visible
from workspace_operator.workspaces.model import PeopleCounts

Press = Callable[[Page, str], None]


def by_mouse(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).or_(page.get_by_role("link", name=name, exact=True)).click()


def by_keyboard(page: Page, name: str) -> None:
    """Tab to the control of a name, and press Enter."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no control {name} has the focus in 40 steps")


@pytest.mark.parametrize(
    ("press", "options"),
    [
        pytest.param(by_mouse, {}, id="mouse"),
        pytest.param(by_keyboard, {}, id="keyboard"),
        pytest.param(by_mouse, {"java_script_enabled": False}, id="no script"),
        pytest.param(by_mouse, {"has_touch": True, "viewport": {"width": 320, "height": 600}}, id="phone"),
    ],
)
def test_somebody_signs_in_looks_and_signs_out(
    chromium: Browser, served: ServedConsole, press: Press, options: dict[str, Any]
) -> None:
    club(served.env)
    with served.window(chromium, signed_in=False, **options) as window:
        page = window.page
        page.goto(served.link())

        press(page, "Sign in")
        expect(page).to_have_url(f"{served.url}/")
        press(page, "Nordlicht Club")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        page.reload()
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Workspaces")
        press(page, "Sign out")
        expect(page.get_by_text("You are signed out.")).to_be_visible()

        window.open("/w/1")
        expect(page).to_have_url(f"{served.url}/signin")


def test_browser_keeps_the_cookie_from_scripts(chromium: Browser, served: ServedConsole) -> None:
    with served.window(chromium, signed_in=False) as window:
        window.page.goto(served.link())
        by_mouse(window.page, "Sign in")
        expect(window.page).to_have_url(f"{served.url}/")

        [cookie] = window.page.context.cookies()

        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("console", True, "Lax")
        assert window.page.evaluate("document.cookie") == ""


def test_numbers_come_by_themselves(chromium: Browser, served: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page is loaded, and the element stops asking."""
    monkeypatch.setattr(people_counts, "WAIT_SECONDS", 0.01)
    may_count, count = threading.Event(), served.env.people.count

    def count_later(number: int) -> PeopleCounts:
        assert may_count.wait(60)
        return count(number)

    served.env.people.count = count_later
    club(served.env)
    with served.window(chromium) as window:
        page = window.page
        window.open("/")
        expect(page.get_by_text("counting…")).to_be_visible()
        page.evaluate("window.isSame = true")
        may_count.set()

        expect(page.get_by_text("0 people")).to_be_visible(timeout=20_000)

        assert page.evaluate("window.isSame")
        expect(page.get_by_role("status")).to_have_text("The page is up to date.")
        expect(page.locator("#workspaces")).not_to_have_attribute("data-poll", re.compile(""))


FORM = """token => {
  const form = document.createElement('form');
  Object.assign(form, {method: 'post', action: '/made'});
  form.dataset.part = 'workspaces';
  const field = Object.assign(document.createElement('input'), {type: 'hidden', name: 'form_token', value: token});
  const button = Object.assign(document.createElement('button'), {id: 'make', textContent: 'Make'});
  form.append(field, button);
  document.getElementById('content').prepend(form);
  window.isSame = true;
}"""
"""Adds a form whose answer is a part of the page, as later pages have them."""


@pytest.mark.parametrize(("is_known", "is_same"), [(True, True), (False, False)])
def test_form_with_a_part_changes_it_in_place(
    chromium: Browser, served: ServedConsole, is_known: bool, is_same: bool
) -> None:
    """The focus stays. What fails is sent again without a part, so that its whole page is seen."""
    club(served.env)

    def make(_request: PageRequest) -> Redirect:
        served.env.workspace("shop", account="other")
        return Redirect(location="/")

    served.routes.append(Route(method="POST", pattern="/made", access=Audience.SIGNED_IN, handler=make))
    with served.window(chromium) as window:
        page = window.page
        window.open("/")
        token = page.locator("input[name=form_token]").get_attribute("value")
        page.evaluate(FORM, token if is_known else "unknown")
        page.locator("#make").focus()

        page.keyboard.press("Enter")

        if is_known:
            expect(page.get_by_role("link", name="Shop")).to_be_visible()
            assert page.evaluate("document.activeElement.id") == "make"
        else:
            expect(page.get_by_role("heading", level=1)).to_have_text("This form is no longer valid.")
        assert bool(page.evaluate("window.isSame")) is is_same


def test_page_that_refreshes_itself_leaves_when_the_session_ends(
    chromium: Browser, served: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeopleCounter, "counts", lambda _self, numbers: dict.fromkeys(numbers))
    club(served.env)
    with served.window(chromium) as window:
        window.open("/")
        served.env.store.clock.advance(31 * 60)

        expect(window.page).to_have_url(f"{served.url}/signin?ended=idle", timeout=20_000)


def test_command_is_copied(chromium: Browser, served: ServedConsole) -> None:
    with served.window(chromium, signed_in=False, permissions=["clipboard-read", "clipboard-write"]) as window:
        window.open("/signin")

        window.page.get_by_role("button", name="Copy").click()

        expect(window.page.get_by_role("status")).to_have_text("Copied.")
        assert window.page.evaluate("navigator.clipboard.readText()") == "workspacectl console"


def test_buttons_that_need_scripts_are_hidden_without(chromium: Browser, served: ServedConsole) -> None:
    with served.window(chromium, signed_in=False, java_script_enabled=False) as window:
        window.open("/signin")

        expect(window.page.get_by_role("button", name="Copy")).to_be_hidden()


def test_hostile_names_do_nothing(chromium: Browser, served: ServedConsole) -> None:
    hostile(served.env)
    with served.window(chromium) as window:
        window.open("/")
        shown = window.page.locator("th bdi").all_text_contents()

    assert sorted(shown) == sorted(visible(f"{value} {number}") for number, value in enumerate(HOSTILE))


def test_policy_stops_what_a_defect_would_let_in(chromium: Browser, served: ServedConsole) -> None:
    """The page is served with a policy that the browser enforces: scripts and styles of an attribute do not run."""
    club(served.env)
    with served.window(chromium) as window:
        window.open("/")
        violated = window.page.evaluate(
            """async () => {
              const violated = [];
              addEventListener('securitypolicyviolation', event => violated.push(event.effectiveDirective));
              const element = document.createElement('p');
              element.setAttribute('style', 'color: red');
              document.body.append(element);
              try { element.innerHTML = '<b onclick="x()">'; } catch { violated.push('refused'); }
              await new Promise(resolve => setTimeout(resolve, 200));
              return violated;
            }"""
        )
        window.problems.clear()

    assert {"style-src-attr", "refused"} <= set(violated)
