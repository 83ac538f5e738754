"""The cleanup page in a real browser: focus, keys, the way back, and the bar. test_jobs.py has the job itself."""

from typing import Final

from playwright.sync_api import Browser, Dialog, Locator, expect

from tests.console.browser.jobs import BUSY, group
from tests.console.browser.served import ServedConsole, Window
from tests.console.cleanups.club import ADA_SILVA, Club
from workspace_operator.cleanups.decisions import DecisionKind

SECOND_REQUEST_IS_SLOW: Final = """
const send = window.fetch;
let requests = 0, answers = 0;
window.fetch = async (...request) => {
  requests += 1;
  if (requests === 2) await new Promise(resolve => setTimeout(resolve, 1000));
  const answer = await send(...request);
  answers += 1;
  document.documentElement.dataset.answers = answers;
  return answer;
};
"""
"""Lets the next request overtake the second one, where the page does not wait for it."""


def decisions_with_a_slow_request(window: Window, club: Club) -> Locator:
    """The choices about a person on the cleanup page, whose second request is slow."""
    window.page.add_init_script(SECOND_REQUEST_IS_SLOW)
    window.open(club.path)
    return window.page.get_by_role("group", name="Bo Berg m-1003")


def test_focus_stays_and_the_count_is_said(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    with served_club.window(chromium) as window:
        page = window.page
        window.open(club.path)
        page.evaluate("window.isSame = true")

        button = group(page, ADA_SILVA).get_by_role("button", name="Merge into the oldest")
        button.focus()
        page.keyboard.press("Enter")
        live = page.locator("#live")
        expect(live).to_have_text(
            "3 people decided. 3 decisions. With these decisions, 5 people would still block the change."
        )
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
        expect(second.get_by_label("Delete").last).to_be_checked()
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


def test_last_of_several_quick_choices_is_decided(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    """Arrow keys also choose everything in between, and a later request could overtake an earlier one."""
    with served_club.window(chromium) as window:
        page = window.page
        decisions = decisions_with_a_slow_request(window, club)

        decisions.get_by_label("Keep").focus()
        page.keyboard.press("Space")
        for _ in range(3):
            page.keyboard.press("ArrowRight")

        expect(page.locator("html")).to_have_attribute("data-answers", "4")
        expect(page.locator(BUSY)).to_have_count(0)
        expect(decisions.get_by_label("Delete")).to_be_checked()
        expect(decisions.get_by_label("Delete")).to_be_focused()
        assert club.cleanup.decisions[DecisionKind.DELETE] == 1
        assert club.cleanup.total == 1


def test_choice_that_is_taken_back_at_once(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    """The second form is compared with the answer to the first one, not with what the page showed before."""
    with served_club.window(chromium) as window:
        page = window.page
        decisions = decisions_with_a_slow_request(window, club)
        decisions.get_by_label("Clear").check()
        expect(page.locator("#bar")).to_contain_text("1 decision.")

        decisions.get_by_label("Delete").check()
        decisions.get_by_label("Clear").check()

        expect(page.locator("html")).to_have_attribute("data-answers", "3")
        expect(page.locator(BUSY)).to_have_count(0)
        expect(decisions.get_by_label("Clear")).to_be_checked()
        assert club.cleanup.decisions[DecisionKind.CLEAR] == 1
        assert club.cleanup.total == 1


def test_page_with_unsent_choices_asks_before_it_is_left(
    chromium: Browser, club: Club, served_club: ServedConsole
) -> None:
    with served_club.window(chromium) as window:
        page = window.page
        decisions = decisions_with_a_slow_request(window, club)
        group(page, ADA_SILVA).get_by_role("button", name="Merge into the oldest").click()
        expect(page.locator("#bar")).to_contain_text("3 decisions.")
        asked = list[str]()
        page.remove_listener("dialog", window.refuse)

        def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        page.on("dialog", stay)

        decisions.get_by_label("Clear").check()
        decisions.get_by_label("Delete").check()
        page.get_by_role("link", name="History").click(no_wait_after=True)

        expect(page.locator("#bar")).to_contain_text("4 decisions.")
        expect(page.locator(BUSY)).to_have_count(0)
        assert asked == ["beforeunload"]
        assert club.cleanup.decisions[DecisionKind.DELETE] == 1
        page.get_by_role("link", name="History").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("History")


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
