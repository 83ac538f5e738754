"""Ports of messages: deliveries, templates, blocked addresses, and what a sender needs."""

from workspace_operator.application.ports.sending.address_blocks import (
    AddressBlock,
    AddressBlocks,
    BlockKind,
)
from workspace_operator.application.ports.sending.deliveries import (
    Accepted,
    AcceptResult,
    Deliveries,
    DeliveryQuery,
    DeliveryRecord,
    KeyReused,
    NewDelivery,
    PersonMissing,
    WaitingCounts,
)
from workspace_operator.application.ports.sending.queue import (
    EndedAttempt,
    Handover,
    NewAttempt,
    QueuedDelivery,
    RegisteredSender,
    Renderer,
    RoomLease,
    RoomStatus,
    SendingQueue,
    SendingTransaction,
    TemplateParser,
    TransportPool,
)
from workspace_operator.application.ports.sending.templates import (
    DEFAULT_LANGUAGE,
    Template,
    TemplateContent,
    TemplateDraft,
    Templates,
)
from workspace_operator.application.ports.sending.usage import MessageCounters

__all__ = [
    "DEFAULT_LANGUAGE",
    "AcceptResult",
    "Accepted",
    "AddressBlock",
    "AddressBlocks",
    "BlockKind",
    "Deliveries",
    "DeliveryQuery",
    "DeliveryRecord",
    "EndedAttempt",
    "Handover",
    "KeyReused",
    "MessageCounters",
    "NewAttempt",
    "NewDelivery",
    "PersonMissing",
    "QueuedDelivery",
    "RegisteredSender",
    "Renderer",
    "RoomLease",
    "RoomStatus",
    "SendingQueue",
    "SendingTransaction",
    "Template",
    "TemplateContent",
    "TemplateDraft",
    "TemplateParser",
    "Templates",
    "TransportPool",
    "WaitingCounts",
]
