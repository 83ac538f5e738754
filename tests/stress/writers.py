"""The processes: writers that say mixed calls, and one that changes the settings meanwhile."""

import multiprocessing
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from multiprocessing.synchronize import Event
from random import Random

from tests.model.harness.drivers import made
from tests.stress.commit_log import execute_recorded
from tests.stress.operations import OperationGenerator
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError
from workspace_operator.identity.values.rules import EmailUpdates
from workspace_operator.reconcile.model.actions import UpdateSettings
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.people import SQLPeople
from workspace_operator.store.repositories.workspaces import SQLWorkspaces
from workspace_operator.workspaces.model import Settings

WRITERS = 8
SECONDS_BETWEEN_SETTINGS = 0.2

Errors = list[str]
"""What callers should never have seen."""


def run(url: str, workspace_id: int, *, calls: int, seed: int) -> tuple[Errors, dict[int, Settings]]:
    """Let 8 processes write so many calls in all; what they saw go wrong, and the settings by their row version."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(WRITERS + 1) as pool:
        stopping = manager.Event()
        changing = pool.apply_async(change_settings, (url, workspace_id, stopping))
        work = [(url, workspace_id, number, seed, calls // WRITERS) for number in range(WRITERS)]
        errors = pool.starmap(write, work, chunksize=1)
        stopping.set()
        changed = changing.get(timeout=60)
    return [error for each in errors for error in each], changed


def write(url: str, workspace_id: int, number: int, seed: int, calls: int) -> Errors:
    """One writer."""
    generator = OperationGenerator(random=Random(f"{seed}/{number}"), name=f"writer-{number}")
    database = Database(url)
    people = SQLPeople(database, always_in_transaction=True)
    errors: Errors = []
    for asks in generator.generate(calls):
        try:
            answers = execute_recorded(people, workspace_id, made(asks), now=int(time.time()))
        except Exception:  # noqa: BLE001 - whatever it is, a caller has seen it
            errors.append(traceback.format_exc())
        else:
            generator.cio_ids.extend(_cio_ids(answers))
    database.close()
    return errors


def change_settings(url: str, workspace_id: int, stopping: Event) -> dict[int, Settings]:
    """Put other settings in force again and again."""
    database = Database(url)
    workspaces = SQLWorkspaces(database)
    known = workspaces.get(workspace_id)
    changed = {known.row_version: known.settings}
    variants = cycle((updates, merges) for updates in EmailUpdates for merges in (True, False))
    while not stopping.wait(SECONDS_BETWEEN_SETTINGS):
        updates, merges = next(variants)
        settings = replace(known.settings, email_updates=updates, merge_multi_identifier=merges)
        action = UpdateSettings(workspace_id=workspace_id, row_version=known.row_version, settings=settings)
        workspaces.apply(action, now=datetime.now(UTC))
        known = workspaces.get(workspace_id)
        changed[known.row_version] = known.settings
    database.close()
    return changed


def _cio_ids(answers: Sequence[CommandResultOrError]) -> list[str]:
    return [each.person.cio_id for each in answers if isinstance(each, CommandResult) and each.person is not None]
