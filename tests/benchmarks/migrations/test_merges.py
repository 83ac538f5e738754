"""A migration that merges people who share an address: its duration, and the rate of merging."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.benchmarks.bulk_data import ViolationShares
from tests.benchmarks.measurement import at_least, databases, print_table, seconds
from tests.benchmarks.migrations.environments import Environment, environment
from tests.benchmarks.migrations.processes import work
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage, Step

PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
RATE = 0.3
MERGING = (Stage.MERGING, Step.MERGE)
BARE = sa.text(
    "UPDATE person SET attributes = :attributes, inserted_at = inserted_at + 1"
    " WHERE workspace_id = :workspace_id AND email_key IN (SELECT email_key FROM person"
    " WHERE workspace_id = :workspace_id AND email_key IS NOT NULL GROUP BY email_key HAVING count(*) > 1)"
).bindparams(sa.bindparam("attributes", {"plan": "pro", "city": "Bergen", "score": 13}, type_=sa.JSON))


@pytest.mark.bench
@databases
@pytest.mark.parametrize("one_in", [200, 5])
def test_groups_are_merged(title: str, one_in: int, tmp_path: Path) -> None:
    with environment(title, tmp_path, PEOPLE, ViolationShares(sharing=one_in)) as env:
        bare = seconds(lambda: update_sharers(env))
        env.rest()
        report = work(env, OnConflict.MERGE)
        found = (report.stage, env.mode(), env.people(), env.emails_owned())

    groups = PEOPLE // one_in // 2
    merging = sum(map(report.spent, MERGING))
    print_table(
        f"Merge: {groups:,} pairs among {PEOPLE:,} people share an address, {title}",
        [
            ("whole change", "", f"{report.seconds:.2f} s"),
            ("of that until the cut-over, merging", "", f"{report.holds[-1][1] - report.start:.2f}, {merging:.2f} s"),
            ("groups merged per second", "", f"{groups / merging:,.0f}"),
            ("one UPDATE of as many people", "", f"{bare:.2f} s"),
            at_least("rate of merging against it", bare / merging, RATE),
            ("fence held at the switch", "", f"{1000 * report.longest_hold:.1f} ms"),
            ("worker's memory", "", f"{report.megabytes:.0f} MB"),
        ],
    )
    assert found == ("Completed", Mode.EMAIL_OR_ID, PEOPLE - groups, PEOPLE - groups)


def update_sharers(env: Environment) -> None:
    """Change everybody who shares an address by one statement."""
    env.database.writing(lambda connection: connection.execute(BARE, {"workspace_id": env.workspace_id}))
