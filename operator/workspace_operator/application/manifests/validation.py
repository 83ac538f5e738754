"""Validation of manifests without a store and without a cluster: each by itself, and all of them together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from workspace_operator.reconcile.status.messages import quoted
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.resources.kinds import manifest_problems
from workspace_operator.resources.manifests import Manifest, duplicate_problems, namespace_and_name
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import KIND, account_name_of

LocatedProblem = tuple[Manifest, Problem]


def validate_manifests(manifests: Sequence[Manifest]) -> Sequence[LocatedProblem]:
    """All problems of manifests, in their order.

    A manifest with problems of its own takes part in a check across documents if that one can read it.
    """
    found = [(manifest, problem) for manifest in manifests for problem in manifest_problems(manifest.document)]
    found += [located for rule in CROSS_DOCUMENT_RULES for located in rule(manifests)]
    order = {id(manifest): number for number, manifest in enumerate(manifests)}
    return sorted(found, key=lambda located: order[id(located[0])])


def resource_is_given_once(manifests: Sequence[Manifest]) -> Iterator[LocatedProblem]:
    """A resource has one manifest: of two, one would undo the other."""
    yield from duplicate_problems(filter(_has_name, manifests))


def display_name_is_unique_in_account(manifests: Sequence[Manifest]) -> Iterator[LocatedProblem]:
    """Two workspaces of an account have different display names, in any Unicode form."""
    holders: dict[tuple[str, str, str], Manifest] = {}
    for manifest in manifests:
        if not (_has_name(manifest) and _has_display_name(manifest)):
            continue
        holder = holders.setdefault(_account_and_name(manifest.document), manifest)
        if namespace_and_name(holder.document) != namespace_and_name(manifest.document):
            yield manifest, _name_taken(str(manifest.document["spec"]["displayName"]), holder)


CROSS_DOCUMENT_RULES: Sequence[Callable[[Sequence[Manifest]], Iterator[LocatedProblem]]] = (
    resource_is_given_once,
    display_name_is_unique_in_account,
)


def _has_name(manifest: Manifest) -> bool:
    metadata = manifest.document.get("metadata")
    return isinstance(metadata, Mapping) and isinstance(metadata.get("name"), str)


def _has_display_name(manifest: Manifest) -> bool:
    """Whether a manifest is one of a Workspace that says its display name and its account."""
    spec = manifest.document.get("spec")
    if manifest.document["kind"] != KIND or not isinstance(spec, Mapping):
        return False
    return isinstance(spec.get("displayName"), str) and isinstance(spec.get("accountName") or "", str)


def _account_and_name(document: Mapping[str, Any]) -> tuple[str, str, str]:
    spec = document["spec"]
    return namespace_and_name(document)[0], account_name_of(spec), comparison_key(spec["displayName"])


def _name_taken(name: str, holder: Manifest) -> Problem:
    """The problem that an apply reports as NameConflict, with the place of the other manifest."""
    form = "" if holder.document["spec"]["displayName"] == name else ", in another Unicode form"
    message = (
        f"The display name {quoted(name)} is taken by {'/'.join(namespace_and_name(holder.document))}{form} "
        f"({holder.location('spec.displayName')}). Choose another spec.displayName, or rename that workspace."
    )
    return Problem(path="spec.displayName", message=message)
