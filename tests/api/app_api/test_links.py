"""Links begin with what the server knows, never with whatever a client writes into the header Host."""

import pytest

from tests.api.threaded_server import ThreadedServer
from workspace_operator.web.core.base_urls import base_url

V4, V6, OUTSIDE = ("127.0.0.1", 8100), ("::1", 8100), ("192.0.2.7", 8100)


@pytest.mark.parametrize(
    ("server", "scheme", "host", "expected"),
    [
        (V4, "http", "127.0.0.1:8100", "http://127.0.0.1:8100"),
        (V4, "https", "localhost:8100", "https://localhost:8100"),
        (V4, "http", "LOCALHOST", "http://LOCALHOST"),
        (V4, "http", "localhost:9999", "http://localhost:9999"),  # a forwarded port
        (V6, "http", "[::1]:8100", "http://[::1]:8100"),
        (V6, "http", "127.0.0.2:1", "http://127.0.0.2:1"),
        (("::ffff:192.0.2.7", 8100), "http", "192.0.2.7:8100", "http://192.0.2.7:8100"),
        (OUTSIDE, "http", "192.0.2.7:8100", "http://192.0.2.7:8100"),
        (("192.0.2.7", 80), "http", "192.0.2.7", "http://192.0.2.7"),
        (("192.0.2.7", 443), "https", "192.0.2.7", "https://192.0.2.7"),
        (("people.example.com", 8443), "https", "people.example.com:8443", "https://people.example.com:8443"),
        (("people.example.com", 8443), "https", "people.example.com", ""),
        (("", 80), "http", "", ""),
        (OUTSIDE, "http", "192.0.2.7", ""),
        (OUTSIDE, "http", "192.0.2.7:8101", ""),
        (OUTSIDE, "http", "192.0.2.8:8100", ""),
        (OUTSIDE, "http", "localhost:8100", ""),
        (OUTSIDE, "http", "evil.example", ""),
        (V4, "http", "evil.example:8100", ""),
        (V4, "http", "localhost.evil.example", ""),
        (V4, "http", "", ""),
        (("/run/socket", None), "http", "localhost", ""),
        (None, "http", "localhost", ""),
    ],
)
def test_host_counts_only_where_it_is_the_server(
    server: tuple[str, int] | None, scheme: str, host: str, expected: str
) -> None:
    assert base_url({"server": server, "scheme": scheme}, host.encode()) == expected


def test_link_to_an_export_follows_no_host_that_is_made_up() -> None:
    api = ThreadedServer()
    workspace = api.open()
    with api.serving() as counter, counter.client(workspace.track) as client:
        made_up = client.get("/api/v1/accounts/region", headers={"host": "evil.example"})
        own = client.get("/api/v1/accounts/region")

    assert made_up.json()["url"] == ""
    assert own.json()["url"] == f"http://127.0.0.1:{counter.port}"
