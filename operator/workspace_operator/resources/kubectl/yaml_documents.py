"""Reads the documents of a YAML text as kubectl does, with the line of every field.

PyYAML scans, parses and composes; ``scalars.py`` resolves the values of plain scalars. Duplicate keys and uncommon
tags are errors, whereas kubectl takes the last key or guesses.

A text is composed only after a pass over its events has checked its size and depth: the composer is recursive, in C
and without a limit of its own.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from workspace_operator.errors import InvalidInput
from workspace_operator.resources.kubectl.scalars import Scalar, plain_value
from workspace_operator.resources.problems import FieldPath, format_path, truncated

VALUES_LIMIT = 100_000
EVENTS_LIMIT = 3 * VALUES_LIMIT
"""Events per text: far more than a file of one megabyte has in practice."""
DEPTH_LIMIT = 50
TOO_MUCH = "is too large: too many values, too deep, or an alias of itself"

TAG = "tag:yaml.org,2002:"
STRING, MERGE, MAPPING, SEQUENCE = f"{TAG}str", f"{TAG}merge", f"{TAG}map", f"{TAG}seq"
SCALAR_TAGS = {type(None): f"{TAG}null", bool: f"{TAG}bool", int: f"{TAG}int", float: f"{TAG}float", str: STRING}


_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Characters that YAML forbids."""

Loader = type[Any]


def kubectl_loader(base: Loader) -> Loader:
    """A loader of PyYAML that resolves plain scalars as kubectl does."""

    class KubectlLoader(base):  # type: ignore[misc]  # the base is known only at run time
        def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
            """The tag of a node without an explicit tag."""
            if kind is not yaml.ScalarNode or value is None:
                return MAPPING if kind is yaml.MappingNode else SEQUENCE
            if not implicit[0]:
                return STRING
            return MERGE if value == "<<" else SCALAR_TAGS[type(plain_value(value))]

    return KubectlLoader


# The loader in C is libyaml, of which kubectl's library is a port; it is ten times as fast.
LOADER = kubectl_loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlDocument:
    """A document: its number in the text, its value, and the lines of its fields; both count from 1."""

    number: int
    value: Any
    lines: Mapping[FieldPath, int]


def documents_in(text: str, loader: Loader = LOADER) -> Iterator[YamlDocument]:
    """The documents of a text, without empty ones. Raises InvalidInput with the document and line."""
    refuse_forbidden_characters(text)
    refuse_excess(text, loader)
    nodes = yaml.compose_all(text, loader)
    number = 0
    while True:
        number += 1
        try:
            document = next_document(nodes, number)
        except InvalidInput as error:
            raise InvalidInput(f"document {number}, {error}") from error
        if document is None:
            return
        if document.value is not None:
            yield document


def refuse_forbidden_characters(text: str) -> None:
    """Raise InvalidInput, with the line, if a text has NUL or other control characters."""
    found = _FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise InvalidInput(f"line {line}: contains the character U+{ord(found[0]):04X}, which YAML forbids: remove it")


def refuse_excess(text: str, loader: Loader) -> None:
    """Raise InvalidInput if a text has too many events, or is too deep.

    Invalid YAML is ignored here, since the composer reports it.
    """
    number = depth = 0
    try:
        for count, event in enumerate(yaml.parse(text, loader)):
            number += isinstance(event, yaml.DocumentStartEvent)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if count > EVENTS_LIMIT or depth > DEPTH_LIMIT + 1:
                raise InvalidInput(f"document {number}, {yaml_error(TOO_MUCH, event.start_mark)}")
    except yaml.YAMLError:
        return


def next_document(nodes: Iterator[yaml.Node], number: int) -> YamlDocument | None:
    """The next document, even if it is empty; None at the end. Raises InvalidInput."""
    try:
        node = next(nodes, None)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or f"cannot be read as YAML: {' '.join(str(error).split())}"
        raise yaml_error(problem, getattr(error, "problem_mark", None)) from error
    if node is None:
        return None
    conversion = Conversion()
    return YamlDocument(number=number, value=conversion.value_of(node, ()), lines=conversion.lines)


def yaml_error(message: str, mark: Any) -> InvalidInput:
    """An error with its line."""
    return InvalidInput(f"line {mark.line + 1}: {message}" if mark else message)


@dataclass(slots=True)
class Conversion:
    """Converts the nodes of one document to JSON values. Aliases may repeat a node within the limits."""

    lines: dict[FieldPath, int] = field(default_factory=dict)
    _values: int = 0

    def value_of(self, node: yaml.Node, path: FieldPath) -> Any:
        """The value of a node at a path."""
        self._values += 1
        if self._values > VALUES_LIMIT or len(path) > DEPTH_LIMIT:
            raise yaml_error(TOO_MUCH, node.start_mark)
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == MAPPING:
            return self._fields_of(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == SEQUENCE:
            return [self.value_of(entry, (*path, number)) for number, entry in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return scalar_of(node)
        raise yaml_error(f"the tag {truncated(node.tag)} may not be used: write the value without it", node.start_mark)

    def _fields_of(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for key, child in node.value:
            if key.tag == MERGE:
                merged += self._merged_by(child, path)
                continue
            name = name_of(key)
            if name in fields:
                where = format_path((*path, name))
                raise yaml_error(f"{where}: is given twice: remove one of the two", key.start_mark)
            self.lines[(*path, name)] = key.start_mark.line + 1
            fields[name] = self.value_of(child, (*path, name))
        for inherited in merged:
            fields = inherited | fields
        return fields

    def _merged_by(self, node: yaml.Node, path: FieldPath) -> list[dict[str, Any]]:
        """The mappings of a merge key, in descending precedence."""
        entries = node.value if isinstance(node, yaml.SequenceNode) else [node]
        mappings = [entry for entry in entries if isinstance(entry, yaml.MappingNode)]
        if len(mappings) < len(entries):
            raise yaml_error("<< must be followed by an object, or a list of objects", node.start_mark)
        return [self.value_of(entry, (*path, "<<")) for entry in mappings]


def name_of(key: yaml.Node) -> str:
    """The name of a field: text, or a number or boolean as kubectl converts it."""
    value = scalar_of(key) if isinstance(key, yaml.ScalarNode) else None
    if value is None:
        raise yaml_error("a field's name must be text", key.start_mark)
    if isinstance(value, str | float):
        return str(key.value)
    return str(value).lower()


def scalar_of(node: yaml.ScalarNode) -> Scalar:
    """The value of a scalar, which must match its tag and be a JSON value. Raises InvalidInput."""
    value: Scalar = node.value if node.tag == STRING else plain_value(node.value)
    if node.tag == SCALAR_TAGS[float] and type(value) is int:
        value = float(value)
    if node.tag not in {SCALAR_TAGS[type(value)], MERGE}:
        message = f"{truncated(node.value)!r} may not be tagged {truncated(node.tag)}: write it without"
        raise yaml_error(message, node.start_mark)
    if isinstance(value, float) and not math.isfinite(value):
        raise yaml_error(f"{truncated(node.value)} is not a JSON number: quote it if it is text", node.start_mark)
    if isinstance(value, str) and not is_unicode(value):
        raise yaml_error("contains half a character (a lone surrogate)", node.start_mark)
    return value


def is_unicode(text: str) -> bool:
    """Whether a text can be encoded as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
