"""The command line of a launcher: `python -m tests.… COMMAND`."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping

from tests.go_programs.failures import BuildUnavailable


def run_command(
    program: str,
    description: str | None,
    commands: Mapping[str, Callable[[], int]],
    failures: tuple[type[Exception], ...],
) -> int:
    """Run the command that the arguments name: its exit code, 1 after a failure, 69 where this machine cannot do it."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, command in commands.items():
        subparsers.add_parser(name, help=command.__doc__)
    try:
        return commands[parser.parse_args().command]()
    except BuildUnavailable as unavailable:
        print(unavailable, file=sys.stderr)
        return os.EX_UNAVAILABLE
    except failures as failure:
        print(failure, file=sys.stderr)
        return 1
