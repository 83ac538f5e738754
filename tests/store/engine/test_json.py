"""Documents of JSON columns as text."""

import json

import pytest

from workspace_operator.store.engine.sql import encode_json


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"plan": "pro", "a": 1},
        {"b": [1, 2.5, 1e16, -0.0, True, None], "a": {"nested": {}}},
        {"text": '"quoted" \\ \x7f\t\u2028 Zoë 🙂'},
        {"integer": 10**40},
        {"number": float("inf")},
    ],
)
def test_documents_are_written_as_by_the_json_module(document: object) -> None:
    assert encode_json(document) == json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def test_document_that_is_no_json_is_an_error() -> None:
    with pytest.raises(TypeError):
        encode_json({"at": object()})
