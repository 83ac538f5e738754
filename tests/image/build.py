"""Builds the Dockerfile once per state of its sources, and mounts the result.

The digest of the sources is a label of the image, so that an image which is up to date is not built again. Settings of
pip and the machine's certificates reach the build as secrets, which are in no layer.
"""

import hashlib
import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from tests.caches import CHECKOUT, locked
from tests.image.base import base_image, image_folder
from tests.image.commands import buildah, output_of, require_programs
from tests.image.failures import ImageBuildFailed
from tests.image.images import Image

REPOSITORY: Final = "localhost/workspace-operator"
SOURCES_LABEL: Final = "workspace-operator.dev/sources"
TITLE_FILTER: Final = "label=org.opencontainers.image.title=workspace-operator"

DOCKERFILES: Final = ("Dockerfile", ".dockerignore")
CONTEXT: Final = ("LICENSE", "README.md", "constraints.txt", "pyproject.toml")
"""What .dockerignore lets through, beside the folder `operator`."""

BASE_VARIABLE: Final = "IMAGE_BASE"
"""Names a base of a registry, such as that of a release, instead of the local one."""

SOURCE_VARIABLE: Final = "IMAGE_SOURCE"
"""The address of the repository, for the label of that name."""

PIP_SETTINGS: Final = {
    "PIP_DEFAULT_TIMEOUT": "timeout",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_INDEX_URL": "index-url",
    "PIP_TRUSTED_HOST": "trusted-host",
}


def project_version(checkout: Path = CHECKOUT) -> str:
    """The version of the project, which is written down in pyproject.toml."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def image_name(checkout: Path = CHECKOUT) -> str:
    """The name of the image, with the version of the project as its tag."""
    return f"{REPOSITORY}:{project_version(checkout)}"


def build_image(report: TextIO, *, checkout: Path = CHECKOUT) -> str:
    """The id of the image of this checkout; it is built if its sources have changed.

    Raises:
        ImageUnavailable: a program or a right is missing.
        ImageBuildFailed: a command of the build failed.
    """
    require_programs()
    base, name = os.environ.get(BASE_VARIABLE) or base_image(report), image_name(checkout)
    digest = sources_digest(checkout, base)
    with locked(image_folder() / "build.lock", report, "Another process is building the image; waiting."):
        if _label_of(name, SOURCES_LABEL) != digest:
            print("== Building the image: about 100 s, 60 MB of downloads.", file=report, flush=True)
            _build(name, base, digest, checkout)
            _remove_replaced()
        return _id_of(name)


def sources_digest(checkout: Path, base: str) -> str:
    """Changes whenever the image could come out differently."""
    files = [checkout / name for name in (*DOCKERFILES, *CONTEXT)]
    digest = hashlib.sha256(f"{base}\0{_source()}\0".encode())
    for path in sorted((*files, *_package_files(checkout / "operator"))):
        digest.update(f"{path.relative_to(checkout)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def mounted(image_id: str) -> Iterator[Image]:
    """The image with its root file system, until the end of the block."""
    container = buildah("from", image_id)
    try:
        yield Image.of(buildah("inspect", "--type", "image", image_id), root=Path(buildah("mount", container)))
    finally:
        buildah("umount", container)
        buildah("rm", container)


def _package_files(folder: Path) -> Iterable[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return (path for path in files if "__pycache__" not in path.parts)


def _build(name: str, base: str, digest: str, checkout: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        buildah(
            "bud",
            "--quiet",
            "--format=docker",  # the OCI format has no HEALTHCHECK
            "--isolation=chroot",
            f"--build-arg=BASE={base}",
            f"--build-arg=VERSION={project_version(checkout)}",
            f"--build-arg=REVISION={_revision(checkout)}",
            f"--build-arg=SOURCE={_source()}",
            f"--label={SOURCES_LABEL}={digest}",
            *(f"--secret=id={secret},src={file}" for secret, file in pip_secrets(Path(folder)).items()),
            f"--tag={name}",
            checkout,
        )


def pip_secrets(folder: Path) -> dict[str, Path]:
    """Files for pip, by the id of the secret: its settings of this machine, and a bundle of certificates."""
    lines = ["[global]", *(f"{key} = {os.environ[name]}" for name, key in PIP_SETTINGS.items() if os.environ.get(name))]
    secrets = {"pip": folder / "pip.conf"}
    if bundle := os.environ.get("PIP_CERT"):
        lines.append("cert = /run/secrets/certificates")
        secrets["certificates"] = Path(bundle)
    secrets["pip"].write_text("\n".join([*lines, ""]))
    return secrets


def _revision(checkout: Path) -> str:
    """The commit, marked if files differ from it; empty outside a repository."""
    try:
        return output_of("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*", folder=checkout)
    except ImageBuildFailed:
        return ""


def _source() -> str:
    return os.environ.get(SOURCE_VARIABLE, "")


def _label_of(name: str, label: str) -> str:
    if not _id_of(name):
        return ""
    return buildah("inspect", "--type", "image", "--format", f'{{{{index .Docker.Config.Labels "{label}"}}}}', name)


def _id_of(name: str) -> str:
    found = buildah("images", "--noheading", "--no-trunc", "--filter", f"reference={name}", "--format", "{{.ID}}")
    return found.removeprefix("sha256:")


def _remove_replaced() -> None:
    """Delete images of ours that lost their name to a newer one; one that a container still uses stays."""
    filters = ("--filter", "dangling=true", "--filter", TITLE_FILTER)
    for image_id in buildah("images", "--noheading", "--quiet", *filters).split():
        with suppress(ImageBuildFailed):
            buildah("rmi", image_id)
