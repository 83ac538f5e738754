"""Send modes and their order, and the rules of a workspace (sending §3)."""

from itertools import pairwise, product

import pytest

from tests.sending.builders import rules
from workspace_operator.sending.rules import DEFAULT_TRANSPORT, SendMode, is_stricter, strictest

LOOSEST_FIRST = [SendMode.NORMAL, SendMode.TEST, SendMode.NEVER]
MODES = [*LOOSEST_FIRST, None]


def test_modes_have_an_order() -> None:
    assert set(LOOSEST_FIRST) == set(SendMode)
    assert all(is_stricter(stricter, looser) for looser, stricter in pairwise(LOOSEST_FIRST))
    assert is_stricter(SendMode.NEVER, SendMode.NORMAL)
    assert not any(is_stricter(mode, mode) for mode in SendMode)


@pytest.mark.parametrize(("first", "second"), list(product(MODES, MODES)))
def test_stricter_mode_counts_and_unknown_is_stricter_than_all(first: SendMode | None, second: SendMode | None) -> None:
    expected = MODES[max(MODES.index(first), MODES.index(second))]

    assert strictest(first, second) is expected


@pytest.mark.parametrize("mode", SendMode)
def test_modes_are_known_by_their_text(mode: SendMode) -> None:
    assert SendMode.known(str(mode)) is mode


@pytest.mark.parametrize("text", ["", "never", "NORMAL", "Normal ", "Digest", "None"])
def test_other_text_is_an_unknown_mode(text: str) -> None:
    assert SendMode.known(text) is None


@pytest.mark.parametrize(("named", "expected"), [(None, DEFAULT_TRANSPORT), ("", DEFAULT_TRANSPORT), ("fast", "fast")])
def test_transport_is_the_default_one_unless_named(named: str | None, expected: str) -> None:
    assert rules(transport=named).transport_name == expected
