"""Settings of transports: a YAML file with a list of them, or one in the environment (sending §4.1)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from workspace_operator.errors import InvalidInput
from workspace_operator.mail.transport_documents import TransportDocument, field_names
from workspace_operator.mail.transport_urls import document_of_url
from workspace_operator.sending.transports import Transport

URL_VARIABLE: Final = "WORKSPACE_OPERATOR_SMTP"
PASSWORD_VARIABLE: Final = "WORKSPACE_OPERATOR_SMTP_PASSWORD_FILE"  # noqa: S105 - the name of a variable
MAX_FILE_BYTES: Final = 1024 * 1024


def load_transports(file: Path | None, environment: Mapping[str, str]) -> tuple[Transport, ...]:
    """Read the transports of a file; without one, the transport of the environment, if there is one.

    Raises:
        InvalidInput: with every problem: file, transport, field and what to do.
    """
    if file is not None:
        return _parsed(_documents(file), str(file), file.parent)
    url = environment.get(URL_VARIABLE, "")
    if not url:
        return ()
    document = document_of_url(url, environment.get(PASSWORD_VARIABLE, ""), variable=URL_VARIABLE)
    return _parsed([document], URL_VARIABLE, Path())


def _documents(file: Path) -> Sequence[Any]:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{file}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput(f"{file}: is larger than {MAX_FILE_BYTES} bytes: it must be a list of transports")
    try:
        documents = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        line = f"line {place.line + 1}: " if place else ""
        # The cause is dropped: it shows lines of the file, and somebody may have written a password there.
        raise InvalidInput(f"{file}: {line}is not valid YAML: correct it") from None
    if not isinstance(documents, list):
        raise InvalidInput(f"{file}: must be a list of transports, such as '- name: default' and its fields")
    return documents


def _parsed(documents: Sequence[Any], source: str, folder: Path) -> tuple[Transport, ...]:
    transports: list[Transport] = []
    problems: list[str] = []
    for number, document in enumerate(documents, start=1):
        place = f"{source}: transport {_title(document, number)}"
        try:
            read = TransportDocument.model_validate(document)
        except ValidationError as error:
            problems += [f"{place}: {words}" for words in _problems(error)]
            continue
        problems += [f"{place}: {field} {words}" for field, words in read.problems()]
        transports.append(read.transport(folder))
    names = [transport.offer.name for transport in transports]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"{source}: {names.count(name)} transports are called {name!r}: rename all but one" for name in twice]
    if problems:
        raise InvalidInput("\n".join(problems))
    return tuple(transports)


def _title(document: Any, number: int) -> str:
    name = document.get("name") if isinstance(document, Mapping) else None
    return f"{number} ({name[:63]!r})" if isinstance(name, str) else str(number)


def _problems(error: ValidationError) -> list[str]:
    """The problems that pydantic found, without values, which can be secret."""
    return [_words(problem["type"], ".".join(map(str, problem["loc"])), problem["msg"]) for problem in error.errors()]


def _words(kind: str, field: str, message: str) -> str:
    if kind == "missing":
        return f"{field} is missing: set it"
    if kind == "extra_forbidden" and field == "password":
        return "password is not a field: write the password into a file, and its path into passwordFile"
    if kind == "extra_forbidden":
        return f"{field[:63]} is not a field: remove it; the fields are {', '.join(field_names())}"
    if kind == "too_short":
        return f"{field} is empty: list at least one"
    if not field:
        return "must be a mapping of fields: write it as 'host: smtp.example.com' and so on"
    return f"{field} is not valid: {message.removeprefix('Value error, ')}"
