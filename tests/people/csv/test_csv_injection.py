"""Cells that a spreadsheet would run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.people.fixtures import ImportEnv
from workspace_operator.application.people.csv_files.injection import escape, unescape, unescape_row

STARTS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001 - the wide signs are the point
TEXTS = st.text(st.sampled_from([*STARTS, "'", "a", "1", " ", '"', ",", ";", "é"]), max_size=6) | st.text()


@given(TEXTS)
def test_no_harmless_cell_is_a_formula(cell: str) -> None:
    assert not escape(cell).startswith(tuple(STARTS))


@given(TEXTS)
def test_original_takes_harmless_back(cell: str) -> None:
    assert unescape(escape(cell)) == cell


@given(TEXTS)
def test_what_is_no_formula_stays(cell: str) -> None:
    if not cell.lstrip("'").startswith(tuple(STARTS)):
        assert escape(cell) == unescape(cell) == cell


@given(st.lists(TEXTS))
def test_rows_are_taken_back_cell_by_cell(cells: list[str]) -> None:
    assert list(unescape_row([escape(cell) for cell in cells])) == cells


@pytest.mark.parametrize("start", STARTS)
def test_exports_run_nothing(env: ImportEnv, start: str) -> None:
    env.import_text(f'id,"{start}name"\n1,"{start}HYPERLINK(0)"\n'.replace('"\tname', '"x\tname'))

    text = env.export()

    assert f"'{start}HYPERLINK(0)" in text
