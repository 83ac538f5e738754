"""JSON documents of people, activities, exports, workspaces and the audit log (track-api.md §2)."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from workspace_operator.application.ports import Activity, DeliveryRecord, Export, RecordedEntry
from workspace_operator.identity.merges.survivorship import is_true
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import ID_ONLY, Mode
from workspace_operator.workspaces.model import PeopleCounts, Workspace

IDENTIFIERS = ("id", "email", "cio_id")
_ABOUT_MESSAGES = frozenset({ActivityType.OPENED_EMAIL, ActivityType.CLICKED_EMAIL})


def result_document(person: Person) -> dict[str, Any]:
    """A person in the result of a lookup by email: all identifiers, in every mode."""
    return {"email": person.email, "id": person.id, "cio_id": person.cio_id}


def customer_document(person: Person, devices: Iterable[Device], mode: Mode) -> dict[str, Any]:
    """A person with all data; as the vendor does, attributes are text and include identifiers."""
    attributes = {name: text for name in IDENTIFIERS if (text := getattr(person, name)) is not None}
    attributes |= {name: attribute_text(value) for name, value in person.attributes.items()}
    times = person.attribute_timestamps or {}
    return {
        "id": person.id,
        "identifiers": identifiers_document(person, mode),
        "attributes": attributes,
        "timestamps": {name: int(times.get(name, person.inserted_at)) for name in attributes},
        "unsubscribed": is_true(person.attributes.get("unsubscribed")),
        "devices": [device_document(device) for device in devices],
    }


def identifiers_document(subject: Person | Activity | DeliveryRecord, mode: Mode) -> dict[str, str | None]:
    """The identifiers of a person; in an IDOnly workspace the id only (identity-rules §7)."""
    if mode is ID_ONLY:
        return {"id": subject.id}
    return {"id": subject.id, "email": subject.email, "cio_id": subject.cio_id}


def attribute_text(value: AttributeValue) -> str:
    """A value as text: text unchanged, any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def device_document(device: Device) -> dict[str, Any]:
    """A device; ``id`` on the wire is its token."""
    return {
        "id": device.token,
        "platform": device.platform,
        "last_used": device.last_used,
        "attributes": device.attributes,
    }


def activity_document(activity: Activity, mode: Mode, message_id: Callable[[str], str | None]) -> dict[str, Any]:
    """An activity with the current identifiers of its person; null without a person.

    ``message_id`` gives the id of a delivery on the wire.
    """
    data = activity.data
    if activity.type in _ABOUT_MESSAGES:
        data = {**data, "delivery_id": message_id(data["delivery_id"])}
    optional = {"name": activity.name, "anonymous_id": activity.anonymous_id}
    return {
        "id": activity.activity_id,
        "type": activity.type.value,
        "timestamp": activity.at,
        "customer_id": activity.id,
        "customer_identifiers": None if activity.cio_id is None else identifiers_document(activity, mode),
        "data": data,
        **{name: text for name, text in optional.items() if text},
    }


def export_document(export: Export) -> dict[str, Any]:
    """An export; always done, because it is written in one transaction."""
    created_at = int(export.created_at.timestamp())
    return {
        "id": export.number,
        "type": "customers",
        "status": "done",
        "total": export.total,
        "failed": False,
        "description": export.description,
        "created_at": created_at,
        "updated_at": created_at,
    }


def workspace_document(workspace: Workspace, people: PeopleCounts, messages_sent: int) -> dict[str, Any]:
    """A workspace; ``messages_sent`` is of the current month."""
    return {
        "id": workspace.workspace_id,
        "name": workspace.settings.display_name,
        "people": people.total,
        "messages_sent": messages_sent,
    }


def audit_document(entry: RecordedEntry) -> dict[str, Any]:
    """An entry of the audit log."""
    return {
        "id": entry.entry_id,
        "timestamp": int(entry.at.timestamp()),
        "actor": entry.actor,
        "via": entry.via,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
    }
