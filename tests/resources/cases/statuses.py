"""Statuses: one that the API server takes, and changes to it that it refuses, each with the path of what is wrong."""

from typing import Any

TIME = "2026-01-31T12:00:00Z"
READY = {
    "type": "Ready",
    "status": "False",
    "observedGeneration": 3,
    "lastTransitionTime": TIME,
    "reason": "MigrationBlocked",
    "message": "12 people share their address",
}
GOOD_STATUS: dict[str, Any] = {
    "conditions": [
        READY,
        READY | {"type": "Stalled", "status": "True", "lastTransitionTime": "2026-01-31T12:00:00.123+01:00"},
    ],
    "observedGeneration": 3,
    "workspaceID": 7,
    "storeID": "0d6a3b1e-6a3e-4b7c-9d0f-2f3b8f2f8a11",
    "identifiers": {"mode": "IDOnly", "emailUpdates": "ByCioID", "idUpdates": "Never"},
    "people": {"total": 30, "withEmail": 20, "withoutID": 0},
    "sending": {
        "mode": "Test",
        "testAddress": "qa@example.com",
        "openTracking": "Disabled",
        "transport": "bulk",
        "waiting": 12,
        "inFlight": 3,
    },
    "migration": {
        "from": "IDOnly",
        "to": "EmailOrID",
        "onConflict": "Merge",
        "stage": "Blocked",
        "startTime": TIME,
        "completionTime": TIME,
        "estimatedCompletionTime": TIME,
        "peopleTotal": 30,
        "peopleChecked": 30,
        "peopleWithoutID": 4,
        "peopleWithoutIdentifier": 1,
        "peopleToMerge": 6,
        "peopleMerged": 5,
        "idsGivenUp": 3,
        "violations": {"duplicateEmail": 12, "invalidEmail": 1, "suppressedEmail": 1, "idIsAnotherEmail": 1},
        "peopleConcerned": 14,
        "export": 2,
    },
    "credentials": {"secretName": "shop-credentials", "rotationTime": TIME, "previousExpirationTime": TIME},
    "lastHandledReconcileAt": "now",
}


def with_ready(**changes: Any) -> dict[str, Any]:
    return {"conditions": [READY | changes]}


BAD_STATUSES: dict[str, tuple[str, dict[str, Any]]] = {
    "a reason with a space": ("status.conditions[0].reason", with_ready(reason="It waits")),
    "a reason with a line break": ("status.conditions[0].reason", with_ready(reason="Waits\n")),
    "an empty reason": ("status.conditions[0].reason", with_ready(reason="")),
    "a type with a space": ("status.conditions[0].type", with_ready(type="Is Ready")),
    "a status that is a boolean": ("status.conditions[0].status", with_ready(status=True)),
    "a status unknown": ("status.conditions[0].status", with_ready(status="Maybe")),
    "a time without its zone": (
        "status.conditions[0].lastTransitionTime",
        with_ready(lastTransitionTime="2026-01-31T12:00:00"),
    ),
    "a time that is not": (
        "status.conditions[0].lastTransitionTime",
        with_ready(lastTransitionTime="2026-02-31T12:00:00Z"),
    ),
    "a message without end": ("status.conditions[0].message", with_ready(message="x" * 32769)),
    "no message": ("status.conditions[0].message", with_ready(message=None)),
    "a generation too low": ("status.conditions[0].observedGeneration", with_ready(observedGeneration=-2)),
    "a generation too high": ("status.conditions[0].observedGeneration", with_ready(observedGeneration=2**53)),
    "a condition twice": ("status.conditions[1]", {"conditions": [READY, READY]}),
    "too many conditions": (
        "status.conditions",
        {"conditions": [READY | {"type": f"Type{number}"} for number in range(17)]},
    ),
    "conditions as a number": ("status.conditions", {"conditions": 1}),
    "a root generation too low": ("status.observedGeneration", {"observedGeneration": -2}),
    "people as text": ("status.people.total", {"people": {"total": "1"}}),
    "a mode unknown": ("status.identifiers.mode", {"identifiers": {"mode": "Email"}}),
    "a stage unknown": ("status.migration.stage", {"migration": {"from": "IDOnly", "to": "IDOnly", "stage": "Lost"}}),
    "an estimate that is no time": (
        "status.migration.estimatedCompletionTime",
        {"migration": {"from": "IDOnly", "to": "IDOnly", "stage": "Merging", "estimatedCompletionTime": "soon"}},
    ),
    "a conflict met otherwise": (
        "status.migration.onConflict",
        {"migration": {"from": "IDOnly", "to": "IDOnly", "stage": "Merging", "onConflict": "Ignore"}},
    ),
    "people below zero": (
        "status.migration.peopleToMerge",
        {"migration": {"from": "IDOnly", "to": "IDOnly", "stage": "Merging", "peopleToMerge": -1}},
    ),
    "a migration from nowhere": ("status.migration.from", {"migration": {"to": "IDOnly", "stage": "Blocked"}}),
    "a long name of a Secret": ("status.credentials.secretName", {"credentials": {"secretName": "x" * 254}}),
    "a rotation at no time": ("status.credentials.rotationTime", {"credentials": {"rotationTime": "yesterday"}}),
    "an empty identity of the store": ("status.storeID", {"storeID": ""}),
    "people beyond what JSON counts": ("status.people.total", {"people": {"total": 2**53}}),
    "an empty name of a Secret": ("status.credentials.secretName", {"credentials": {"secretName": ""}}),
    "an empty echo": ("status.lastHandledReconcileAt", {"lastHandledReconcileAt": ""}),
    "an empty message": ("status.conditions[0].message", with_ready(message="")),
    "a long echo": ("status.lastHandledReconcileAt", {"lastHandledReconcileAt": "x" * 257}),
}
