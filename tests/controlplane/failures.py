"""What can go wrong with the control plane.

Exception
├── ControlPlaneUnavailable   this machine has not what it takes; end-to-end tests are skipped, saying why
├── BuildFailed               the Go sources do not compile: a defect of ours
├── StartFailed               the server ended or was not ready in time
└── KubectlFailed             kubectl answered with an error
"""

from collections.abc import Sequence


class ControlPlaneUnavailable(Exception):
    """Neither a Go toolchain nor its modules can be had, or there is no room to build."""


class BuildFailed(Exception):
    """The Go sources do not compile."""


class StartFailed(Exception):
    """The server ended early or was not ready in time."""


class KubectlFailed(Exception):
    """kubectl ended with an error; `stderr` says what it was, `stdout` what it did before."""

    def __init__(self, arguments: Sequence[str], exit_code: int, stdout: str, stderr: str) -> None:
        super().__init__(f"kubectl {' '.join(arguments)} ended with {exit_code}:\n{stderr.strip()}")
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr
