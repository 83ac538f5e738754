"""The HTML of a message, in a browser: it runs nothing, loads nothing, and leads nowhere."""

import socket
from contextlib import suppress

from playwright.sync_api import Browser

from tests.console.browser.served import ServedConsole
from tests.console.reports.mailroom import Mailroom

BODY = """<style>p {{ color: red }}</style><p id="said">Hello</p><script>document.body.append('ran')</script>
<img src="{elsewhere}/pixel.png" onerror="document.body.append('ran')">
<a id="out" href="{elsewhere}/">out</a><a id="top" target="_top" href="/">top</a>
<form action="/signout" method="post"><button id="send">send</button></form>"""


def received(listening: socket.socket) -> bytes:
    """What was sent to a socket. Chromium connects when a link is pressed, before the policy refuses the request."""
    listening.settimeout(0.3)
    sent = b""
    with suppress(TimeoutError):
        while True:
            connection, _ = listening.accept()
            with connection, suppress(TimeoutError):
                connection.settimeout(0.3)
                sent += connection.recv(1000)
    return sent


def test_html_of_a_message_can_do_nothing(chromium: Browser) -> None:
    with ServedConsole.serving() as served, socket.create_server(("127.0.0.1", 0)) as elsewhere:
        room = Mailroom.of(served.env)
        body = BODY.format(elsewhere=f"http://127.0.0.1:{elsewhere.getsockname()[1]}")
        path = room.page(room.send(rendered={"body": body}))
        with served.window(chromium) as window:
            window.open(path)
            content = window.page.frame_locator("iframe")
            said = content.locator("body").inner_text()
            for control in ("#top", "#send", "#out"):
                content.locator(control).click()

            assert received(elsewhere) == b""
            assert "Hello" in said
            assert "ran" not in said
            assert window.page.url == served.url + path
            assert window.open("/").status == 200, "the form has ended the session"
            refusals = ("Content Security Policy", "sandbox")
            assert all(any(refusal in problem for refusal in refusals) for problem in window.problems)
            window.problems.clear()
