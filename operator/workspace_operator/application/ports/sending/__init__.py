"""Ports of messages: deliveries, templates, blocked addresses, and what a sender needs."""

from typing import TYPE_CHECKING

from workspace_operator.lazy_names import lazy_names

if TYPE_CHECKING:
    from workspace_operator.application.ports.sending.address_blocks import AddressBlock as AddressBlock
    from workspace_operator.application.ports.sending.address_blocks import AddressBlocks as AddressBlocks
    from workspace_operator.application.ports.sending.address_blocks import BlockKind as BlockKind
    from workspace_operator.application.ports.sending.deliveries import Accepted as Accepted
    from workspace_operator.application.ports.sending.deliveries import AcceptResult as AcceptResult
    from workspace_operator.application.ports.sending.deliveries import Deliveries as Deliveries
    from workspace_operator.application.ports.sending.deliveries import DeliveryQuery as DeliveryQuery
    from workspace_operator.application.ports.sending.deliveries import DeliveryRecord as DeliveryRecord
    from workspace_operator.application.ports.sending.deliveries import KeyReused as KeyReused
    from workspace_operator.application.ports.sending.deliveries import NewDelivery as NewDelivery
    from workspace_operator.application.ports.sending.deliveries import PersonMissing as PersonMissing
    from workspace_operator.application.ports.sending.deliveries import WaitingCounts as WaitingCounts
    from workspace_operator.application.ports.sending.notices import Notice as Notice
    from workspace_operator.application.ports.sending.notices import NoticeKey as NoticeKey
    from workspace_operator.application.ports.sending.notices import NoticeKind as NoticeKind
    from workspace_operator.application.ports.sending.notices import Notices as Notices
    from workspace_operator.application.ports.sending.notices import NoticeState as NoticeState
    from workspace_operator.application.ports.sending.notices import NoticeUpdate as NoticeUpdate
    from workspace_operator.application.ports.sending.queue import EndedAttempt as EndedAttempt
    from workspace_operator.application.ports.sending.queue import Handover as Handover
    from workspace_operator.application.ports.sending.queue import NewAttempt as NewAttempt
    from workspace_operator.application.ports.sending.queue import QueuedDelivery as QueuedDelivery
    from workspace_operator.application.ports.sending.queue import RefusedMessages as RefusedMessages
    from workspace_operator.application.ports.sending.queue import RegisteredSender as RegisteredSender
    from workspace_operator.application.ports.sending.queue import Renderer as Renderer
    from workspace_operator.application.ports.sending.queue import SendingQueue as SendingQueue
    from workspace_operator.application.ports.sending.queue import SendingTransaction as SendingTransaction
    from workspace_operator.application.ports.sending.queue import TemplateParser as TemplateParser
    from workspace_operator.application.ports.sending.queue import TransportPool as TransportPool
    from workspace_operator.application.ports.sending.rooms import RoomLease as RoomLease
    from workspace_operator.application.ports.sending.rooms import RoomStatus as RoomStatus
    from workspace_operator.application.ports.sending.templates import DEFAULT_LANGUAGE as DEFAULT_LANGUAGE
    from workspace_operator.application.ports.sending.templates import Template as Template
    from workspace_operator.application.ports.sending.templates import TemplateContent as TemplateContent
    from workspace_operator.application.ports.sending.templates import TemplateDraft as TemplateDraft
    from workspace_operator.application.ports.sending.templates import Templates as Templates
    from workspace_operator.application.ports.sending.usage import MessageCounters as MessageCounters
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "workspace_operator.application.ports.sending.address_blocks": "AddressBlock AddressBlocks BlockKind",
            "workspace_operator.application.ports.sending.deliveries": (
                "AcceptResult Accepted Deliveries DeliveryQuery DeliveryRecord KeyReused NewDelivery "
                "PersonMissing WaitingCounts"
            ),
            "workspace_operator.application.ports.sending.notices": (
                "Notice NoticeKey NoticeKind NoticeState NoticeUpdate Notices"
            ),
            "workspace_operator.application.ports.sending.queue": (
                "EndedAttempt Handover NewAttempt QueuedDelivery RefusedMessages RegisteredSender Renderer "
                "SendingQueue SendingTransaction TemplateParser TransportPool"
            ),
            "workspace_operator.application.ports.sending.rooms": "RoomLease RoomStatus",
            "workspace_operator.application.ports.sending.templates": (
                "DEFAULT_LANGUAGE Template TemplateContent TemplateDraft Templates"
            ),
            "workspace_operator.application.ports.sending.usage": "MessageCounters",
        },
    )
