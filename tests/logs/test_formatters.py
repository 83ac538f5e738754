"""Log lines: text for people, one JSON object for programs, with the fields of the line and of the reconcile."""

import json
import logging
from datetime import datetime

import pytest

from workspace_operator.bootstrap.logs import TEXT_FORMAT, JSONFormatter, TextFormatter
from workspace_operator.log_lines import FieldValue, LogLine, log_context


def record(message: object, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    """A record at level INFO."""
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("shop", logging.INFO, __file__, 1, message, arguments, exc_info)


def as_json(made: logging.LogRecord) -> dict[str, object]:
    """The object of a line, without its time."""
    text = JSONFormatter().format(made)
    assert "\n" not in text
    line: dict[str, object] = json.loads(text)
    assert datetime.fromisoformat(str(line.pop("time"))).tzinfo is not None
    return line


def as_text(made: logging.LogRecord) -> str:
    """A line, without its time."""
    return TextFormatter(TEXT_FORMAT).format(made).partition(" INFO ")[2]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"generation": 4}, "generation=4"),
        ({"actions": ()}, "actions=none"),
        ({"actions": ("CreateWorkspace", "RotateCredentials")}, "actions=CreateWorkspace,RotateCredentials"),
        ({"error": 'the "store" is away'}, r'error="the \"store\" is away"'),
        ({"error": ""}, 'error=""'),
        ({"error": "a=b"}, 'error="a=b"'),
    ],
)
def test_fields_are_keys_and_values(fields: dict[str, FieldValue], text: str) -> None:
    assert str(LogLine("", **fields)) == text


def test_message_follows_the_fields() -> None:
    assert str(LogLine("the reconcile failed", namespace="a", name="b")) == "namespace=a name=b: the reconcile failed"


def test_object_has_message_and_fields() -> None:
    line = as_json(record(LogLine("", namespace="a", actions=("UpdateSettings",), duration_ms=21)))

    assert line == {
        "level": "INFO",
        "logger": "shop",
        "message": "namespace=a actions=UpdateSettings duration_ms=21",
        "namespace": "a",
        "actions": ["UpdateSettings"],
        "duration_ms": 21,
    }


def test_field_cannot_replace_a_part_of_the_line() -> None:
    line = as_json(record(LogLine("", level="none", message="none")))

    assert (line["level"], line["message"]) == ("INFO", "level=none message=none")


def test_lines_of_a_reconcile_have_its_id() -> None:
    with log_context(reconcile="5e3f"):
        inside = record("%d rows", 3), record(LogLine("", namespace="a"))
        texts, objects = [as_text(made) for made in inside], [as_json(made) for made in inside]
    outside = record("%d rows", 3)

    assert texts == ["shop 3 rows reconcile=5e3f", "shop namespace=a reconcile=5e3f"]
    assert [line["reconcile"] for line in objects] == ["5e3f", "5e3f"]
    assert as_text(outside) == "shop 3 rows"
    assert "reconcile" not in as_json(outside)


def test_resource_of_a_line_of_kopf_is_named() -> None:
    made = record("Something went wrong")
    made.k8s_ref = {"apiVersion": "v1alpha1", "kind": "Workspace", "namespace": "team-a", "name": "shop", "uid": "u"}

    assert as_text(made) == "shop Something went wrong namespace=team-a name=shop"
    assert (as_json(made)["namespace"], as_json(made)["name"]) == ("team-a", "shop")


def test_exception_is_a_part_of_the_object() -> None:
    line = as_json(record("failed", error=ValueError("a fault\nin two lines")))

    exception = line["exception"]
    assert isinstance(exception, dict)
    assert (exception["type"], exception["message"]) == ("ValueError", "a fault\nin two lines")
    assert exception["traceback"] == "ValueError: a fault\nin two lines\n"


def test_warning_is_one_line() -> None:
    assert as_text(record("file.py:1: UserWarning: old\n")) == "shop file.py:1: UserWarning: old"
