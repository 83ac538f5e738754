"""What no log line contains: passwords, keys and addresses of people, also from errors of libraries."""

import logging
from collections.abc import Callable

import pytest

from workspace_operator.bootstrap.logs import TEXT_FORMAT, JSONFormatter, TextFormatter, hide_secrets
from workspace_operator.log_lines import LogLine

SECRETS = [
    ("cannot reach postgresql://ann:s3cret@db:5432/shop", "cannot reach postgresql://***@db:5432/shop"),
    ("cannot reach postgresql://ann:s3/cr@et@db/shop", "cannot reach postgresql://***@db/shop"),
    ("host=db user=ann password=s3cret dbname=shop", "host=db user=ann password=*** dbname=shop"),
    ("Password: s3cret, try again", "Password: ***, try again"),
    ("Authorization: Basic YW5uOnMzY3JldDpzM2NyZXQ=", "Authorization: Basic ***"),
    ("Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "Authorization: Bearer ***"),
    (f"the key {'0a' * 32} is unknown", "the key *** is unknown"),
    ("550 <ann+shop@example.com>: no such mailbox", "550 <***>: no such mailbox"),
    ('"ann lee"@example.com'.replace(" ", "."), "***"),
    ("Key (email_key)=(ann@example.com) exists", "Key (email_key)=(***) exists"),
]
PLAIN = [
    "operator of workspacectl 0.1.0: database postgresql://db:5432/shop, cluster 7f1c, namespaces all",
    "basic authentication is off",
    "listening on http://127.0.0.1:8100",
    f"sha256 of {'0a' * 31}",
    "  @contextmanager",
]


@pytest.mark.parametrize(("text", "shown"), SECRETS)
def test_secret_is_replaced(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays(text: str) -> None:
    assert hide_secrets(text) == text


@pytest.mark.parametrize("formatter", [JSONFormatter, lambda: TextFormatter(TEXT_FORMAT)], ids=["json", "text"])
@pytest.mark.parametrize("place", ["message", "field", "list", "exception", "argument"])
def test_no_part_of_a_line_has_a_secret(formatter: Callable[[], logging.Formatter], place: str) -> None:
    secret = "postgresql://ann:s3cret@db/shop of ann@example.com"
    message: object = {
        "message": secret,
        "field": LogLine("", error=secret),
        "list": LogLine("", errors=(secret,)),
        "exception": "failed",
        "argument": "failed: %s",
    }[place]
    error = ValueError(secret)
    record = logging.LogRecord(
        "shop",
        logging.ERROR,
        __file__,
        1,
        message,
        (secret,) if place == "argument" else (),
        (type(error), error, None) if place == "exception" else None,
    )

    line = formatter().format(record)

    assert "s3cret" not in line
    assert "ann@example.com" not in line
    assert "***@db/shop of ***" in line
