"""Parsing of a document of the API server, or of a manifest, into a `Resource` or an `AccountResource`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from workspace_operator.reconcile.model.account_resources import AccountResource, desired_account_of
from workspace_operator.reconcile.model.desired import InvalidSpec, Resource, desired_state_of
from workspace_operator.resources.parsing import parse, parse_account
from workspace_operator.resources.problems import InvalidResource
from workspace_operator.resources.workspaces import DeletionPolicy

Desired = TypeVar("Desired")


def parse_resource(document: Mapping[str, Any]) -> Resource:
    """Parse a resource; an invalid spec becomes an `InvalidSpec` with all of its problems."""
    metadata = document["metadata"]
    spec = document.get("spec")
    readable = spec if isinstance(spec, Mapping) else {}
    status = document.get("status")
    return Resource(
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        generation=metadata.get("generation", 1),
        desired=_valid(lambda: desired_state_of(parse(document).spec)),
        suspended=readable.get("suspend") is True,
        deletion_policy=_deletion_policy(readable.get("deletionPolicy")),
        deleting=metadata.get("deletionTimestamp") is not None,
        created_at=metadata.get("creationTimestamp") or "",
        annotations=metadata.get("annotations") or {},
        finalizers=tuple(metadata.get("finalizers") or ()),
        status=status if isinstance(status, Mapping) else {},
    )


def parse_account_resource(document: Mapping[str, Any]) -> AccountResource:
    """Parse an Account; an invalid spec becomes an `InvalidSpec` with all of its problems."""
    metadata, status = document["metadata"], document.get("status")
    return AccountResource(
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        generation=metadata.get("generation", 1),
        desired=_valid(lambda: desired_account_of(parse_account(document).spec)),
        deleting=metadata.get("deletionTimestamp") is not None,
        created_at=metadata.get("creationTimestamp") or "",
        annotations=metadata.get("annotations") or {},
        status=status if isinstance(status, Mapping) else {},
    )


def _valid(desired: Callable[[], Desired]) -> Desired | InvalidSpec:
    try:
        return desired()
    except InvalidResource as error:
        return InvalidSpec(problems=error.problems)


def _deletion_policy(value: object) -> DeletionPolicy:
    return DeletionPolicy.DELETE if value == DeletionPolicy.DELETE.value else DeletionPolicy.RETAIN
