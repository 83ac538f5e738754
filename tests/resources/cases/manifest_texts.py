"""Texts of manifests, and what is said about those that must be refused."""

from dataclasses import dataclass
from textwrap import dedent, indent

from workspace_operator.resources.rules import Rule

HEAD = "apiVersion: workspace-operator.dev/v1alpha1\nkind: Workspace\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A manifest, the paths of all that is wrong with it, and a part of what is said about it."""

    title: str
    text: str
    paths: frozenset[str]
    kubectl_says: str
    we_say: str


def workspace(spec: str, metadata: str = "name: shop") -> str:
    """A manifest's text with the given lines below spec and metadata."""
    return f"{HEAD}metadata:\n{block(metadata)}spec:\n{block(spec)}"


def block(text: str) -> str:
    return indent(dedent(text).strip("\n") + "\n", "  ")


def bad(title: str, paths: str, spec: str, kubectl_says: str, we_say: str) -> Bad:
    """A bad spec; several paths are separated by spaces."""
    return bad_text(title, paths, workspace(spec), kubectl_says, we_say)


def bad_metadata(title: str, paths: str, metadata: str, kubectl_says: str, we_say: str) -> Bad:
    return bad_text(title, paths, workspace("displayName: Shop", metadata), kubectl_says, we_say)


def bad_text(title: str, paths: str, text: str, kubectl_says: str, we_say: str) -> Bad:
    return Bad(title=title, text=text, paths=frozenset(paths.split()), kubectl_says=kubectl_says, we_say=we_say)


def breaks(rule: Rule, title: str, text: str) -> Bad:
    """A manifest that breaks one rule in CEL."""
    return bad_text(title, rule.problem.path, text, rule.message, rule.message)


PATH_FORMAT = "is not a field of a Workspace"
