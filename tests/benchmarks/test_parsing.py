"""How long it takes to parse an admitted object, against its whole validation."""

import pytest

from tests.benchmarks.measurement import alternating, at_most, print_table
from tests.resources.cases.good_resources import GOOD
from tests.resources.validation.test_admitted import parsed, validated
from tests.resources.validation.test_client import only_document

OBJECTS = 200


@pytest.mark.bench
def test_admitted_object_is_parsed_quickly() -> None:
    document = only_document(GOOD["everything"])

    found = alternating(
        lambda: [parsed(document) for _ in range(OBJECTS)], lambda: [validated(document) for _ in range(OBJECTS)]
    )

    print_table(
        "Parsing of an admitted object",
        [
            at_most("parsed ÷ validated", found.best_ratio, 0.1),
            ("parsed", "", f"{min(found.ours) / OBJECTS * 1e6:.0f} µs"),
            ("validated", "", f"{min(found.bare) / OBJECTS * 1e6:.0f} µs"),
        ],
    )
    assert found.best_ratio <= 0.1
