"""What can go wrong with the control plane; what can go wrong with its build is in tests/go_programs/failures.py.

Exception
├── StartFailed     the server ended or was not ready in time
└── KubectlFailed   kubectl answered with an error
"""

from collections.abc import Sequence


class StartFailed(Exception):
    """The server ended early or was not ready in time."""


class KubectlFailed(Exception):
    """kubectl ended with an error; `stderr` says what it was, `stdout` what it did before."""

    def __init__(self, arguments: Sequence[str], exit_code: int, stdout: str, stderr: str) -> None:
        super().__init__(f"kubectl {' '.join(arguments)} ended with {exit_code}:\n{stderr.strip()}")
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr
