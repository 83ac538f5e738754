"""Readiness of the write path: a store that answers and takes no writes is not ready, and asking never waits."""

import threading

import pytest

from tests.fakes.workspaces.write_path import FakeWritePath
from workspace_operator.application.health.probes import ProbeHandlers, combined_probes
from workspace_operator.application.health.write_monitor import (
    CHECK_INTERVAL_SECONDS,
    CHECK_TIMEOUT_SECONDS,
    WriteMonitor,
)
from workspace_operator.errors import StoreUnavailable


def test_store_is_not_ready_before_it_took_a_write() -> None:
    monitor = WriteMonitor(write_path=FakeWritePath())

    before = monitor.is_writable()
    monitor.check()

    assert (before, monitor.is_writable()) == (False, True)


@pytest.mark.parametrize("error", [StoreUnavailable("it is read-only"), ZeroDivisionError()])
def test_store_that_refuses_writes_is_not_ready_until_it_takes_them(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = FakeWritePath()
    monitor = WriteMonitor(write_path=path)
    told = []

    for each in (None, error, error, None, None):
        path.error = each
        monitor.check()
        told.append(monitor.is_writable())

    assert told == [True, False, False, True, True]
    assert caplog.text.count("does not accept writes") == 1, "the change is logged, not each check"
    assert caplog.text.count("accepts writes again") == 1


def test_check_that_does_not_end_is_as_bad_as_one_that_fails() -> None:
    now = [0.0]
    monitor = WriteMonitor(write_path=FakeWritePath(), monotonic=lambda: now[0])
    monitor.check()

    now[0] += CHECK_INTERVAL_SECONDS + CHECK_TIMEOUT_SECONDS
    in_time = monitor.is_writable()
    now[0] += 1

    assert (in_time, monitor.is_writable()) == (True, False)


def test_checks_go_on_until_they_are_to_end() -> None:
    stopping = threading.Event()

    class Stopping(FakeWritePath):
        def check_writable(self) -> None:
            self.checks += 1
            stopping.set()

    path = Stopping()
    WriteMonitor(write_path=path).run(stopping)

    assert path.checks == 1


def test_parts_of_a_process_answer_together() -> None:
    good = ProbeHandlers(is_ready=lambda: True, metrics=lambda: b"a 1\n")
    bad = ProbeHandlers(is_ready=lambda: False, metrics=lambda: b"b 2\n")

    assert combined_probes(good, good).is_ready()
    assert not combined_probes(good, bad).is_ready()
    assert combined_probes(good, bad).metrics() == b"a 1\nb 2\n"
    assert combined_probes().is_ready()
