"""Metrics of the process itself: the version, and memory, processor time and open files as Linux reports them."""

import platform
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily


class BuildInfo:
    """A Prometheus collector of the versions, as labels of a gauge that is always 1."""

    def __init__(self, version: str) -> None:
        self._version = version

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauge."""
        info = GaugeMetricFamily(
            "workspace_operator_build_info", "Versions of the program and of Python.", labels=["version", "python"]
        )
        info.add_metric([self._version, platform.python_version()], 1)
        return (info,)


def process_text(version: str, *, is_shared: bool) -> bytes:
    """The metrics as Prometheus text.

    Processes that share a port (``is_shared``) give no ``process_…`` metrics: each scrape would reach another one.
    """
    registry = CollectorRegistry()
    if not is_shared:
        ProcessCollector(registry=registry)
    return generate_latest(BuildInfo(version)) + generate_latest(registry)
