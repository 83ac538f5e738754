"""`python -m tests.controlplane build|up|down|status|kubectl-path`, for the Makefile and for people."""

import sys

from tests.controlplane import resident
from tests.controlplane.failures import StartFailed
from tests.controlplane.kubectl import kubectl_program
from tests.controlplane.launcher import Programs
from tests.go_programs.command_line import run_command
from tests.go_programs.failures import BuildFailed


def build() -> int:
    """Make the programs, or say where they lie."""
    programs = Programs.ready()
    print(f"control plane: {programs.controlplane}\nkubectl: {programs.kubectl}")
    return 0


def up() -> int:
    """Leave a control plane running, and print what a shell needs to use it."""
    server = resident.up()
    print(f"# {server.url}, process {server.pid}\nexport KUBECONFIG={server.kubeconfig}")
    return 0


def down() -> int:
    """End what `up` left running, and delete it."""
    print("stopped" if resident.down() else "was not running")
    return 0


def status() -> int:
    """Exit 0 when it runs, 3 when not."""
    identity = resident.find()
    print(f"running, process {identity.pid}" if identity else "not running")
    return 0 if identity else 3


def kubectl_path() -> int:
    """Where kubectl is; it is built if there is none."""
    print(kubectl_program())
    return 0


COMMANDS = {"build": build, "up": up, "down": down, "status": status, "kubectl-path": kubectl_path}


if __name__ == "__main__":
    sys.exit(run_command("tests.controlplane", __doc__, COMMANDS, (BuildFailed, StartFailed)))
