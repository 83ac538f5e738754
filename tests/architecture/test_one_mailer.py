"""One place hands over messages: no other package can open a connection to an SMTP server (sending §7)."""

import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "operator" / "workspace_operator"
MAIL = SOURCE / "mail"

CONNECTING = {"smtplib", "aiosmtplib", "create_connection", "open_connection", "connect_ex", "sock_connect", "sendmail"}
"""Names by which a program opens a connection itself, or has a library send mail."""

OWN_NAMES = {SOURCE / "http_server" / "server.py": {"open_connection"}}
"""A variable of the HTTP server."""


def names(file: Path) -> set[str]:
    source = io.StringIO(file.read_text(encoding="utf-8"))
    return {token.string for token in tokenize.generate_tokens(source.readline) if token.type == tokenize.NAME}


def test_only_mail_opens_connections() -> None:
    found = {
        file: names(file) & CONNECTING - OWN_NAMES.get(file, set())
        for file in SOURCE.rglob("*.py")
        if MAIL not in file.parents
    }

    assert {str(file): used for file, used in found.items() if used} == {}


def test_dialogue_with_servers_is_never_logged() -> None:
    # smtplib's debug output has passwords.
    assert [str(file) for file in SOURCE.rglob("*.py") if names(file) & {"set_debuglevel", "debuglevel"}] == []


def test_mail_prints_nothing() -> None:
    assert [str(file) for file in MAIL.glob("*.py") if "print" in names(file)] == []


@pytest.mark.parametrize(
    "program",
    ["web.app", "bootstrap.servers", "bootstrap.operators", "handlers.operator", "cli.app", "rendering.processes"],
)
def test_programs_without_a_sender_load_no_smtp(program: str) -> None:
    code = f"import sys, workspace_operator.{program}; print('smtplib' in sys.modules)"
    environment = {"PYTHONPATH": str(SOURCE.parent)}

    loaded = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert loaded.stdout == "False\n"
