"""The kinds of our API group: the registry of what a manifest can be, and how a manifest of each kind is validated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workspace_operator.resources import parsing
from workspace_operator.resources.problems import Problem, truncated
from workspace_operator.resources.schema import ACCOUNT, WORKSPACE

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """A kind of resource. ``validate`` returns the problems for which ``kubectl apply`` would refuse a manifest."""

    name: str
    validate: Callable[[Json], Sequence[Problem]]


KINDS: Mapping[str, ResourceKind] = {
    kind.name: kind
    for kind in (
        ResourceKind(name=WORKSPACE.kind, validate=parsing.validate_manifest),
        ResourceKind(name=ACCOUNT.kind, validate=parsing.validate_account_manifest),
    )
}


def manifest_problems(document: Json) -> Sequence[Problem]:
    """The problems of a manifest of any kind of our API group, without a store and without a cluster.

    Rules about a change are not checked, since the resource that the manifest changes is unknown.
    """
    kind = KINDS.get(str(document.get("kind")))
    if kind is not None:
        return kind.validate(document)
    expected = " or ".join(KINDS)
    given = truncated(repr(document.get("kind")), 60)
    return (Problem(path="kind", message=f"must be {expected}, not {given}"),)
