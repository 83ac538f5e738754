"""Creation of what parses and renders Liquid, for commands: child processes that end with the command."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from workspace_operator.application.ports import Renderer, TemplateParser
from workspace_operator.sending.keys import RootKey


@contextmanager
def open_template_parser() -> Iterator[TemplateParser]:
    """Open a parser of templates."""
    from workspace_operator.rendering.processes import LiquidParser, RenderProcesses

    with closing(RenderProcesses(None, processes=1)) as processes:
        yield LiquidParser(processes)


@contextmanager
def open_renderer(root_key: RootKey | None) -> Iterator[Renderer]:
    """Open a renderer; without a root key, its messages have no tracking and no links for unsubscribing."""
    from workspace_operator.rendering.processes import RenderProcesses

    with closing(RenderProcesses(root_key, processes=1)) as processes:
        yield processes
