"""The static files, by names with a digest: a browser keeps each for ever."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from workspace_operator.http_server.responses import Response

FOLDER: Final = Path(__file__).parents[1] / "static"
PREFIX: Final = "/static/"
_TYPES: Final[Mapping[str, str]] = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file: its path in URLs, and its content."""

    path: str
    media_type: str
    content: bytes
    compressed: bytes

    def response(self, *, accepts_gzip: bool) -> Response:
        """The answer to a request for the file."""
        headers = {
            "content-type": self.media_type,
            "cache-control": "public, max-age=31536000, immutable",
            "vary": "accept-encoding",
        }
        if accepts_gzip:
            headers["content-encoding"] = "gzip"
        body = self.compressed if accepts_gzip else self.content
        return Response(document=body, headers={**headers, "content-length": str(len(body))})


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """All static files, by file name."""

    by_name: Mapping[str, StaticFile]

    def path(self, name: str) -> str:
        """The path of a file in URLs."""
        return self.by_name[name].path

    def find(self, path: str) -> StaticFile | None:
        """The file of a path; None without one."""
        return next((file for file in self.by_name.values() if file.path == path), None)


def load_static_files(folder: Path = FOLDER) -> StaticFiles:
    """Read the files of the package."""
    return StaticFiles({file.name: _load(file) for file in sorted(folder.iterdir()) if file.suffix in _TYPES})


def _load(file: Path) -> StaticFile:
    content = file.read_bytes()
    digest = sha256(content).hexdigest()[:_DIGITS]
    return StaticFile(
        path=f"{PREFIX}{file.stem}.{digest}{file.suffix}",
        media_type=_TYPES[file.suffix],
        content=content,
        compressed=gzip.compress(content, mtime=0),
    )
