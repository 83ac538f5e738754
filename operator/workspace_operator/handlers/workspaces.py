"""What is heard of Workspace resources, handed to the attendant."""

import kopf

from workspace_operator.application.attending import Attendant
from workspace_operator.resources.workspaces import GROUP, PLURAL, VERSION


def register(registry: kopf.OperatorRegistry, attendant: Attendant) -> None:
    """Watch Workspace resources.

    Only raw events: Kopf's change detection would keep a copy of each spec in an annotation and hold every object
    by a finalizer.
    """

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    def heard(event: kopf.RawEvent, **_: object) -> None:
        if event["type"] == "DELETED":
            attendant.gone(event["object"])
        else:
            attendant.heard(event["object"])
