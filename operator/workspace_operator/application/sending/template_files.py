"""Templates as files in Git: a folder per template, with ``template.yaml`` and the bodies beside it.

::

    receipt/
        template.yaml     subject, from, settings, and the subjects of other languages
        body.html         the default language
        body.txt          without it, the text part is made of the HTML
        body.de.html      a language of template.yaml
        body.amp.html     AMP, where a message has it

Bodies and subjects are Liquid. Other files are ignored.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from workspace_operator.application.ports import DEFAULT_LANGUAGE, TemplateContent, TemplateDraft, TemplateParser
from workspace_operator.application.sending.template_manifests import (
    LANGUAGE,
    LanguageManifest,
    TemplateManifest,
    check_trigger_name,
    read_manifest,
)
from workspace_operator.errors import InvalidInput
from workspace_operator.resources.documents import Toggle
from workspace_operator.resources.manifests import content_of, text_of
from workspace_operator.sending.messages import MessageContent

MANIFEST: Final = "template.yaml"

_PARTS = {"html": "body", "txt": "body_plain", "amp.html": "body_amp"}
_is_body = re.compile(rf"body(?:\.(?P<language>{LANGUAGE}))??\.(?P<kind>amp\.html|html|txt)").fullmatch
_is_meant_as_body = re.compile(r"body\b.*(?<!~)", re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """A file with a part of the content in one language."""

    file: Path
    language: str
    part: str
    text: str


def read_templates(paths: Iterable[Path], parser: TemplateParser) -> Sequence[TemplateDraft]:
    """Read templates: each path is the folder of one template, or a folder of such folders.

    Raises:
        InvalidInput: with all problems, one a line; each names the file, and the line where it can.
    """
    drafts: dict[str, tuple[Path, TemplateDraft]] = {}
    problems = []
    for folder in _template_folders(paths):
        try:
            draft = read_template(folder, parser)
        except InvalidInput as error:
            problems.append(str(error))
            continue
        first, _ = drafts.setdefault(draft.trigger_key, (folder, draft))
        if first != folder:
            problems.append(f"{folder}: its triggerName {draft.trigger_name!r} is already that of {first}: change one")
    if problems:
        raise InvalidInput("\n".join(problems))
    return [draft for _, draft in drafts.values()]


def read_template(folder: Path, parser: TemplateParser) -> TemplateDraft:
    """Read the template of one folder. Raises InvalidInput."""
    file = folder / MANIFEST
    manifest = read_manifest(file)
    trigger_name = manifest.trigger_name or folder.resolve().name
    if manifest.trigger_name is None:
        check_trigger_name(trigger_name, field=f"{folder}: triggerName")
    bodies = list(_bodies(folder))
    problems = [*_language_problems(folder, manifest, bodies), *_liquid_problems(file, manifest, bodies, parser)]
    if problems:
        raise InvalidInput("\n".join(problems))
    contents = {language: _content(manifest, language, bodies) for language in (DEFAULT_LANGUAGE, *manifest.languages)}
    return TemplateDraft(
        trigger_name=trigger_name,
        name=manifest.name or folder.resolve().name,
        description=manifest.description,
        send_to_unsubscribed=manifest.send_to_unsubscribed,
        open_tracking=manifest.open_tracking is Toggle.ENABLED,
        link_tracking=manifest.link_tracking is Toggle.ENABLED,
        hide_body=manifest.hide_body,
        queue_drafts=manifest.queue_drafts,
        contents=contents,
    )


def _template_folders(paths: Iterable[Path]) -> Sequence[Path]:
    """The folders of templates, each once. Raises InvalidInput if a path has none."""
    folders: dict[Path, Path] = {}
    for path in paths:
        found = [path] if (path / MANIFEST).exists() else _subfolders(path)
        if not found:
            raise InvalidInput(
                f"{path}: no template found: a template is a folder with a {MANIFEST}, and -f names such a folder, "
                "or a folder of them",
                field="-f",
            )
        folders |= {folder.resolve(): folder for folder in found}
    return list(folders.values())


def _subfolders(path: Path) -> Sequence[Path]:
    """The folders of templates in a folder, also those that lack their manifest but have a body."""
    if not path.is_dir():
        return []
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir())
    return [folder for folder in folders if (folder / MANIFEST).exists() or any(map(_names_body, folder.iterdir()))]


def _names_body(file: Path) -> bool:
    return bool(_is_body(file.name))


def _bodies(folder: Path) -> Iterator[_Body]:
    """The bodies of a template. Raises InvalidInput for a file that cannot be read, or has the wrong name."""
    for file in sorted(folder.iterdir()):
        named = _is_body(file.name)
        if named:
            yield _Body(
                file=file,
                language=named["language"] or DEFAULT_LANGUAGE,
                part=_PARTS[named["kind"]],
                text=_text(file),
            )
        elif _is_meant_as_body(file.name):
            raise InvalidInput(
                f"{file}: the name of a body is body.html, body.txt or body.amp.html, with a language such as "
                "body.de.html: rename the file"
            )


def _text(file: Path) -> str:
    """The text of a file, with the same line ends on every system. Raises InvalidInput."""
    try:
        return text_of(content_of(file)).replace("\r\n", "\n")
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error


def _language_problems(folder: Path, manifest: TemplateManifest, bodies: Sequence[_Body]) -> Iterator[str]:
    """Languages without a body, and bodies whose language has no subject."""
    languages = {DEFAULT_LANGUAGE, *manifest.languages}
    with_body = {body.language for body in bodies if body.part != "body_amp"}
    for language in sorted(languages - with_body):
        name = f"body.{language}" if language else "body"
        yield f"{folder / MANIFEST}: {name}.html and {name}.txt are missing: add one of them"
    for body in bodies:
        if body.language not in languages:
            yield f"{body.file}: {MANIFEST} has no languages.{body.language}: add it, with a subject"


def _liquid_problems(
    file: Path, manifest: TemplateManifest, bodies: Sequence[_Body], parser: TemplateParser
) -> Iterator[str]:
    """What the template language refuses, file by file."""
    parts = {f"languages.{name}": _head(manifest, language) for name, language in manifest.languages.items()}
    heads = [(file, prefix, head) for prefix, head in {"": _head(manifest, manifest), **parts}.items()]
    contents = [(body.file, "", _with_bodies(MessageContent(subject=""), [body])) for body in bodies]
    for source, prefix, content in [*heads, *contents]:
        try:
            parser.check(content, field=prefix)
        except InvalidInput as error:
            yield f"{source}: {error}"


def _head(manifest: TemplateManifest, part: TemplateManifest | LanguageManifest) -> MessageContent:
    """The content in a language without its bodies."""
    return MessageContent(
        subject=part.subject,
        preheader=manifest.preheader if part.preheader is None else part.preheader,
        sender=manifest.sender if part.sender is None else part.sender,
        reply_to=manifest.reply_to if part.reply_to is None else part.reply_to,
        headers=tuple(manifest.headers.items()),
    )


def _content(manifest: TemplateManifest, language: str, bodies: Sequence[_Body]) -> TemplateContent:
    head = _head(manifest, manifest.languages.get(language, manifest))
    content = _with_bodies(head, [body for body in bodies if body.language == language])
    return TemplateContent(content=content, cc=manifest.cc, bcc=manifest.bcc, fake_bcc=manifest.fake_bcc)


def _with_bodies(content: MessageContent, bodies: Sequence[_Body]) -> MessageContent:
    texts = {body.part: body.text for body in bodies}
    return replace(content, body=texts.get("body"), body_plain=texts.get("body_plain"), body_amp=texts.get("body_amp"))
