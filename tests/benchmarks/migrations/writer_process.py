"""A writer at full speed, one call a transaction, that notes how long each call took. Run as a program.

    python -m tests.benchmarks.migrations.writer_process URL WORKSPACE PEOPLE NAME FILE

It says `ready` after its first calls, and ends with its standard input, or after `MOST_SECONDS`; then it writes two
doubles a call to FILE: when it began, on the clock that all processes of a machine share, and how long it took.
"""

import random
import sys
import time
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Thread

from workspace_operator import bootstrap
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode

MOST_SECONDS = 1800
FIRST_CALLS = 20
CHANGED_ATTRIBUTE, CHANGED_EMAIL = 0.85, 0.95
"""What of the calls is what; the rest is about somebody new."""


def calls(people: int, name: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Ids and what is said of them; no address is said twice, by whomever."""
    rng = random.Random(name)
    number = 0
    while True:
        number += 1
        draw = rng.random()
        address = f"{rng.randrange(2**32):010d}.{name}.{number}@example.org"
        if draw < CHANGED_ATTRIBUTE:
            yield f"user-{rng.randrange(people)}", {"score": number}
        elif draw < CHANGED_EMAIL:
            yield f"user-{rng.randrange(people)}", {"email": address}
        else:
            yield f"new-{name}-{number}", {"email": address, "plan": "pro", "city": "Oslo", "score": number}


def write(url: str, workspace_id: int, people: int, name: str) -> Iterator[tuple[float, float]]:
    """When each call began, and how long it took."""
    with bootstrap.open_store_lazily(url) as store:
        for id_, body in calls(people, name):
            call = identify_from_fields(reference_of_kind(id_, IdentifierKind.ID, Mode.ID_ONLY), body)
            start = time.perf_counter()
            [answer] = execute_commands(store.people, workspace_id, [call], now=int(time.time()))
            yield start, time.perf_counter() - start
            if not isinstance(answer, CommandResult):
                raise answer


def main(url: str, workspace_id: str, people: str, name: str, file: str) -> None:
    """Write until the standard input ends."""
    ending = Thread(target=sys.stdin.read, daemon=True)
    ending.start()
    limit = time.monotonic() + MOST_SECONDS
    noted = array("d")
    for both in write(url, int(workspace_id), int(people), name):
        noted.extend(both)
        if len(noted) == 2 * FIRST_CALLS:
            print("ready", flush=True)
        if not ending.is_alive() or time.monotonic() > limit:
            break
    Path(file).write_bytes(noted.tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
