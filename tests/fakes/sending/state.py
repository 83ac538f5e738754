"""What a workspace holds of messages, in memory."""

from dataclasses import dataclass, field

from workspace_operator.application.ports import AddressBlock, NewDelivery, Template
from workspace_operator.sending.deliveries import ArchivedContent, Delivery


@dataclass(slots=True, kw_only=True)
class StoredDelivery:
    """A delivery, and the message that it was accepted with."""

    delivery: Delivery
    message: NewDelivery
    archived: ArchivedContent = field(default_factory=lambda: ArchivedContent(forgotten=True))


@dataclass(slots=True, kw_only=True)
class SendingState:
    """Deliveries by id, templates by trigger name in lower case, and blocks by kind and address."""

    deliveries: dict[str, StoredDelivery] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    blocks: dict[tuple[str, str], AddressBlock] = field(default_factory=dict)
