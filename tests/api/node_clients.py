"""The vendor's Node client, installed into the cache that all checkouts share, and calls made with it."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.caches import cache_folder, locked

CLIENTS = Path(__file__).parent / "clients"
PACKAGES = CLIENTS / "package.json"
PROGRAM = CLIENTS / "calls.js"

INSTALL = ("install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--no-progress")
"""No lock: it would name a registry's address; the versions in package.json are exact, and have no dependencies."""


class NodeUnavailable(Exception):
    """There is no Node here, or its clients cannot be installed; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClients:
    """Where Node and its installed packages are.

    Attributes:
        node: the program.
        modules: the folder of the installed packages.
    """

    node: str
    modules: Path

    def call(self, package: str, environment: dict[str, str], given: dict[str, Any]) -> Sequence[dict[str, Any]]:
        """What each call of ``given["calls"]`` came to, in their order."""
        document = {"client": str(self.modules / package), **given}
        answered = subprocess.run(
            [self.node, PROGRAM],
            input=json.dumps(document),
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert answered.returncode == 0, answered.stderr
        answers: list[dict[str, Any]] = json.loads(answered.stdout)
        return answers


def installed() -> NodeClients:
    """The clients, installed when they are not there yet. Raises NodeUnavailable."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeUnavailable("there is no node with npm on PATH")
    name = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()[:16]
    folder = cache_folder() / f"node-clients-{name}"
    with locked(cache_folder() / "node-clients.lock"):
        if not (folder / "node_modules").exists():
            _install(npm, folder)
    return NodeClients(node=node, modules=folder / "node_modules")


def _install(npm: str, folder: Path) -> None:
    """Into a folder beside, so that a broken installation is never taken for a whole one."""
    beside = folder.with_suffix(".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    shutil.copy(PACKAGES, beside)
    try:
        result = subprocess.run([npm, *INSTALL], cwd=beside, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired as error:
        raise NodeUnavailable("npm did not install the clients within 5 minutes") from error
    if result.returncode != 0:
        raise NodeUnavailable(f"npm could not install the clients: {result.stderr.strip()[-300:]}")
    beside.rename(folder)
