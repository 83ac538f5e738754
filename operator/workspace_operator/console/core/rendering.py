"""Templates: every value is escaped, an unknown one is an error, and no template comes from the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from workspace_operator.console.core.http import Page
from workspace_operator.console.core.static_files import StaticFiles
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.formats import number, visible
from workspace_operator.console.views.frames import Frame

FOLDER: Final = Path(__file__).parents[1] / "templates"


@dataclass(slots=True, kw_only=True)
class Renderer:
    """Renders pages and parts of them; may be called from several threads."""

    files: StaticFiles
    _environment: Environment = field(init=False)

    def __post_init__(self) -> None:
        """Create the environment. What templates get beside their view are pure functions."""
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals = {"text": text, "counted": counted, "static_path": self.files.path}
        self._environment.filters |= {"number": number, "visible": visible}

    def page(self, page: Page, frame: Frame) -> str:
        """A whole page."""
        return self._template(page).render(_values(page, frame))

    def parts(self, page: Page, frame: Frame, names: Sequence[str]) -> str:
        """Parts of a page, each as a template element that replaces the element of its name.

        Unknown names are left out: an element that has gone cannot be replaced.
        """
        template = self._template(page)
        context = template.new_context(_values(page, frame))
        blocks = {name: template.blocks[name] for name in names if name in template.blocks}
        return "".join(
            f'<template data-replaces="{page.part_ids.get(name, name)}">{"".join(block(context))}</template>'
            for name, block in blocks.items()
        )

    def _template(self, page: Page) -> Template:
        return self._environment.get_template(page.template)


def _values(page: Page, frame: Frame) -> dict[str, Any]:
    return {"frame": frame, "view": page.view}
