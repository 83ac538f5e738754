"""The control plane that `make up` leaves running, one per user, and how to find and end it later."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from tests.caches import cache_folder
from tests.controlplane.launcher import ControlPlane, Programs
from tests.processes import ProcessIdentity


def resident_folder() -> Path:
    return cache_folder() / "up" / "controlplane"


def find() -> ProcessIdentity | None:
    """The process that runs now, whoever started it with `up`."""
    state = resident_folder() / "running.json"
    if not state.exists():
        return None
    identity = ProcessIdentity(**json.loads(state.read_text()))
    return identity if identity.is_running() else None


def up(report: TextIO = sys.stderr) -> ControlPlane:
    """Start it, detached, unless it runs already."""
    server = ControlPlane.create(Programs.ready(report), resident_folder())
    if find() is None:
        identity = server.start(detached=True)
        (resident_folder() / "running.json").write_text(json.dumps(asdict(identity)))
    return server


def down() -> bool:
    """End it and delete what it held; False when it was not running."""
    identity = find()
    if identity is not None:
        identity.end()
    shutil.rmtree(resident_folder(), ignore_errors=True)
    return identity is not None
