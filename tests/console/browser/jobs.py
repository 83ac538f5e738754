"""The jobs that somebody does with the console, step by step, in any way and with a reload at each step."""

from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.console.browser.ways import Press, enter
from tests.console.cleanups.club import ADA_SILVA, Club

LONG: Final = 20_000
"""Milliseconds in which a page that refreshes itself without a script has done so."""

BUSY: Final = "[aria-busy=true]"
"""A form that is being sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Somebody at a page.

    Attributes:
        has_script: whether the browser has JavaScript: without it, choices are sent by a button of their own.
        reloads: whether the page is loaded again at each step, which changes nothing.
    """

    page: Page
    press: Press
    has_script: bool = True
    reloads: bool = False

    def click(self, control: Locator) -> None:
        """Press a control."""
        self.press(self.page, control)

    def sees(self, text: str) -> None:
        """The page says something, also if it is loaded again."""
        said = self.page.locator("main").get_by_text(text).first
        expect(said).to_be_visible(timeout=LONG)
        if self.reloads:
            self.page.reload()
            expect(said).to_be_visible(timeout=LONG)

    def counts(self, text: str) -> None:
        """The bar counts something, also if the page is loaded again."""
        bar = self.page.locator("#bar")
        expect(bar).to_contain_text(text)
        if self.reloads:
            expect(self.page.locator(BUSY)).to_have_count(0)  # another choice may be on its way
            self.page.reload()
            expect(bar).to_contain_text(text)

    def choose(self, title: str, person: str, choice: str) -> None:
        """Choose a decision about a person of a group."""
        where = group(self.page, title)
        self.click((where.get_by_role("group", name=person) if person else where).get_by_label(choice))
        if not self.has_script:
            group(self.page, title).get_by_role("button", name="Save").click()

    def correct(self, person: str, email: str) -> None:
        """Give somebody an address; the field stays open after a refusal."""
        field = self.page.get_by_label("New address")
        if not field.count():
            self.click(self.page.get_by_role("group", name=person).get_by_role("link", name="Correct…"))
        field.fill("")
        enter(self.page, self.press, field, email)
        self.click(self.page.get_by_role("button", name="Correct", exact=True))


def group(page: Page, title: str) -> Locator:
    """A group of the cleanup page."""
    return page.get_by_role("region", name=title)


def find_out(job: Job) -> None:
    """J1, from the start page: why the change is blocked, and what is to do."""
    job.click(job.page.get_by_role("link", name="Nordlicht Club", exact=True))
    job.sees("8 of 9 people block the change from “id only” to “email or id”.")
    job.click(job.page.locator("main").get_by_role("link", name="Clean up →"))
    job.sees("Decide what happens to each of them.")
    for kind in (
        "Same address 5",
        "Invalid address 1",
        "Suppressed address 1",
        "Id is a different e-mail address 1",
        "All 8",
    ):
        expect(job.page.get_by_role("link", name=kind)).to_be_visible()


def decide(job: Job) -> None:
    """J2, its first part: a decision of each kind, so that nobody blocks the change any more."""
    page = job.page
    job.click(group(page, ADA_SILVA).get_by_role("button", name="Merge into the oldest"))
    job.counts("3 decisions. With these decisions, 5 people would still block the change.")
    job.choose("bo@club.example", "Bo Berg m-1003", "Delete")
    job.counts("4 decisions. With these decisions, 3 people")
    job.click(page.get_by_role("button", name="Use the id as address"))
    job.counts("5 decisions. With these decisions, 2 people")
    job.choose("gone@club.example", "", "Clear")
    job.counts("6 decisions. With these decisions, 1 person")
    job.correct("Cleo m-1004", "cleo@club")
    expect(page.get_by_text("'cleo@club' is not a valid address.").first).to_be_visible()
    job.correct("Cleo m-1004", "cleo@club.example")
    job.counts("With these decisions, nobody blocks the change any more")


def apply(job: Job, club: Club) -> None:
    """J2, its second part: review, apply, and see that the change went through."""
    page = job.page
    job.click(page.get_by_role("link", name="Review"))
    job.sees("m-1017 (Ada Silva): becomes part of m-1001")
    enter(page, job.press, page.get_by_label("Type 1 to delete 1 person"), "1")
    job.click(page.get_by_role("button", name="Apply 7 decisions"))
    job.sees("Cleanup 1 is being applied.")
    club.work()
    job.sees("The change was tried again and took effect. ✓")


def undo(job: Job, club: Club) -> None:
    """J5: all of a cleanup is undone, beginning with the history."""
    page = job.page
    job.click(page.get_by_role("link", name="History"))
    job.click(page.get_by_role("link", name="Undo…").first)
    job.click(page.get_by_role("button", name="Undo cleanup 1"))
    job.sees("Cleanup 1 is being undone.")
    club.work()
    job.sees("Undone:")


def undo_one(job: Job, club: Club, person: str) -> None:
    """J5: one decision of a cleanup is undone; ``person`` is how the page names whom it was about."""
    page = job.page
    box = page.get_by_role("checkbox", name=person)
    box.focus()
    page.keyboard.press("Space")
    job.click(page.get_by_role("button", name="Undo the chosen decisions…"))
    job.sees("restored completely")
    job.click(page.get_by_role("button", name="Undo 1 decision"))
    job.sees("The chosen decisions of cleanup 1 are being undone.")
    club.work()
    job.sees("Undone: 1 completely, 0 partly, 0 not at all.")
