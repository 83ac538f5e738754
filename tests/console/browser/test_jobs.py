"""The jobs of the console in a real browser: the same steps with a mouse, with the keyboard, and without JavaScript."""

from collections.abc import Sequence
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser.jobs import LONG, Job, apply, decide, find_out, group, undo, undo_one
from tests.console.browser.served import ServedConsole
from tests.console.browser.ways import WAYS, Press, by_mouse
from tests.console.cleanups.club import ADA_SILVA, Club
from tests.console.environment import MANAGER
from workspace_operator.migrations.state_machine import Stage

RELOADS = [pytest.param(False, id="no reload"), pytest.param(True, id="reloads", marks=pytest.mark.proof)]
TABS = 7
"""One more than the connections that a browser opens to a host."""


@pytest.mark.parametrize(("press", "has_script"), WAYS)
def test_somebody_finds_out_why_the_change_is_blocked(
    chromium: Browser, served_club: ServedConsole, press: Press, has_script: bool
) -> None:
    """J1: in two clicks from the start page."""
    with served_club.window(chromium, java_script_enabled=has_script) as window:
        window.open("/")

        find_out(Job(page=window.page, press=press, has_script=has_script))


def test_link_of_a_notice_leads_to_the_list(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    """J1: the mail has no token, so whoever opens its link is asked to sign in first."""
    with served_club.window(chromium, signed_in=False) as window:
        window.open(club.path)
        expect(window.page).to_have_url(f"{served_club.url}/signin")
        window.page.goto(served_club.link(workspace_id=club.workspace.workspace_id))
        window.page.get_by_role("button", name="Sign in").click()
        expect(window.page.get_by_role("heading", level=1)).to_have_text("Overview")

        window.open(club.path)

        expect(window.page.get_by_text("8 of 9 people block the change")).to_be_visible()


@pytest.mark.parametrize("reloads", RELOADS)
@pytest.mark.parametrize(("press", "has_script"), WAYS)
def test_somebody_cleans_up_and_undoes_it(
    chromium: Browser, club: Club, served_club: ServedConsole, press: Press, has_script: bool, reloads: bool
) -> None:
    """J2 and J5: nobody blocks the change, it goes through, and all of it is undone."""
    with served_club.window(chromium, java_script_enabled=has_script) as window:
        job = Job(page=window.page, press=press, has_script=has_script, reloads=reloads)
        window.open(club.path)

        decide(job)
        apply(job, club)
        assert club.workspace.stage is Stage.COMPLETED
        assert len(club.ids()) == 6
        undo(job, club)
        assert len(club.ids()) == 9


@pytest.mark.parametrize(("press", "has_script"), WAYS)
def test_somebody_undoes_one_decision(
    chromium: Browser, club: Club, served_club: ServedConsole, press: Press, has_script: bool
) -> None:
    """J5: the other decisions stay as they were applied."""
    with served_club.window(chromium, java_script_enabled=has_script) as window:
        job = Job(page=window.page, press=press, has_script=has_script)
        window.open(club.path)
        job.click(group(window.page, ADA_SILVA).get_by_role("button", name="Merge into the oldest"))
        job.counts("3 decisions.")
        job.click(window.page.get_by_role("button", name="Apply 3 decisions"))
        job.sees("Cleanup 1 is being applied.")
        club.work()
        job.sees("3 of 3 decisions were applied.")

        undo_one(job, club, "m-1017 (Ada Silva)")

        assert {"m-1001", "m-1017"} <= set(club.ids())
        assert "m-1040" not in club.ids()


def test_two_people_work_on_one_cleanup(chromium: Browser, club: Club, served_club: ServedConsole) -> None:
    """Whoever applies sees what was decided meanwhile first."""
    lena = club.console.member(MANAGER).token
    with served_club.window(chromium) as one, served_club.window(chromium, token=lena) as other:
        one.open(club.path)
        group(one.page, ADA_SILVA).get_by_role("button", name="Merge into the oldest").click()
        expect(one.page.locator("#bar")).to_contain_text("3 decisions.")
        other.open(f"{club.path}/review")
        other.page.get_by_role("link", name="Go on deciding").click()
        group(other.page, "bo@club.example").get_by_role("button", name="Merge into the oldest").click()
        expect(other.page.locator("#bar")).to_contain_text("5 decisions.")

        one.page.get_by_role("button", name="Apply 3 decisions").click()

        expect(one.page.get_by_text("The decisions have changed since you looked at them.")).to_be_visible()
        expect(one.page.get_by_text(f"{MANAGER}: 1 kept, 1 merged")).to_be_visible()
        one.page.get_by_role("button", name="Apply 5 decisions").click()
        expect(one.page.get_by_text("Cleanup 1 is being applied.")).to_be_visible()
        other.open(club.path)
        expect(other.page.get_by_role("link", name="Cleanup 1 is being applied")).to_be_visible()


def test_seven_tabs_that_refresh_themselves_keep_no_page_waiting(
    chromium: Browser, club: Club, served_club: ServedConsole
) -> None:
    """A stream in each would take all connections that a browser opens to a host; questions end."""
    with ExitStack() as stack:
        window = stack.enter_context(served_club.window(chromium))
        window.open(club.path)
        Job(page=window.page, press=by_mouse).click(
            group(window.page, ADA_SILVA).get_by_role("button", name="Merge into the oldest")
        )
        window.page.get_by_role("button", name="Apply 3 decisions").click()
        expect(window.page.get_by_text("Cleanup 1 is being applied.")).to_be_visible()
        tabs = [window.page, *(window.page.context.new_page() for _ in range(TABS - 1))]
        for tab in tabs[1:]:
            tab.goto(window.page.url)
        asked = questions_of(tabs)
        tabs[0].wait_for_timeout(5_000)

        tabs[-1].get_by_role("link", name="Overview").click(timeout=5_000)

        expect(tabs[-1].get_by_role("heading", level=1)).to_have_text("Overview", timeout=5_000)
        assert len(asked) >= TABS
        club.work()
        for tab in tabs[:-1]:
            expect(tab.get_by_text("3 of 3 decisions were applied.")).to_be_visible(timeout=LONG)


def questions_of(tabs: Sequence[Page]) -> list[str]:
    """The addresses that pages ask for by themselves, from now on."""
    asked: list[str] = []
    for tab in tabs:
        tab.on("request", lambda request: asked.append(request.url) if "x-poll" in request.headers else None)
    return asked
