"""A club whose people are looked at one by one."""

from tests.console.cleanups.conftest import club, empty_club

__all__ = ["club", "empty_club"]
