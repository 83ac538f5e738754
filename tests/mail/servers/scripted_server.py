"""A server of a few lines that misbehaves as a test says: a function has the socket of each connection."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

Script = Callable[[socket.socket], None]


@contextmanager
def scripted(script: Script) -> Iterator[int]:
    """Run ``script`` for each connection, one at a time, which it may leave open; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_serve, args=(listener, script), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def answering(*answers: bytes) -> Script:
    """Greet, then send an answer each time the client sent something, and close instead of one more answer."""

    def script(client: socket.socket) -> None:
        client.sendall(b"220 scripted\r\n")
        for answer in answers:
            if not client.recv(65536):
                return
            client.sendall(answer)
        client.recv(65536)

    return script


def _serve(listener: socket.socket, script: Script) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.settimeout(20)
                script(client)
