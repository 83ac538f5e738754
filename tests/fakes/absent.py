"""The place of a port that no store in memory has: tests that use it need a database."""

from typing import Any


class AbsentPort:
    """Fails the test that calls it."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"a store in memory has no port with {name}: use a database")


def absent_port() -> Any:
    """Stands for any port."""
    return AbsentPort()
