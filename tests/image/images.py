"""An image as a runtime sees it: its root file system and its configuration."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that is mounted.

    Attributes:
        root: its root file system.
        user: user and group, as numbers.
        entrypoint, command: the words that a container runs if it is given none.
        environment: lines ``NAME=VALUE``.
        folder: the working folder.
        healthcheck: the words that check the health; the first is the form, ``CMD``.
        labels: the OCI annotations.
        ports: such as ``8080/tcp``.
    """

    id: str
    root: Path
    user: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: tuple[str, ...]
    folder: str
    healthcheck: tuple[str, ...]
    labels: dict[str, str]
    ports: frozenset[str]

    @classmethod
    def of(cls, inspected: str, *, root: Path) -> Self:
        """From what `buildah inspect --type image` prints."""
        document: dict[str, Any] = json.loads(inspected)
        config = document["Docker"]["config"]
        return cls(
            id=document["FromImageID"],
            root=root,
            user=config["User"],
            entrypoint=tuple(config["Entrypoint"]),
            command=tuple(config["Cmd"]),
            environment=tuple(config["Env"]),
            folder=config["WorkingDir"],
            healthcheck=tuple(config["Healthcheck"]["Test"]),
            labels=config["Labels"],
            ports=frozenset(config["ExposedPorts"]),
        )

    @property
    def packages(self) -> Path:
        """The folder of the Python packages."""
        (folder,) = self.root.glob("opt/workspace-operator/lib/python3.*/site-packages")
        return folder
