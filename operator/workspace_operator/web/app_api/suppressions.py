"""Endpoints of blocked addresses, the vendor's suppressions of its mail server (sending §5.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workspace_operator.application.ports import AddressBlock, BlockKind
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.text_limits import quoted, stripped
from workspace_operator.web.app_api.app_routes import app_route
from workspace_operator.web.app_api.message_documents import block_document
from workspace_operator.web.app_api.message_pages import number_of
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Route

MAX_PAGE: Final = 1_000
DEFAULT_PAGE: Final = 1_000
MAX_OFFSET: Final = 1_000_000

KINDS: Final[Mapping[str, BlockKind]] = {
    "bounces": BlockKind.BOUNCE,
    "spam_reports": BlockKind.SPAM,
    "blocks": BlockKind.BLOCK,
    "invalid_emails": BlockKind.INVALID,
}
"""The kinds of block by the vendor's types."""
_TYPES: Final = {kind: name for name, kind in KINDS.items()}

REASON: Final = "added with the API"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionsAPI:
    """The endpoints; a message to a blocked address is dropped."""

    dependencies: Dependencies

    def search(self, request: Request) -> Response:
        """``GET /v1/esp/search_suppression/{email}``: the blocks of an address."""
        key = _address(request.path_params[0])
        found = self.dependencies.sending.address_blocks.find(request.caller.workspace_id, key)
        return Response(
            document={
                "category": _TYPES[found[0].kind] if found else "",
                "suppressions": [{**block_document(block), "category": _TYPES[block.kind]} for block in found],
            }
        )

    def list_blocks(self, request: Request) -> Response:
        """``GET /v1/esp/suppression/{type}?limit&offset``: the blocked addresses of a type."""
        kind = _kind(request.path_params[0])
        limit = _number(request.query, "limit", DEFAULT_PAGE, MAX_PAGE)
        offset = _number(request.query, "offset", 0, MAX_OFFSET)
        blocks = self.dependencies.sending.address_blocks
        found = blocks.list(request.caller.workspace_id, kind, limit=limit, offset=offset)
        document = {"category": _TYPES[kind], "suppressions": [block_document(block) for block in found]}
        return Response(document=document)

    def add(self, request: Request) -> Response:
        """``POST /v1/esp/suppression/{type}/{email}``: block an address."""
        kind, key = _kind(request.path_params[0]), _address(request.path_params[1])
        block = AddressBlock(kind=kind, email_key=key, since=self.dependencies.clock(), reason=REASON)
        self.dependencies.sending.address_blocks.add(request.caller.workspace_id, [block])
        return Response()

    def remove(self, request: Request) -> Response:
        """``DELETE /v1/esp/suppression/{type}/{email}``: unblock an address."""
        kind, key = _kind(request.path_params[0]), _address(request.path_params[1])
        if not self.dependencies.sending.address_blocks.remove(request.caller.workspace_id, kind, key):
            raise NotFound(f"{quoted(key)} is not in {_TYPES[kind]}: nothing was removed")
        return Response()


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of blocked addresses."""
    api, kind = SuppressionsAPI(dependencies=dependencies), "/v1/esp/suppression/{suppression_type}"
    return [
        app_route("GET", "/v1/esp/search_suppression/{email}", api.search),
        app_route("GET", kind, api.list_blocks, query=("limit", "offset")),
        app_route("POST", f"{kind}/{{email}}", api.add),
        app_route("DELETE", f"{kind}/{{email}}", api.remove),
    ]


def _kind(text: str) -> BlockKind:
    if text not in KINDS:
        raise NotFound(f"there is no suppression type {quoted(text)}: use one of {', '.join(KINDS)}")
    return KINDS[text]


def _address(text: str) -> str:
    key = email_key(stripped(text))
    if key is None:
        raise InvalidInput(f"{quoted(text)} is not a valid email address: correct it", field="email")
    return key


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    number = number_of(text)
    if number is None or number > most:
        raise InvalidInput(f"{name} {quoted(text)} must be a number of at most {most}", field=name)
    return number
