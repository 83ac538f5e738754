"""Rows as CSV text are what Python's own writer makes of them."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.application.people.csv_export import csv_lines

cells = st.text(st.sampled_from(list("a,\"'\r\n; =é\x00\u2028")), max_size=4)
rows = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5)
)


@given(table=rows)
def test_lines_are_those_of_the_csv_writer(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)

    columns, *rest = table
    lines = list(csv_lines(columns, rest))

    assert "".join(lines) == text.getvalue()
    assert len(lines) == len(table)
