"""The command line in this process, for pages whose commands need no shell."""

from tests.cli.conftest import run

__all__ = ["run"]
