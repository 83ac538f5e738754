"""Where things lie that are made once and used again: outside the checkout, shared by all of a user's."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

NAME = "workspace-operator"
CHECKOUT = Path(__file__).resolve().parents[1]


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/workspace-operator`, made if it is not there."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / NAME
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def checkout_folder(checkout: Path = CHECKOUT) -> Path:
    """A folder of this checkout's own in the cache, for what `up` leaves running: another checkout never ends that."""
    digest = hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:12]
    folder = cache_folder() / "up" / f"{checkout.resolve().name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def world_readable_folder() -> Path:
    """A cache that any account can read: PostgreSQL refuses root, and root's home is closed to others."""
    preferred = cache_folder()
    if os.geteuid() != 0 or open_to_everybody(preferred):
        return preferred
    folder = Path("/var/cache") / NAME
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def open_to_everybody(folder: Path) -> bool:
    """Whether another account can walk down to the folder and read it."""
    resolved = folder.resolve()
    return all(step.stat().st_mode & 0o005 == 0o005 for step in (resolved, *resolved.parents))


@contextmanager
def locked(path: Path, waiting: TextIO | None = None, why: str = "") -> Iterator[None]:
    """Hold a lock file; the kernel gives it back however its holder ends. A wait is told to `waiting`."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is not None:
                print(why, file=waiting, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
