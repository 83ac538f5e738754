"""Raw paths: what they lead to, and how their segments are decoded (track-api.md §1)."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.responses import Response
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route, RouteMatch, RouteTable


async def nothing(_: Request) -> Response:
    return Response()


def route(method: str, pattern: str) -> Route:
    return Route(method, pattern, nothing, authentication=Authentication.TRACK, error_format=ErrorFormat.V1)


ROUTES = RouteTable(
    [
        route("PUT", "/customers/{ref}"),
        route("DELETE", "/customers/{ref}"),
        route("GET", "/customers/{ref}/attributes"),
        route("POST", "/customers/attributes"),
        route("GET", "/customers/me/devices"),
        route("DELETE", "/customers/{ref}/devices/{token}"),
    ]
)


def found(path: str) -> RouteMatch:
    result = ROUTES.find(path.encode())
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("segment", "meant"),
    [
        ("1%2F", "1/"),
        ("a%20b", "a b"),
        ("x%40y.z", "x@y.z"),
        ("x@y.z", "x@y.z"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("%2541", "%41"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("%C3%9F", "ß"),
        ("ß", "ß"),
        (".", "."),
        ("..", ".."),
        ("a;b=c", "a;b=c"),
        ("", ""),
    ],
)
def test_segment_is_decoded_once(segment: str, meant: str) -> None:
    assert found(f"/customers/{segment}").path_params == (meant,)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_encoded_text_arrives_as_it_was(text: str) -> None:
    path = f"/customers/{quote(text, safe='')}/devices/{quote(text, safe='')}"

    assert found(path).path_params == (text, text)


@given(st.binary(max_size=60))
def test_any_path_is_found_or_refused(raw: bytes) -> None:
    with suppress(InvalidInput):
        result = ROUTES.find(b"/customers/" + raw)

        assert result is None or all("\0" not in part for part in result.path_params)


@pytest.mark.parametrize(
    ("segment", "word"), [("%ff", "UTF-8"), ("%C3", "UTF-8"), ("%ED%A0%80", "UTF-8"), ("%00", "NUL")]
)
def test_text_that_no_store_can_hold_is_refused(segment: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        ROUTES.find(f"/customers/{segment}".encode())


@pytest.mark.parametrize(
    "path", ["", "/", "/customers", "/customers/1//", "//customers/1", "/Customers/1", "/customers/1/devices/2/3", "*"]
)
def test_other_paths_lead_nowhere(path: str) -> None:
    assert ROUTES.find(path.encode()) is None


def test_encoded_literal_is_the_same_path() -> None:
    assert found("/c%75stomers/1").path_params == ("1",)


def test_literal_wins_over_variable() -> None:
    assert set(found("/customers/attributes").routes) == {"POST"}
    assert found("/customers/me/devices").path_params == ()


def test_variable_is_tried_after_a_literal() -> None:
    assert found("/customers/me/attributes").path_params == ("me",)


@pytest.mark.parametrize(
    ("method", "path", "parts"),
    [
        ("PUT", "/customers/1/", ("1",)),
        ("GET", "/customers/1/attributes/", ("1",)),
        ("POST", "/customers/attributes/", ()),
        ("PUT", "/customers/", ("",)),
        ("PUT", "/customers/1%2F/", ("1/",)),
    ],
)
def test_slash_at_the_end_is_nothing(method: str, path: str, parts: tuple[str, ...]) -> None:
    found = ROUTES.find(path.encode(), method)

    assert found is not None
    assert method in found.routes
    assert found.path_params == parts


def test_methods_of_a_path_are_reported() -> None:
    assert found("/customers/1").allow_header == "DELETE, OPTIONS, PUT"
    assert found("/customers/1/attributes").allow_header == "GET, HEAD, OPTIONS"


def test_two_handlers_of_one_path_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two handlers"):
        RouteTable([route("GET", "/a/{one}"), route("GET", "/a/{other}")])
