"""Ids of deliveries on the wire: signed, so that an id of another workspace or a guess names nothing."""

from workspace_operator.errors import NotFound
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.keys import Purpose, RootKey
from workspace_operator.sending.tokens import Token, sign, verify


def wire_id(workspace_id: int, delivery_id: str, key: RootKey) -> str:
    """The id of a delivery on the wire."""
    return sign(Token(workspace_id=workspace_id, delivery_id=delivery_id), Purpose.DELIVERY, key)


def stored_id(workspace_id: int, text: str, key: RootKey) -> str:
    """The id in the store. Raises NotFound, the same for a forged id and one of another workspace."""
    token = verify(text, Purpose.DELIVERY, key)
    if token is None or token.workspace_id != workspace_id:
        raise unknown_message(text)
    return token.delivery_id


def unknown_message(text: str) -> NotFound:
    """The error about an id that names no message of the workspace."""
    return NotFound(f"there is no message {quoted(text)}: GET /v1/messages lists the messages")
