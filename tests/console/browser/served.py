"""A console with a socket, and windows of a browser that note everything that went wrong."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from playwright.sync_api import Browser, Dialog, Page, Response

from tests.console.environment import ROOT, ConsoleEnv
from workspace_operator.console.app import all_routes, make_console_of
from workspace_operator.console.core.routes import Route
from workspace_operator.http_server.server import Server, bind_sockets


@dataclass(kw_only=True)
class ServedConsole:
    """The console of a store in memory, at a port of this machine. A test can add routes to those of the console."""

    env: ConsoleEnv
    url: str
    routes: list[Route]

    @classmethod
    @contextmanager
    def serving(cls, env: ConsoleEnv | None = None) -> Iterator[Self]:
        """Serve a console; without one, that of an empty store."""
        env, stopping = env or ConsoleEnv(), threading.Event()
        routes = list(all_routes(env.dependencies()))
        app = make_console_of(env.dependencies(), routes)
        [listening] = bind_sockets("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = Server(sockets=[listening], grace_seconds=1)
        thread = threading.Thread(target=server.serve, args=(app, stopping))
        thread.start()
        try:
            yield cls(env=env, url=url, routes=routes)
        finally:
            stopping.set()
            thread.join()

    def link(self, **options: Any) -> str:
        """A link that signs in."""
        return f"{self.url}/enter?t={self.env.links.create(actor=ROOT, **options)}"

    @contextmanager
    def window(
        self, browser: Browser, *, signed_in: bool = True, token: str = "", **options: Any
    ) -> Iterator["Window"]:
        """A window with cookies of its own, of a session if its token is given; nothing may go wrong in it."""
        context = browser.new_context(**options)
        if token:
            context.add_cookies([{"name": "console", "value": token, "url": self.url}])
        elif signed_in:
            entered = self.env.links.enter(self.env.links.create(actor=ROOT), agent="test")
            assert entered is not None
            context.add_cookies([{"name": "console", "value": entered.token, "url": self.url}])
        window = Window(page=context.new_page(), url=self.url)
        window.page.set_default_timeout(20_000)
        window.page.on("console", lambda message: window.note_error(message.type, message.text))
        window.page.on("pageerror", lambda error: window.problems.append(str(error)))
        window.page.on("dialog", window.refuse)
        yield window
        context.close()
        assert window.problems == [], window.problems


@dataclass(kw_only=True)
class Window:
    """A page of the browser, and the problems that it reported: errors, dialogs, violations of the policy."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Response:
        """Go to a page of the console."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return answer

    def refuse(self, dialog: Dialog) -> None:
        """Note a dialog, which the console never opens."""
        self.problems.append(dialog.message)
        dialog.dismiss()

    def note_error(self, kind: str, text: str) -> None:
        """Note an error; the browser reports a status of a page as one, too."""
        if kind in ("error", "warning") and "the server responded with a status of" not in text:
            self.problems.append(text)
