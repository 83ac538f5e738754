"""Templates are parsed when they are accepted: the error says which part, where, and why (sending §7)."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rendering.jobs import content
from workspace_operator.application.ports import Renderer, TemplateParser
from workspace_operator.errors import InvalidInput
from workspace_operator.rendering.processes import LiquidParser, RenderProcesses


@pytest.fixture(scope="module")
def processes() -> Iterator[RenderProcesses]:
    pool = RenderProcesses(None, processes=1)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def parser(processes: RenderProcesses) -> LiquidParser:
    return LiquidParser(processes)


def test_adapters_implement_their_ports(processes: RenderProcesses, parser: LiquidParser) -> None:
    renderer: Renderer = processes
    template_parser: TemplateParser = parser

    assert renderer.render([]) == []
    template_parser.check(content())


def test_valid_templates_are_accepted(parser: LiquidParser) -> None:
    parser.check(
        content(
            "{{ customer.name | default: 'you' }}",
            body="{% for item in trigger.items %}{{ item.price | round: 2 }}{% endfor %}",
            headers=(("X-A", "{{ customer.id }}"),),
        )
    )


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("subject", "subject"),
        ("sender", "from"),
        ("reply_to", "reply_to"),
        ("preheader", "preheader"),
        ("body", "body"),
        ("body_plain", "body_plain"),
        ("body_amp", "body_amp"),
    ],
)
def test_error_names_part_and_place(parser: LiquidParser, part: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parser.check(content(**{part: "a\n {{ b | nope }}"}))

    assert str(refused.value) == f"{field} is not valid Liquid at line 2, column 9: unknown filter 'nope'"
    assert refused.value.field == field


def test_error_names_the_prefix(parser: LiquidParser) -> None:
    with pytest.raises(
        InvalidInput, match=r"^contents\.de\.headers is not valid Liquid at line 1, column 1"
    ) as refused:
        parser.check(content(headers=(("X-A", "{{ a | }}"),)), field="contents.de")

    assert refused.value.field == "contents.de.headers"


@pytest.mark.parametrize("text", ["a" * 100_001, "é" * 50_001, "{{ a }}" + "\ud800" * 50_000])
def test_large_part_is_refused(parser: LiquidParser, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"body has \d+ bytes: send at most 100000"):
        parser.check(content(body=text))


@pytest.mark.parametrize("source", ["{{" * 50_000, "{{" + " " * 99_000 + "}}", "{% raw %}" * 11_000])
def test_template_that_parses_forever_is_refused(parser: LiquidParser, source: str) -> None:
    parser.check(content("{{ a }}"))
    processor_seconds = time.process_time()

    with pytest.raises(InvalidInput, match="takes longer than 1 s") as refused:
        parser.check(content(body=source), field="content")

    assert refused.value.field == "content"
    assert time.process_time() - processor_seconds < 0.5


def test_text_without_liquid_needs_no_process() -> None:
    pool = RenderProcesses(None)

    LiquidParser(pool).check(content("Hello", body="<p>{ not } % Liquid</p>"))

    assert pool._children == set()
    pool.close()


def test_parser_survives_what_it_refuses(parser: LiquidParser) -> None:
    parts: dict[str, Any] = {"body": "{{" * 50_000}
    with pytest.raises(InvalidInput):
        parser.check(content(**parts))

    parser.check(content("{{ a }}"))
