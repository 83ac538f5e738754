"""The control plane that `up` leaves running, one per checkout, and how to find and end it later."""

import shutil
import sys
from pathlib import Path
from typing import TextIO

from tests.caches import checkout_folder
from tests.controlplane.launcher import ControlPlane, Programs, left_running
from tests.processes import ProcessIdentity


def resident_folder() -> Path:
    return checkout_folder() / "controlplane"


def find() -> ProcessIdentity | None:
    """The process that `up` left running, if it still does."""
    return left_running(resident_folder())


def up(report: TextIO = sys.stderr) -> ControlPlane:
    """Start it, detached, unless it runs already."""
    server = ControlPlane.create(Programs.ready(report), resident_folder())
    if server.pid is None:
        server.start(detached=True)
    return server


def down() -> bool:
    """End it and delete what it held; False when it was not running."""
    identity = find()
    if identity is not None:
        identity.end()
    shutil.rmtree(resident_folder(), ignore_errors=True)
    return identity is not None
