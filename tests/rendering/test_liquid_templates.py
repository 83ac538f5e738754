"""Liquid: filters that are allowed, limits, and errors with line and column (sending §7)."""

from typing import Any

import pytest
from liquid import Environment

from workspace_operator.errors import InvalidInput
from workspace_operator.rendering.filters import ALLOWED
from workspace_operator.rendering.liquid_templates import MAX_CACHED_CHARACTERS, LiquidTemplates


def text(source: str, **data: Any) -> str:
    return LiquidTemplates().render_text(source, data, field="body")


def problem(source: str) -> str:
    """Why a template is refused when it is accepted."""
    with pytest.raises(InvalidInput) as refused:
        LiquidTemplates().check(source, field="body")
    assert refused.value.field == "body"
    return str(refused.value)


def reason(source: str, **data: Any) -> str:
    """Why a template cannot be rendered."""
    with pytest.raises(InvalidInput) as refused:
        text(source, **data)
    return str(refused.value)


def test_allowed_filters_exist() -> None:
    assert Environment().filters.keys() >= ALLOWED


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("no Liquid", "no Liquid"),
        ("{{ name | upcase }}", "ÄNN"),
        ("{{ missing }}", ""),
        ("{{ missing.deeper | default: 'x' }}", "x"),
        ("{% for item in items %}{{ item }},{% endfor %}", "1,2,"),
        ("{{ items | join: '-' }}", "1-2"),
        ("{{ 'a,b' | split: ',' | reverse | first }}", "b"),
        ("{{ 3 | times: 4 | plus: 0.5 }}", "12.5"),
        ("{{ '3' | times: '4' }}", "12"),
        ("{{ 'aa' | replace: 'a', 'bc' }}", "bcbc"),
        ("{{ 'a' | append: 'b' | prepend: 'c' }}", "cab"),
        ("{{ 7 | append: 1 }}", "71"),
        ("{{ 717 | replace: 7, 'x' }}", "x1x"),
        ("{{ (1..3) | join: ',' }}", "1,2,3"),
        ("{{ 0 | date: '%Y' }}", "1970"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ],
)
def test_usual_liquid_is_rendered(source: str, expected: str) -> None:
    assert text(source, name="änn", items=[1, 2]) == expected


def test_only_html_is_escaped() -> None:
    templates, data = LiquidTemplates(), {"v": "<b> & 'x'"}

    assert templates.render_html("{{ v }}", data, field="body") == "&lt;b&gt; &amp; &#39;x&#39;"
    assert templates.render_html("{{ v | safe }}", data, field="body") == "<b> & 'x'"
    assert templates.render_text("{{ v }}", data, field="body") == "<b> & 'x'"


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("{{ a | nope }}", "line 1, column 8: unknown filter 'nope'"),
        ("x\n  {{ a | upcase | xx: 1 }}", "line 2, column 19: unknown filter 'xx'"),
        ("a\nb {% unknown %}", "line 2, column 6: unexpected tag 'unknown'"),
        ("{% if a %}", "line 1, column 11: expected tag endif"),
        ("a\n\n {% endif %}", "line 3, column 5: unexpected tag 'endif'"),
        ("ok {{ a", "line 1, column 4: expected '}}'"),
        ("ok {% if", "line 1, column 4: missing tag name or closing delimiter"),
        ("{{ b }}\n{% for x in y %} {{ x | }}{% endfor %}", "line 2, column 18: expected word"),
        ("{% if a %}{% elsif == %}{% endif %}", "column 20: expected a primitive expression"),
        ("{% case a %}{% when %}{% endcase %}", "line 1, column 16: missing expression"),
        ("{% include 'x' %}", "line 1, column 4: unexpected tag 'include'"),
        ("{% if a" + " and a" * 15_000 + "%}{% endif %}", "line 1, column 1: it is nested too deeply"),
        ("{% if a %}" * 31 + "{% endif %}" * 31, "nesting"),
    ],
    ids=lambda text: text[:30],
)
def test_broken_template_is_located(source: str, where: str) -> None:
    found = problem(source)

    assert found.startswith("body is not valid Liquid at line ")
    assert where in found


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{% for a in (1..101) %}{% for b in (1..101) %}x{% endfor %}{% endfor %}", "loop iteration limit"),
        ("{% for a in (1..9999999999) %}x{% endfor %}", "loop iteration limit"),
        ("{% assign a = text %}" + "{% assign a = a | append: a %}" * 20, "namespace limit"),
        ("{{ text | replace: 'a', text }}", "result of replace is larger"),
        ("{{ text | split: '' | join: text }}", "result of join is larger"),
        (
            "{{ text | append: text | append: text | append: text | append: text | append: text }}",
            "of append is larger",
        ),
        ("{{ text | prepend: text | prepend: text | prepend: text | prepend: text | prepend: text }}", "of prepend"),
        ("{{ long | split: '' }}", "result of split is larger"),
        ("{{ 9" + " | times: 99999999999999999999" * 70 + " }}", "result of times is larger"),
        ("{{ text" + " | base64_encode" * 40 + " }}", "result of base64_encode is larger"),
        ("{{ text | url_encode }}" * 60, "output stream limit"),
        ("{% capture a %}{{ text }}{{ text }}{% endcapture %}" * 3 + "{% assign b = a | upcase %}", "namespace limit"),
        ("{{ 'x' | slice: 'y' }}", "slice expected an integer"),
        ("{{ 1 | divided_by: 0 }}", "can't divide by 0"),
        ("{{ long | append: '\ud800' }}", "surrogates"),
    ],
    ids=lambda text: text[:40],
)
def test_growing_template_is_stopped(source: str, words: str) -> None:
    assert words in reason(source, text="a" * 9_999 if "split" in source else "a" * 99_999, long="a" * 10_001)


def test_parsed_templates_are_kept_within_a_limit() -> None:
    templates = LiquidTemplates()
    sources = [f"{number}" + "x" * 90_000 + "{{ a }}" for number in range(20)]

    for source in sources:
        templates.render_text(source, {}, field="body")
    kept = templates._parsed

    assert sum(len(source) for _, source in kept) <= MAX_CACHED_CHARACTERS
    assert (False, sources[-1]) in kept
    assert (False, sources[0]) not in kept


def test_template_used_last_is_kept_longest() -> None:
    templates = LiquidTemplates()
    sources = [f"{number}" + "x" * 90_000 + "{{ a }}" for number in range(12)]

    for source in sources:
        templates.render_text(sources[0], {}, field="body")
        templates.render_text(source, {}, field="body")

    assert (False, sources[0]) in templates._parsed


def test_text_and_html_are_kept_apart() -> None:
    templates, data = LiquidTemplates(), {"v": "<"}

    for _ in range(2):
        assert templates.render_text("{{ v }}", data, field="body") == "<"
        assert templates.render_html("{{ v }}", data, field="body") == "&lt;"
