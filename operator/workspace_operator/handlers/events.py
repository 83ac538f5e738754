"""Handlers of the events of Workspaces and Accounts."""

import kopf

from workspace_operator.application.operator.controller import Controller, resource_key
from workspace_operator.resources import accounts, workspaces
from workspace_operator.resources.workspaces import GROUP, VERSION


def register_workspaces(registry: kopf.OperatorRegistry, controller: Controller) -> None:
    """Register the watch of Workspace resources.

    Only raw events: Kopf's change detection would keep a copy of each spec in an annotation and hold every object
    by a finalizer. The handler only queues, so a backlog of events is processed at once.
    """

    @kopf.on.event(GROUP, VERSION, workspaces.PLURAL, registry=registry)
    async def on_workspace_event(event: kopf.RawEvent, **_: object) -> None:
        if event["type"] == "DELETED":
            controller.on_delete(event["object"])
        else:
            _on_change(event, controller)


def register_accounts(registry: kopf.OperatorRegistry, controller: Controller) -> None:
    """Register the watch of Account resources; what a deleted one has put in force is removed by a worker."""

    @kopf.on.event(GROUP, VERSION, accounts.PLURAL, registry=registry)
    async def on_account_event(event: kopf.RawEvent, **_: object) -> None:
        if event["type"] == "DELETED":
            controller.on_missing(resource_key(event["object"]))
        else:
            _on_change(event, controller)


def _on_change(event: kopf.RawEvent, controller: Controller) -> None:
    if event["type"] is None:  # Kopf's mark of a document from a list
        controller.on_list(event["object"])
    else:
        controller.on_update(event["object"])
