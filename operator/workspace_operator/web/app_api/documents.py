"""The documents of the App API: people, activities, exports and workspaces as they are read back (track-api.md §2)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workspace_operator.application.ports import Activity, Export
from workspace_operator.identity.merges.survivorship import truthy
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import ID_ONLY, Mode
from workspace_operator.workspaces.model import PeopleCounts, Workspace

IDENTIFIERS = ("id", "email", "cio_id")


def result_document(person: Person) -> dict[str, Any]:
    """A person as a look-up by email shows them: who it is, in every mode."""
    return {"email": person.email, "id": person.id, "cio_id": person.cio_id}


def customer_document(person: Person, devices: Iterable[Device], mode: Mode) -> dict[str, Any]:
    """A person with all that is known of them; the vendor writes every attribute as text, identifiers among them."""
    attributes = {name: text for name in IDENTIFIERS if (text := getattr(person, name)) is not None}
    attributes |= {name: attribute_text(value) for name, value in person.attributes.items()}
    times = person.attribute_timestamps or {}
    return {
        "id": person.id,
        "identifiers": identifiers_document(person, mode),
        "attributes": attributes,
        "timestamps": {name: int(times.get(name, person.inserted_at)) for name in attributes},
        "unsubscribed": truthy(person.attributes.get("unsubscribed")),
        "devices": [device_document(each) for each in devices],
    }


def identifiers_document(subject: Person | Activity, mode: Mode) -> dict[str, str | None]:
    """The identifiers of a workspace's people; those of an IDOnly workspace have an id only (identity-rules §7)."""
    if mode is ID_ONLY:
        return {"id": subject.id}
    return {"id": subject.id, "email": subject.email, "cio_id": subject.cio_id}


def attribute_text(value: AttributeValue) -> str:
    """A value as text: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def device_document(device: Device) -> dict[str, Any]:
    """A device; its token is called id on the wire."""
    return {
        "id": device.token,
        "platform": device.platform,
        "last_used": device.last_used,
        "attributes": device.attributes,
    }


def activity_document(activity: Activity, mode: Mode) -> dict[str, Any]:
    """An activity, with the identifiers that its person has now; nobody's has none."""
    document: dict[str, Any] = {
        "id": activity.activity_id,
        "type": activity.type.value,
        "timestamp": activity.at,
        "customer_id": activity.id,
        "customer_identifiers": None if activity.cio_id is None else identifiers_document(activity, mode),
        "data": activity.data,
    }
    return document | _non_empty({"name": activity.name, "anonymous_id": activity.anonymous_id})


def export_document(export: Export) -> dict[str, Any]:
    """An export: it is written in one transaction, so whatever there is is done."""
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


def workspace_document(workspace: Workspace, people: PeopleCounts) -> dict[str, Any]:
    """A workspace; no messages are sent yet."""
    return {
        "id": workspace.workspace_id,
        "name": workspace.settings.display_name,
        "people": people.total,
        "messages_sent": 0,
    }


def _non_empty(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}
