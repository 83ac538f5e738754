"""Validation of metadata, as Kubernetes does it for every object."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workspace_operator.resources.kubectl.validation import Schema, findings
from workspace_operator.resources.problems import FieldPath, Problem, format_path, truncated

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_LABEL = re.compile(LABEL)
DNS_SUBDOMAIN = re.compile(rf"{LABEL}(\.{LABEL})*")
WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
WORD_LIMIT, NAME_LIMIT, ANNOTATIONS_LIMIT_BYTES = 63, 253, 256 * 1024

TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
OWNER: Schema = {
    "type": "object",
    "properties": {
        "apiVersion": TEXT,
        "kind": TEXT,
        "name": TEXT,
        "uid": TEXT,
        "controller": FLAG,
        "blockOwnerDeletion": FLAG,
    },
}
METADATA: Schema = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "generateName": TEXT,
        "namespace": TEXT,
        "labels": TEXTS,
        "annotations": TEXTS,
        "finalizers": {"type": "array", "items": TEXT},
        "ownerReferences": {"type": "array", "items": OWNER},
        "managedFields": {"type": "array", "x-kubernetes-preserve-unknown-fields": True},
        "uid": TEXT,
        "resourceVersion": TEXT,
        "generation": NUMBER,
        "creationTimestamp": TIME,
        "deletionTimestamp": TIME,
        "deletionGracePeriodSeconds": NUMBER,
        "selfLink": TEXT,
    },
}

A_WORD = "letters, digits, '-', '_' and '.' that begin and end with a letter or digit, at most 63"
A_LABEL = "lower-case letters, digits and '-' that begin and end with a letter or digit, at most 63"
A_NAME = "lower-case letters, digits, '-' and '.' that begin and end with a letter or digit, at most 253"
A_KEY = f"{A_WORD}, with or without a DNS name and '/' before them"


def undecodable(metadata: Any) -> list[Problem]:
    """Problems of values whose type no client can decode; they prevent further validation."""
    return [field_problem(finding.problem) for finding in findings(METADATA, metadata, ("metadata",))]


def field_problem(problem: Problem) -> Problem:
    """A problem in the format of clients: the path ends at a field of metadata, the message has the rest."""
    field = ".".join(re.split(r"[.\[]", problem.path)[:2])
    inside = problem.path.removeprefix(field).lstrip(".")
    return Problem(path=field, message=f"{inside} {problem.message}".lstrip())


def metadata_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems of decodable metadata (without nulls)."""
    yield from name_problems(metadata)
    for key, value in metadata.get("labels", {}).items():
        yield from key_problems(key, ("metadata", "labels"))
        if value and not is_word(value):
            yield problem_at(("metadata", "labels"), f"the value of {truncated(key, 80)!r} must be {A_WORD}")
    for key in metadata.get("annotations", {}):
        yield from key_problems(key.lower(), ("metadata", "annotations"))
    if annotation_bytes(metadata) > ANNOTATIONS_LIMIT_BYTES:
        yield problem_at(("metadata", "annotations"), f"must be at most {ANNOTATIONS_LIMIT_BYTES} bytes in all")
    for finalizer in metadata.get("finalizers", ()):
        yield from key_problems(finalizer, ("metadata", "finalizers"))
    yield from owner_problems(metadata)


def name_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems of name and namespace; a name is required."""
    name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
    if not name:
        yield problem_at(("metadata", "name"), "must be given: it identifies the resource")
    elif not fits(name, DNS_SUBDOMAIN, NAME_LIMIT):
        yield problem_at(("metadata", "name"), f"must be {A_NAME}")
    if namespace and not fits(namespace, DNS_LABEL, WORD_LIMIT):
        yield problem_at(("metadata", "namespace"), f"must be {A_LABEL}")


def key_problems(key: str, path: FieldPath) -> Iterator[Problem]:
    """The problems of a label or annotation key, or a finalizer: a word with an optional DNS prefix."""
    prefix, slash, word = key.rpartition("/")
    if not is_word(word) or (slash and not fits(prefix, DNS_SUBDOMAIN, NAME_LIMIT)):
        yield problem_at(path, f"{truncated(key, 80)!r} must be {A_KEY}")


def owner_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems of incomplete owner references; the API server omits the index in the path."""
    for owner in metadata.get("ownerReferences", ()):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                yield problem_at(("metadata", "ownerReferences", name), "must be given")


def problem_at(path: FieldPath, message: str) -> Problem:
    """A problem at a path."""
    return Problem(path=format_path(path), message=message)


def is_word(text: str) -> bool:
    """Whether a text is a valid label value, or a valid key without its prefix."""
    return fits(text, WORD, WORD_LIMIT)


def fits(text: str, pattern: re.Pattern[str], limit: int) -> bool:
    """Whether a text matches a pattern and a maximum length."""
    return len(text) <= limit and pattern.fullmatch(text) is not None


def annotation_bytes(metadata: Mapping[str, Any]) -> int:
    """The size of the annotations as Kubernetes counts it: the bytes of all keys and values."""
    return sum(len(f"{key}{value}".encode()) for key, value in metadata.get("annotations", {}).items())
