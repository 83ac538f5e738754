"""``make demo``, ``make up`` and ``make down``: the product shown on its examples, with everything it needs.

What ``make up`` leaves running belongs to its checkout: other checkouts of the same user have their own.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from json import dumps, loads
from pathlib import Path

from tests.caches import cache_folder, checkout_folder
from tests.controlplane import resident
from tests.controlplane.build import MODULE
from tests.controlplane.failures import KubectlFailed, StartFailed
from tests.controlplane.launcher import ControlPlane, Programs
from tests.demo import parts
from tests.demo.building import BackgroundBuild
from tests.demo.walk import COMMANDS, StepFailed, Walk
from tests.go_programs.failures import BuildFailed, BuildUnavailable
from tests.processes import ProcessIdentity, Server, last_lines, start_detached

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = ("examples", "crds", "manifests")
UNAVAILABLE = 69
LOG = "operator.log"
MAIL_LOG = "mail.log"
RUNNING = ("operator.json", "mail.json")


def run() -> int:
    """Show everything, then stop all that was started."""
    walk = Walk(folder=prepared(Path(tempfile.mkdtemp(prefix="workspace-operator-demo-"))))
    announce()
    build = BackgroundBuild()
    parts.without_a_cluster(walk)
    try:
        programs = waited_for(build, walk)
    except BuildUnavailable as reason:
        walk.print(f"The part on a real API server is left out: {reason}")
        print_addresses(walk)
        print_next_steps()
        return 0
    with control_plane(programs, walk.folder) as server:
        parts.set_up_cluster(walk, server.kubectl)
        with operator(walk):
            parts.declare(walk)
            parts.block_the_change(walk)
            parts.correct_the_people(walk)
            parts.call_the_api(walk)
            parts.send_messages(walk)
            parts.open_the_console(walk)
            wait_for_enter()
    walk.part("Done: the operator and the API server are stopped")
    print_addresses(walk)
    print_next_steps()
    return 0


def up() -> int:
    """Show the same on the API server, and leave it running, with people who block the change of the club."""
    end_left_running()
    folder = checkout_folder() / "data"
    shutil.rmtree(folder, ignore_errors=True)
    walk = Walk(folder=prepared(folder))
    announce()
    waited_for(BackgroundBuild(), walk)
    server = resident.up(sys.stdout)
    parts.set_up_cluster(walk, server.kubectl)
    programs = ((parts.OPERATOR, LOG), (parts.MAILBOX, MAIL_LOG))
    for record, (program, log) in zip(RUNNING, programs, strict=True):
        identity = start_detached(command(program, folder), log=folder / log, environment=walk.environment)
        (checkout_folder() / record).write_text(dumps(asdict(identity)), encoding="utf-8")
    parts.declare(walk)
    parts.block_the_change(walk)
    parts.call_the_api(walk)
    parts.send_messages(walk)
    walk.part("It goes on running")
    print(
        "In a shell of yours:\n"
        f"  export KUBECONFIG={server.kubeconfig}\n"
        f"  export WORKSPACE_OPERATOR_DATABASE={walk.environment['WORKSPACE_OPERATOR_DATABASE']}\n"
        f"  export WORKSPACE_OPERATOR_CONSOLE_URL={parts.CONSOLE}\n"
        f"  export PATH={COMMANDS}:{server.kubectl.program.parent}:$PATH\n"
        f"  cd {folder}\n"
        "and `make down` ends it. The people of the club still block its change: clean up in the console, or by the\n"
        f"commands that `make demo` shows. A link works once, within 5 minutes; for another one:\n  {parts.SIGN_IN}"
    )
    parts.open_the_console(walk)
    return 0


def wait_for_enter() -> None:
    """Let somebody at a terminal look at the console before everything stops."""
    if sys.stdin.isatty():
        print("\nPress Enter to stop everything.", flush=True)
        sys.stdin.readline()
    else:
        print("(There is no terminal to wait at, so everything stops now. `make up` leaves it running.)", flush=True)


def down() -> int:
    """End what ``up`` left running."""
    print("ended" if end_left_running() else "nothing was running")
    return 0


def end_left_running() -> bool:
    """End the operator, the mailbox and the API server of ``up``; False when neither ran."""
    one_ran = False
    for record in (checkout_folder() / name for name in RUNNING):
        if record.exists():
            identity = ProcessIdentity(**loads(record.read_text(encoding="utf-8")))
            one_ran = identity.is_running() or one_ran
            identity.end()
            record.unlink()
    server_ran = resident.down()
    return one_ran or server_ran


def prepared(folder: Path) -> Path:
    """A folder with copies of what the walk-through uses, so that it leaves the checkout as it was."""
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, folder / name)
    return folder


def announce() -> None:
    """Say what is going to happen, and what it costs, before it does."""
    if not (MODULE.built_folder() / "controlplane").exists():
        print(
            "A real kube-apiserver is built in the background, once: 3 to 6 minutes on two cores, 140 MB of\n"
            f"downloads, 3 GB of disk while building, 130 to 200 MB afterwards in {cache_folder()}.\n"
            "Meanwhile:",
            flush=True,
        )


def waited_for(build: BackgroundBuild, walk: Walk) -> Programs:
    """The programs, once they are built."""
    if not build.is_done:
        walk.part("Waiting for the kube-apiserver to be built")
    return build.wait()


@contextmanager
def control_plane(programs: Programs, folder: Path) -> Iterator[ControlPlane]:
    """A server that ends with the walk-through."""
    server = ControlPlane.create(programs, folder / "controlplane")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def operator(walk: Walk) -> Iterator[None]:
    """The operator and a mailbox for its messages, in processes of their own."""
    log = walk.folder / LOG
    mailbox = Server.start(command(parts.MAILBOX, walk.folder), log=walk.folder / MAIL_LOG)
    server = Server.start(command(parts.OPERATOR, walk.folder), log=log, environment=walk.environment)
    try:
        yield
    except BaseException:
        print(f"\nthe operator's log ends with:\n{last_lines(log)}", flush=True)
        raise
    finally:
        server.end()
        mailbox.end()


def command(words: Sequence[str], folder: Path) -> list[str]:
    """What the walk-through shows, with whole paths."""
    program, *rest = words
    names = (parts.OPERATOR_ACCESS, parts.MAIL_FOLDER)
    return [str(COMMANDS / program), *(str(folder / each) if each in names else each for each in rest)]


def print_addresses(walk: Walk) -> None:
    """Say where the data lies."""
    print(f"All data, and the operator's log, lie in {walk.folder}: delete it when you have seen enough.")


def print_next_steps() -> None:
    """Say what to do after the walk-through."""
    print(
        "\nWhat to do next:\n"
        "  make up                       the same, left running for you to clean up the club; `make down` ends it\n"
        "  README.md                     the same without a cluster, and on a cluster of yours\n"
        "  docs/resource.md              every field, condition and reason of a Workspace\n"
        "  docs/people.md, docs/api.md   people: CSV files, identifier changes, cleaning up, the HTTP API\n"
        "  docs/console.md               the web console: signing in, cleaning up, undoing it\n"
        "  docs/sending.md               messages: SMTP servers, templates, going live, why one was not sent"
    )


def main(arguments: list[str]) -> int:
    """Run a command; failures say what, and where to look."""
    commands = {"run": run, "up": up, "down": down}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(f"usage: python -m tests.demo {'|'.join(commands)}", file=sys.stderr)
        return 64
    try:
        return commands[arguments[0]]()
    except BuildUnavailable as reason:
        print(f"There can be no API server here: {reason}", file=sys.stderr)
        return UNAVAILABLE
    except (StepFailed, BuildFailed, StartFailed, KubectlFailed, subprocess.TimeoutExpired) as failure:
        print(f"\nfailed: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
