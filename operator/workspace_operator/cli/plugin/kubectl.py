"""Calls of kubectl, with the context that the user names, and the operator's pod."""

import json
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO, Any, Final

from workspace_operator.errors import ClusterForbidden, ClusterUnavailable, InvalidInput, NotFound

DEFAULT_NAMESPACE: Final = "default"
CONTAINER: Final = "operator"
OPERATOR_LABELS: Final = "app.kubernetes.io/name=workspace-operator,app.kubernetes.io/component=operator"
RELEASE_LABEL: Final = "app.kubernetes.io/instance"
TIMEOUT_SECONDS: Final = 60
RESULTS: Final = (0, 2, 3)
"""Exit codes of ``workspacectl`` that come with a result: nothing to do, something is due, a person must act."""
REMOTE_EXIT: Final = "command terminated with exit code"
"""The line that kubectl adds to standard error when a remote command fails; the exit code says it already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """kubectl with the options of the user's call.

    Attributes:
        options: ``--kubeconfig`` and ``--context``, as far as given.
        namespace: the namespace of the Workspaces; empty for that of the context.
        operator_namespace: where the operator's pod runs.
        release: its release, as its label ``app.kubernetes.io/instance`` says; empty for the only one.
    """

    options: tuple[str, ...] = ()
    namespace: str = ""
    operator_namespace: str = "workspace-operator"
    release: str = ""

    def read(self, *arguments: str, results: Collection[int] = (0,)) -> str:
        """Return what kubectl prints. Raises ClusterUnavailable unless its exit code is one of ``results``."""
        command = self._command(*arguments)
        try:
            done = subprocess.run(  # noqa: S603 - the program is the user's kubectl
                command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ClusterUnavailable(f"kubectl {arguments[0]} did not end within {TIMEOUT_SECONDS} s") from error
        if done.returncode not in results:
            message = " ".join(done.stderr.split())[:500]
            kind = ClusterForbidden if "(Forbidden)" in message else ClusterUnavailable
            raise kind(f"kubectl {arguments[0]}: {message}")
        return done.stdout

    def read_json(self, *arguments: str) -> Any:
        """Return the JSON that kubectl prints. Raises ClusterUnavailable."""
        return json.loads(self.read(*arguments, "-o", "json"))

    def own_namespace(self) -> str:
        """Return the namespace of the options, else that of the context."""
        if self.namespace:
            return self.namespace
        return self.read("config", "view", "--minify", "-o", "jsonpath={..namespace}").strip() or DEFAULT_NAMESPACE

    def cluster_id(self) -> str | None:
        """Return the UID of kube-system, which identifies the cluster in the database; None if it may not be read."""
        try:
            return self.read("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}").strip() or None
        except ClusterForbidden:
            return None

    def operator_pod(self) -> str:
        """Return the name of a running pod of the operator, one that is not being deleted.

        Raises:
            NotFound: there is none.
            InvalidInput: there are pods of several releases.
            ClusterUnavailable: kubectl cannot list them.
        """
        selector = f"{OPERATOR_LABELS},{RELEASE_LABEL}={self.release}" if self.release else OPERATOR_LABELS
        where = ("--namespace", self.operator_namespace, "--selector", selector)
        listed = self.read_json("get", "pods", *where, "--field-selector", "status.phase=Running")["items"]
        pods = [pod["metadata"] for pod in listed if "deletionTimestamp" not in pod["metadata"]]
        if not pods:
            release = f" of release {self.release}" if self.release else ""
            raise NotFound(
                f"no pod of the operator{release} runs in namespace {self.operator_namespace}: name its namespace with "
                "--operator-namespace, or give --database to run the command here"
            )
        releases = sorted({_release_of(pod) for pod in pods})
        if len(releases) > 1:
            raise InvalidInput(
                f"namespace {self.operator_namespace} has operators of several releases ({', '.join(releases)}): name "
                "one with --release"
            )
        return f"pod/{pods[0]['name']}"

    def run_in_pod(self, arguments: Sequence[str], *, content: bytes | None = None) -> int:
        """Run ``workspacectl`` in the operator's pod; returns its exit code.

        Standard input is ``content``, or that of this process. The output goes to that of this process.
        """
        command = self._command(*self._exec(self.operator_pod()), *arguments)
        source = None if content is None else subprocess.PIPE
        with subprocess.Popen(command, stdin=source, stderr=subprocess.PIPE, text=False) as process:  # noqa: S603 - as above
            # In a thread: a command that fills the pipe of standard error before it reads would wait for its reader.
            writer = Thread(target=_write_all, args=(process.stdin, content or b""), daemon=True)
            writer.start()
            for line in process.stderr or ():
                if not line.decode(errors="replace").startswith(REMOTE_EXIT):
                    sys.stderr.buffer.write(line)
                    sys.stderr.flush()
            writer.join()
        return process.returncode

    def read_from_pod(self, pod: str, *arguments: str) -> str:
        """Return what ``workspacectl`` prints in a pod. Raises ClusterUnavailable if it fails."""
        return self.read(*self._exec(pod), *arguments, results=RESULTS)

    def _exec(self, pod: str) -> tuple[str, ...]:
        where = ("--namespace", self.operator_namespace, "--container", CONTAINER)
        return ("exec", "-i", *where, pod, "--", "workspacectl")

    def _command(self, *arguments: str) -> list[str]:
        program = shutil.which("kubectl")
        if program is None:
            raise InvalidInput("kubectl is not on the PATH: install it, or give --database")
        return [program, *self.options, *arguments]


def _write_all(stream: IO[bytes] | None, content: bytes) -> None:
    """Write standard input, if there is a pipe for it, and close it; a command that ends early does not read all."""
    if stream is None:
        return
    with suppress(BrokenPipeError):
        stream.write(content)
    with suppress(BrokenPipeError):
        stream.close()


def _release_of(pod: Mapping[str, Any]) -> str:
    return str(pod.get("labels", {}).get(RELEASE_LABEL, "without a label"))
