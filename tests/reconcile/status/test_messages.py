"""The words of statuses and events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reconcile.builders import OWNER, blocked, candidate, resource
from workspace_operator.migrations.model import ViolationCounts
from workspace_operator.reconcile.status import messages, migration_messages, ownership_messages


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Shop", '"Shop"'),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("a\nb\x1b[31m", '"a\\nb\\x1b[31m"'),
        ("\u202egnp", '"\\u202egnp"'),
        ("\ud800", '"\\ud800"'),
        ("Läden 🛍", '"Läden 🛍"'),
        ("x" * 121, '"' + "x" * 120 + '…"'),
    ],
)
def test_quotes_what_users_wrote(text: str, shown: str) -> None:
    assert messages.quoted(text) == shown


@given(st.text())
def test_quotes_never_break_lines(text: str) -> None:
    assert messages.quoted(text).isprintable()


def test_long_messages_are_cut() -> None:
    cut = messages.truncated("x" * 5000)

    assert cut == "x" * (messages.MESSAGE_LENGTH - 1) + "…"


@pytest.mark.parametrize(("count", "words"), [(0, "0 people"), (1, "1 person"), (2, "2 people")])
def test_counts_people_in_words(count: int, words: str) -> None:
    assert messages.format_people(count) == words


def test_blocked_without_counts_reads_well() -> None:
    words = migration_messages.blocked_details(blocked(violations=ViolationCounts()), resource())

    assert words.startswith("0 of 100 people block the change to EmailOrID. IDOnly and every other setting")


def test_longest_blocked_message_is_whole() -> None:
    most = 10**9
    counts = ViolationCounts(
        duplicate_email=most,
        invalid_email=most,
        suppressed_email=most,
        id_is_another_email=most,
        people_concerned=most,
    )
    only_duplicates = ViolationCounts(duplicate_email=most, people_concerned=most)
    longest = resource(namespace="n" * 63, name="n" * 241)

    for each in (counts, only_duplicates):
        words = migration_messages.blocked_details(blocked(violations=each, people_total=most), longest)

        assert messages.truncated(words) == words


def test_longest_name_is_shown_whole() -> None:
    name = "n" * 100

    assert f'"{name}"' in ownership_messages.name_taken(name, candidate(), OWNER, from_annotation=False)


def test_store_that_is_away_is_tried_again_by_whoever_is_there() -> None:
    in_cluster = messages.store_unavailable(resource(created_at="2026-01-01T00:00:00Z"))
    without_one = messages.store_unavailable(resource())

    assert in_cluster.endswith("The operator retries until it responds; the operator's log has the error.")
    assert without_one.endswith("Run `workspacectl apply` again once it responds.")
