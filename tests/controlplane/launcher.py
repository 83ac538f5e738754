"""Starts and stops a Kubernetes API server with its etcd, for tests and for the demo.

Everything that one server keeps lies in one folder; started again on the same folder it has the same address,
the same tokens and the same objects.
"""

import json
import secrets
import signal
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self, TextIO

from tests.controlplane import audit
from tests.controlplane.build import build
from tests.controlplane.failures import StartFailed
from tests.controlplane.kubectl import Kubectl, admin_kubeconfig, find_kubectl, kubectl_program, write_private
from tests.network_ports import free_port
from tests.processes import ProcessIdentity, Server, last_lines, start_detached

START_LIMIT_SECONDS = 90
START_TRIES = 3
RUNNING = "running.json"  # in the folder of a detached server: whom to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What is run: both are files that exist."""

    controlplane: Path
    kubectl: Path

    @classmethod
    def ready(cls, report: TextIO = sys.stderr) -> Self:
        """Built now if need be, which takes minutes; BuildUnavailable where that cannot be."""
        also = () if find_kubectl() else ("kubectl",)
        return cls(controlplane=build(also=also, report=report), kubectl=kubectl_program(report))


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Ports on 127.0.0.1 and the administrator's token; kept in the folder for the next start."""

    port: int
    etcd_client_port: int
    etcd_peer_port: int
    admin_token: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        ports: set[int] = set()
        while len(ports) < 3:
            ports.add(free_port())
        first, second, third = ports
        token = secrets.token_urlsafe(32)
        return cls(port=first, etcd_client_port=second, etcd_peer_port=third, admin_token=token)


@dataclass(slots=True, kw_only=True)
class ControlPlane:
    """A kube-apiserver on loopback. `start` and `stop` may follow each other as often as one likes."""

    programs: Programs
    folder: Path
    address: Address
    _server: Server | None = None
    _detached: ProcessIdentity | None = None

    @classmethod
    def create(cls, programs: Programs, folder: Path) -> Self:
        """A new server in an empty folder, or the one that the folder holds, running if it was left so."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = folder / "address.json"
        address = Address(**json.loads(kept.read_text())) if kept.exists() else Address.new()
        return cls(programs=programs, folder=folder, address=address, _detached=left_running(folder))

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.address.port}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.folder / "kubeconfig"

    @property
    def kubectl(self) -> Kubectl:
        """kubectl as the administrator."""
        return Kubectl(program=self.programs.kubectl, kubeconfig=self.kubeconfig)

    @property
    def log(self) -> Path:
        return self.folder / "controlplane.log"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def pid(self) -> int | None:
        """None while it is stopped."""
        holder = self._server or self._detached
        return holder.pid if holder else None

    def writes(self, *, resource: str, name: str | None = None) -> list[audit.Write]:
        """What it was asked to write so far to a resource (plural, `workspaces`), or to one object of it."""
        return [
            write for write in audit.writes(self.audit_log) if write.resource == resource and name in (None, write.name)
        ]

    def start(self, *, detached: bool = False) -> ProcessIdentity:
        """Start, and wait until it serves; StartFailed when it does not. It dies with us, unless detached."""
        if self.pid is not None:
            raise StartFailed(f"{self.url} is started already")
        for tries_left in reversed(range(START_TRIES)):
            self._prepare_files()
            try:
                return self._start_once(detached=detached)
            except StartFailed:
                if self.certificate.exists() or tries_left == 0:
                    raise
                self.address = Address.new()  # somebody else took one of the ports in between
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """End it in peace; what it holds stays in the folder."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self._end(signal.SIGKILL)

    def ensure_running(self) -> None:
        """Start it again when a test left it stopped, or when it died."""
        if self._server is not None and self._server.exit_code() is not None:
            self._server = None
        if self.pid is None:
            self.start()

    def _end(self, first: signal.Signals) -> None:
        if self._server is not None:
            self._server.end(first=first)
        if self._detached is not None:
            self._detached.end(first=first)
        self._server = self._detached = None

    def _prepare_files(self) -> None:
        admin = f"{self.address.admin_token},admin,admin,system:masters\n"
        write_private(self.folder / "address.json", json.dumps(asdict(self.address)))
        write_private(self.folder / "tokens.csv", admin)
        write_private(self.folder / "audit-policy.json", json.dumps(audit.POLICY))

    def _start_once(self, *, detached: bool) -> ProcessIdentity:
        if detached:
            self._detached = start_detached(self._command(), log=self.log)
            (self.folder / RUNNING).write_text(json.dumps(asdict(self._detached)))
        else:
            self._server = Server.start(self._command(), log=self.log)
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        certificate = self.certificate.read_bytes()
        write_private(self.kubeconfig, admin_kubeconfig(self.url, certificate, self.address.admin_token))
        return self._detached or ProcessIdentity.of(self.pid or 0)

    def _wait_until_ready(self) -> None:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not self._is_ready():
            if not self._is_running():
                raise StartFailed(f"the control plane ended while starting:\n{last_lines(self.log)}")
            if time.monotonic() > limit:
                raise StartFailed(
                    f"the control plane was not ready in {START_LIMIT_SECONDS} s:\n{last_lines(self.log)}"
                )
            time.sleep(0.1)

    def _is_running(self) -> bool:
        if self._detached is not None:
            return self._detached.is_running()
        return self._server is not None and self._server.exit_code() is None

    def _is_ready(self) -> bool:
        if not self.certificate.exists():
            return False
        authorization = {"Authorization": f"Bearer {self.address.admin_token}"}
        request = urllib.request.Request(f"{self.url}/readyz", headers=authorization)
        try:
            trust = ssl.create_default_context(cafile=self.certificate)
            with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _command(self) -> list[str | Path]:
        return [
            self.programs.controlplane,
            f"-data={self.folder}",
            f"-etcd-client={self.address.etcd_client_port}",
            f"-etcd-peer={self.address.etcd_peer_port}",
            "--",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",  # without it a machine that has no default route gets no server
            f"--secure-port={self.address.port}",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self.folder / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
        ]


def left_running(folder: Path) -> ProcessIdentity | None:
    """The detached server that runs on this folder now, whoever started it."""
    state = folder / RUNNING
    if not state.exists():
        return None
    identity = ProcessIdentity(**json.loads(state.read_text()))
    return identity if identity.is_running() else None
