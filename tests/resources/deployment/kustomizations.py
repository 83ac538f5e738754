"""Overlays as users write them, on top of those of ``manifests``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def overlay(
    folder: Path, *on: str, transformers: tuple[str, ...] = (), components: tuple[str, ...] = (), **settings: str
) -> Path:
    """A folder with a kustomization of folders of ``manifests``, with settings such as ``namespace``."""
    folder.mkdir()

    def relative(name: str) -> str:
        return os.path.relpath((ROOT / "manifests" / name).resolve(), folder.resolve())

    document: Mapping[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(map(relative, on)),
        "components": list(map(relative, components)),
        "transformers": list(map(relative, transformers)),
        **settings,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(document))
    return folder
