"""Handler of the events of Workspace resources."""

import kopf

from workspace_operator.application.operator.controller import Controller
from workspace_operator.resources.workspaces import GROUP, PLURAL, VERSION


def register(registry: kopf.OperatorRegistry, controller: Controller) -> None:
    """Register the watch of Workspace resources.

    Only raw events: Kopf's change detection would keep a copy of each spec in an annotation and hold every object
    by a finalizer. The handler only queues, so a backlog of events is processed at once.
    """

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def on_workspace_event(event: kopf.RawEvent, **_: object) -> None:
        document = event["object"]
        if event["type"] == "DELETED":
            controller.on_delete(document)
        elif event["type"] is None:  # Kopf's mark of a document from a list
            controller.on_list(document)
        else:
            controller.on_update(document)
