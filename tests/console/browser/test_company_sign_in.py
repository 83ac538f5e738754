"""Signing in with a company account in a real browser, at a provider with a socket."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browser.pages import club
from tests.console.browser.served import ServedConsole
from tests.console.environment import ADMIN, STRANGER, ConsoleEnv
from tests.identity_provider.provider import CLIENT_ID, CLIENT_SECRET, FakeProvider
from workspace_operator.http_server.server import Server, bind_sockets
from workspace_operator.identity_provider.provider import OIDCProvider
from workspace_operator.identity_provider.settings import ProviderSettings


@contextmanager
def company_console(fake: FakeProvider) -> Iterator[ServedConsole]:
    """A console whose members sign in at a provider; both have a socket."""
    settings = ProviderSettings(issuer=fake.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    [listening] = bind_sockets("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    env = ConsoleEnv(provider=OIDCProvider.of(settings), options={"console_url": url})
    club(env)
    stopping, server = threading.Event(), Server(sockets=[listening], grace_seconds=1)
    thread = threading.Thread(target=server.serve, args=(env.app, stopping))
    thread.start()
    try:
        yield ServedConsole(env=env, url=url, routes=[])
    finally:
        stopping.set()
        thread.join()


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider.serving(email=ADMIN, now=time.time) as provider:
        yield provider


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_member_signs_in_and_comes_back_to_the_page(chromium: Browser, fake: FakeProvider, has_script: bool) -> None:
    with (
        company_console(fake) as served,
        served.window(chromium, signed_in=False, java_script_enabled=has_script) as window,
    ):
        page = window.page
        window.open("/w/1/history")

        page.get_by_role("link", name="Sign in with company account").click()

        expect(page).to_have_url(f"{served.url}/w/1/history")
        expect(page.get_by_role("banner")).to_contain_text(f"Signed in as {ADMIN}")
        assert {cookie["name"] for cookie in page.context.cookies()} == {"console"}


def test_refused_stranger_tries_again_with_another_account(chromium: Browser, fake: FakeProvider) -> None:
    fake.email = STRANGER
    with company_console(fake) as served, served.window(chromium, signed_in=False) as window:
        page = window.page
        window.open("/signin")
        page.get_by_role("link", name="Sign in with company account").click()
        expect(page.get_by_role("status").first).to_contain_text(f"{STRANGER} is in no account here.")

        fake.email = ADMIN
        page.get_by_role("link", name="Try again").click()

        expect(page).to_have_url(f"{served.url}/")


def test_back_button_after_sign_in_does_no_harm(chromium: Browser, fake: FakeProvider) -> None:
    with company_console(fake) as served, served.window(chromium, signed_in=False) as window:
        page = window.page
        window.open("/signin")
        page.get_by_role("link", name="Sign in with company account").click()
        expect(page).to_have_url(f"{served.url}/")

        page.go_back()
        page.go_forward()

        expect(page.get_by_role("heading", level=1)).to_have_text("Workspaces")


def test_admin_signs_somebody_out(chromium: Browser, fake: FakeProvider) -> None:
    with company_console(fake) as served, served.window(chromium, signed_in=False) as window:
        page = window.page
        window.open("/signin")
        page.get_by_role("link", name="Sign in with company account").click()
        served.env.member("lena@nordlicht.example", agent="Phone of Lena")

        page.get_by_role("link", name=ADMIN).click()
        page.get_by_role("link", name="Nordlicht", exact=True).click()
        row = page.get_by_role("row").filter(has_text="lena@nordlicht.example")
        expect(row).to_contain_text("Phone of Lena")
        row.get_by_role("button", name="Sign out").click()

        expect(row).to_contain_text("none")
