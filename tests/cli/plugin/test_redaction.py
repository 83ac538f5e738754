"""Redaction: what a support bundle never has, and what it keeps."""

import json
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.application.operator.api_keys import generate_api_keys
from workspace_operator.cli.plugin.redaction import redacted_log, redacted_text

KEY_BYTES = sha256(b"a key of this test").digest()
KEYS = generate_api_keys(lambda _: KEY_BYTES)
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQ\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("sent to ana@shop.example: 250 OK", "ana@shop.example"),
        ("RCPT TO:<Ana.Lopez+x@sub.shop.example>", "Lopez"),
        ("GET /api/v1/customers/ana%40shop.example 200", "shop.example"),
        ("J\u00f6rg <j\u00f6rg@m\u00fcnchen.example>", "m\u00fcnchen"),
        ('The display name "Ana Lopez" is taken', "Lopez"),
        ('a quote \\" in "Ana \\" Lopez" here', "Lopez"),
        ("id 'Ana Lopez' is invalid", "Lopez"),
        ("postgresql://owner:hunter2@db:5432/crm", "hunter2"),
        ("postgresql://owner:p@ss@db/crm", "p@ss"),
        ("postgresql://db/crm?user=owner&password=hunter2", "hunter2"),
        ("smtp_password: hunter2", "hunter2"),
        ("WORKSPACE_OPERATOR_SMTP_PASSWORD=hunter2", "hunter2"),
        ("Authorization: Basic c2l0ZTprZXk=", "c2l0ZTprZXk"),
        ("authorization=Bearer abc.def", "abc.def"),
        (f"site {KEYS.site_id} called", KEYS.site_id),
        (f"key={KEYS.api_key}", KEYS.api_key),
        (f"root {b64encode(KEY_BYTES).decode()} end", b64encode(KEY_BYTES).decode()[:40]),
        (f"root {urlsafe_b64encode(KEY_BYTES).decode()} end", urlsafe_b64encode(KEY_BYTES).decode()[:40]),
        (PEM, "MIIEvQIBADANBgkq"),
        (PEM.rpartition("\n")[0], "hkiG9w0BAQ"),
        ("client 203.0.113.7:443 closed", "203.0.113.7"),
        ("client 2001:db8:0:0:1:0:0:1 closed", "2001:db8"),
    ],
)
def test_secret_is_gone(text: str, secret: str) -> None:
    assert secret in text

    assert secret not in redacted_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "namespace=team-a name=shop generation=4 actions=UpdateSettings ready=True reason=InForce duration_ms=21",
        "17 of 28 people block the change to EmailOrID (duplicateEmail 11, invalidEmail 6)",
        "2026-11-29T05:30:12+00:00 workspace_operator_watch_age_seconds 12.5",
        "the database is 5d0c4e4e-54d4-4b67-9f4e-1f0f6a2a2d1b, revision 1004",
        "pod/workspace-operator-7d9c5b6f4d-x2x7k: 127.0.0.1:8080",
        "It is not in force: set spec.suspend to false.",
    ],
)
def test_rest_stays(text: str) -> None:
    assert redacted_text(text) == text


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789.", min_size=1, max_size=20))
def test_no_address_survives(name: str) -> None:
    text = f"x {name}@shop.example, y <{name}@shop.example> {name}@shop.example"

    assert "shop.example" not in redacted_text(text)


def test_json_lines_are_redacted_by_field() -> None:
    line = {
        "time": "2026-11-29T05:30:12Z",
        "namespace": "team-a",
        "name": "shop",
        "message": 'the display name "Ana Lopez" is taken by ana@shop.example',
        "duration_ms": 21,
        "ready": True,
        "api_key": "hunter2",
        "headers": {"Authorization": "Bearer hunter3"},
    }

    found = json.loads(redacted_log(json.dumps(line)))

    assert {name: found[name] for name in ("time", "namespace", "name", "duration_ms", "ready")} == {
        name: line[name] for name in ("time", "namespace", "name", "duration_ms", "ready")
    }
    assert not any(secret in json.dumps(found) for secret in ("Ana", "ana@", "hunter2", "hunter3"))


def test_log_of_both_forms_is_redacted() -> None:
    log = f'INFO a "Ana"\n{json.dumps({"message": "b@c.example"})}\n[1, "Eva"]\n{PEM}\nINFO end'

    found = redacted_log(log)

    assert found.splitlines()[-1] == "INFO end"
    assert not any(secret in found for secret in ("Ana", "b@c", "Eva", "MIIEv"))
