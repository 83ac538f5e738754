"""Folders of templates as a test writes them, and a parser that knows one mistake."""

from pathlib import Path

from workspace_operator.errors import InvalidInput
from workspace_operator.sending.messages import MessageContent

BROKEN = "{% broken"
MANIFEST = "subject: Hello\n"


class FakeParser:
    """Refuses parts that contain `BROKEN`."""

    def check(self, content: MessageContent, *, field: str = "") -> None:
        parts = {"subject": content.subject, "preheader": content.preheader, "body": content.body}
        for name, text in parts.items():
            if text and BROKEN in text:
                part = f"{field}.{name}" if field else name
                raise InvalidInput(f"{part}, line 1, column 1: the tag broken is unknown", field=part)


def template(folder: Path, manifest: str = MANIFEST, **bodies: str) -> Path:
    """A template's folder; in the names of bodies, ``_`` stands for a dot. Without any, it has body.html."""
    folder.mkdir(parents=True)
    (folder / "template.yaml").write_text(manifest, encoding="utf-8")
    for name, text in (bodies or {"body_html": "<p>Hello"}).items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder
