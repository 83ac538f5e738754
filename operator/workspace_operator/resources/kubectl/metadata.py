"""What Kubernetes asks of the metadata of every object, in as far as a manifest may get it wrong."""

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
    """Values of a type that no client can read; nothing else is looked at while there are any."""
    return [field_problem(finding.problem) for finding in findings(METADATA, metadata, ("metadata",))]


def field_problem(problem: Problem) -> Problem:
    """As clients say it: the path ends at a field of metadata, what is inside is told in words."""
    field = ".".join(re.split(r"[.\[]", problem.path)[:2])
    inside = problem.path.removeprefix(field).lstrip(".")
    return Problem(path=field, message=f"{inside} {problem.message}".lstrip())


def metadata_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with readable metadata (without nulls)."""
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
    """A name must be given, as nothing else tells one resource from another."""
    name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
    if not name:
        yield problem_at(("metadata", "name"), "must be given: nothing else tells one resource from another")
    elif not fits(name, DNS_SUBDOMAIN, NAME_LIMIT):
        yield problem_at(("metadata", "name"), f"must be {A_NAME}")
    if namespace and not fits(namespace, DNS_LABEL, WORD_LIMIT):
        yield problem_at(("metadata", "namespace"), f"must be {A_LABEL}")


def key_problems(key: str, path: FieldPath) -> Iterator[Problem]:
    """A key of labels or annotations, or a finalizer: a word, perhaps with a DNS name before it."""
    prefix, slash, word = key.rpartition("/")
    if not is_word(word) or (slash and not fits(prefix, DNS_SUBDOMAIN, NAME_LIMIT)):
        yield problem_at(path, f"{truncated(key, 80)!r} must be {A_KEY}")


def owner_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """An owner without its whole identity. The API server leaves the entry's number out of the path."""
    for owner in metadata.get("ownerReferences", ()):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                yield problem_at(("metadata", "ownerReferences", name), "must be given")


def problem_at(path: FieldPath, message: str) -> Problem:
    """A problem at a path."""
    return Problem(path=format_path(path), message=message)


def is_word(text: str) -> bool:
    """Whether text may be a label's value, or a key without its prefix."""
    return fits(text, WORD, WORD_LIMIT)


def fits(text: str, pattern: re.Pattern[str], limit: int) -> bool:
    """Whether all of a text has a shape, and is not too long."""
    return len(text) <= limit and pattern.fullmatch(text) is not None


def annotation_bytes(metadata: Mapping[str, Any]) -> int:
    """What Kubernetes counts: the bytes of all keys and values."""
    pairs = metadata.get("annotations", {}).items()
    return sum(len(f"{key}{value}".encode()) for key, value in pairs)
