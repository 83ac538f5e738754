"""The file ``template.yaml`` of a template: its fields, their defaults, and what is wrong with them, line by line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, check_text, invisible_characters, quoted
from workspace_operator.resources.documents import Toggle
from workspace_operator.resources.kubectl.yaml_documents import YamlDocument, documents_in
from workspace_operator.resources.manifests import content_of, text_of
from workspace_operator.resources.problems import FieldPath, format_path
from workspace_operator.sending.addresses import parse_mailbox, parse_mailboxes
from workspace_operator.sending.headers import check_headers, check_line
from workspace_operator.sending.requests.overrides import is_liquid

LANGUAGE: Final = "[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*"
"""A language as in HTML, such as ``de`` or ``pt-BR``."""
MAX_DESCRIPTION_BYTES: Final = 1000

_is_language = re.compile(LANGUAGE).fullmatch
_MESSAGES = {
    "extra_forbidden": "is not a field of a template: correct its spelling or remove it",
    "missing": "is required",
    "string_type": "must be text, not {value}: write it in quotes",
    "bool_type": "must be true or false, not {value}",
    "enum": "must be {expected}, not {value}",
    "model_type": "must be an object, not {value}",
    "mapping_type": "must be an object, not {value}",
    "dict_type": "must be an object, not {value}",
    "string_too_short": "must not be empty",
}


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", alias_generator=to_camel, use_attribute_docstrings=True
    )


Text = Annotated[str, Field(min_length=1)]


class LanguageManifest(_Part):
    """A further language of a template; what it leaves out is as in the default language, except the bodies."""

    subject: Text
    preheader: str | None = None
    sender: Annotated[str | None, Field(alias="from")] = None
    reply_to: str | None = None


class TemplateManifest(_Part):
    """The content of ``template.yaml``."""

    name: Text | None = None
    """For people; the folder's name by default."""
    description: str = ""
    trigger_name: Text | None = None
    """What requests call it; the folder's name by default. Compared without case."""
    subject: Text
    preheader: str | None = None
    sender: Annotated[str | None, Field(alias="from")] = None
    reply_to: str | None = None
    cc: str = ""
    bcc: str = ""
    fake_bcc: bool = False
    """Send each address of bcc a copy of its own."""
    headers: dict[str, str] = Field(default_factory=dict)
    send_to_unsubscribed: bool = True
    open_tracking: Annotated[Toggle, Field(strict=False)] = Toggle.ENABLED
    link_tracking: Annotated[Toggle, Field(strict=False)] = Toggle.ENABLED
    hide_body: bool = False
    """Do not archive the messages."""
    queue_drafts: bool = False
    """Keep messages as drafts until somebody sends them."""
    languages: dict[str, LanguageManifest] = Field(default_factory=dict)


def read_manifest(file: Path) -> TemplateManifest:
    """Read a file ``template.yaml``. Raises InvalidInput with the file, and every problem with its line."""
    try:
        found = list(documents_in(text_of(content_of(file))))
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error
    if len(found) != 1 or not isinstance(found[0].value, Mapping):
        raise InvalidInput(f"{file}: must be one object with the fields of a template, such as subject")
    [document] = found
    try:
        manifest = TemplateManifest.model_validate(_without_nulls(document.value))
    except ValidationError as error:
        lines = (_problem(document, problem) for problem in error.errors(include_url=False))
        raise InvalidInput("\n".join(f"{file}, {line}" for line in lines)) from error
    problems = [f"{file}, line {_line(document, path)}: {message}" for path, message in _value_problems(manifest)]
    if problems:
        raise InvalidInput("\n".join(problems))
    return manifest


def check_trigger_name(name: str, *, field: str) -> None:
    """Check what requests call a template. Raises InvalidInput."""
    check_text(name, field=field, limit=MAX_NAME_BYTES)
    if found := invisible_characters(name):
        raise InvalidInput(f"{field} {quoted(name)} contains invisible characters ({found}): remove them", field=field)
    if name.isdecimal():
        raise InvalidInput(
            f"{field} {quoted(name)} must not be a number, which requests read as the number of a template: "
            "add a letter",
            field=field,
        )


def _without_nulls(value: Any) -> Any:
    """A copy without fields that are null: they are as if absent."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(child) for name, child in value.items() if child is not None}
    return value


def _problem(document: YamlDocument, problem: Any) -> str:
    path: FieldPath = problem["loc"]
    message = _MESSAGES.get(problem["type"], "{value}: {words}").format(
        value=quoted(problem["input"]),
        expected=str(problem.get("ctx", {}).get("expected", "")).replace("'", ""),
        words=problem["msg"],
    )
    return f"line {_line(document, path)}: {format_path(path)}: {message}"


def _line(document: YamlDocument, path: FieldPath) -> int:
    """The line of a field, or of its nearest parent that has one."""
    while path not in document.lines:
        path = path[:-1]
    return document.lines[path]


def _value_problems(manifest: TemplateManifest) -> Iterator[tuple[FieldPath, str]]:
    """Problems that need more than the type of a value."""
    for path, check in _checks(manifest):
        try:
            check(path)
        except InvalidInput as error:
            yield path, str(error)


def _checks(manifest: TemplateManifest) -> Iterator[tuple[FieldPath, Any]]:
    if manifest.trigger_name is not None:
        yield ("triggerName",), lambda path: check_trigger_name(manifest.trigger_name or "", field=format_path(path))
    yield ("name",), lambda path: check_text(manifest.name or "", field=format_path(path), limit=MAX_NAME_BYTES)
    yield (
        ("description",),
        lambda path: check_text(manifest.description, field=format_path(path), limit=MAX_DESCRIPTION_BYTES),
    )
    yield ("headers",), lambda path: check_headers(tuple(manifest.headers.items()), field=format_path(path))
    yield ("cc",), lambda path: parse_mailboxes(manifest.cc, field=format_path(path))
    yield ("bcc",), lambda path: parse_mailboxes(manifest.bcc, field=format_path(path))
    parts: list[tuple[FieldPath, TemplateManifest | LanguageManifest]] = [((), manifest)]
    parts += [(("languages", name), language) for name, language in manifest.languages.items()]
    for prefix, part in parts:
        yield (*prefix, "subject"), _line_check(part.subject)
        yield (*prefix, "preheader"), _line_check(part.preheader or "")
        yield (*prefix, "from"), _address_check(part.sender, parse_mailbox)
        yield (*prefix, "replyTo"), _address_check(part.reply_to, parse_mailboxes)
    for name in manifest.languages:
        yield ("languages", name), _check_language


def _line_check(text: str) -> Any:
    return lambda path: check_line(text, field=format_path(path))


def _address_check(text: str | None, parse: Any) -> Any:
    """Check an address that has no Liquid, which only a message completes."""

    def check(path: FieldPath) -> None:
        if text is not None and not is_liquid(text):
            parse(text, field=format_path(path))

    return check


def _check_language(path: FieldPath) -> None:
    if not _is_language(str(path[-1])):
        raise InvalidInput(f"{format_path(path)} must be a language such as de or pt-BR")
