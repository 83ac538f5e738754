"""Ids of deliveries on the command line: the stored one, which commands print, or the signed one of the API."""

import re
from typing import Annotated

import typer

from workspace_operator.cli.support.options import require_utf_8
from workspace_operator.cli.support.workspace_context import WorkspaceContext
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.tokens import read_unsigned

DeliveryID = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        callback=require_utf_8,
        help="The message: as in messages list, or as in the API.",
        show_default=False,
    ),
]
DeliveryIDs = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help="The messages: as in messages list, or as in the API.", show_default=False),
]

_is_stored_id = re.compile("[0-9a-fA-F]{24}").fullmatch


def delivery_id_of(text: str, context: WorkspaceContext) -> str:
    """Return the stored id. Raises InvalidInput for another text, NotFound for a message of another workspace."""
    if _is_stored_id(text):
        return text.lower()
    token = read_unsigned(text)
    if token is None:
        raise InvalidInput(
            f"ID {quoted(text)} is no id of a message: give the 24 digits of messages list, or a delivery_id of "
            "the API",
            field="ID",
        )
    if token.workspace_id != context.workspace_id:
        raise NotFound(
            f"the message {quoted(text)} belongs to workspace number {token.workspace_id}, not to {context.name}: "
            "workspacectl workspaces list shows names by number"
        )
    return token.delivery_id
