"""``workspacectl console`` and ``workspacectl run console``: sign in to the web console, and serve it."""

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from workspace_operator import bootstrap
from workspace_operator.application.sessions.links import SignInLinks
from workspace_operator.cli.support.options import ClusterID, Database, parse_namespaced_name, text_option
from workspace_operator.cli.support.output import info
from workspace_operator.cli.support.run.oidc import (
    OIDCClientID,
    OIDCClientSecretFile,
    OIDCIssuer,
    OIDCTrustEmail,
    oidc_settings,
)
from workspace_operator.cli.support.run.options import (
    ConsoleURL,
    HealthEndpoint,
    Host,
    LogForm,
    Port,
    TLSCertificate,
    TLSKey,
    TrustedProxies,
    UndoDays,
    Verbose,
    refuse_half_of_tls,
)
from workspace_operator.cli.support.run.process import process_context
from workspace_operator.cli.support.workspace_context import current_actor
from workspace_operator.settings import (
    DEFAULT_API_HOST,
    DEFAULT_CONSOLE_PORT,
    DEFAULT_CONSOLE_URL,
    ConsoleSettings,
    LogFormat,
)

app = typer.Typer()

EXAMPLES = """
Examples:

\b
  workspacectl console
  workspacectl console --workspace default/crm --for 1h
  kubectl exec deploy/workspace-operator -- workspacectl console
"""

NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""The namespace of a pod that has a token of its ServiceAccount; the pod of the console has none."""

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}
_is_duration: Final = re.compile("([0-9]{1,4})([mh])").fullmatch


@app.command("console", epilog=EXAMPLES)
def console(
    *,
    workspace: Annotated[
        str | None,
        text_option(
            "--workspace",
            "-w",
            metavar="NAMESPACE/NAME",
            help_text="Open the page of this workspace. Default: the list of workspaces.",
        ),
    ] = None,
    lifetime: Annotated[
        str,
        text_option("--for", metavar="TIME", help_text="Longest duration of the session, from 1m to 12h."),
    ] = "12h",
    console_url: ConsoleURL = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print a link that signs you in to the web console.

    The link works once, within 5 minutes. It makes whoever opens it an administrator of the installation, who reaches
    every workspace, as whoever has the database does. The session ends after 30 minutes without activity. In a pod, the
    command that forwards the port to your machine is printed first.
    """
    duration = _duration(lifetime)
    with bootstrap.open_existing_store(database) as store:
        number = None
        if workspace is not None:
            name = parse_namespaced_name(workspace, "--workspace")
            number = store.workspaces.find(*name, cluster=cluster_id).workspace_id
        links = SignInLinks(sessions=store.sessions, audit_log=store.audit_log, clock=store.clock)
        token = links.create(actor=current_actor(), workspace_id=number, lifetime=duration)
    for line in _port_forward(os.environ.get("KUBERNETES_SERVICE_HOST"), has_url=console_url is not None):
        info(line)
    print(f"{(console_url or DEFAULT_CONSOLE_URL).rstrip('/')}/enter?t={token}")


def run_console(
    context: typer.Context,
    database: Database,
    host: Host = DEFAULT_API_HOST,
    port: Port = DEFAULT_CONSOLE_PORT,
    tls_cert: TLSCertificate = None,
    tls_key: TLSKey = None,
    console_url: ConsoleURL = None,
    trusted_proxy: TrustedProxies = None,
    oidc_issuer: OIDCIssuer = None,
    oidc_client_id: OIDCClientID = None,
    oidc_client_secret_file: OIDCClientSecretFile = None,
    oidc_trust_email: OIDCTrustEmail = False,
    undo_days: UndoDays = 30,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
    log_format: LogForm = LogFormat.TEXT,
) -> None:
    """Run only the web console.

    Browsers reach it on this machine, under --console-url over TLS, or through a proxy that ends TLS. `workspacectl
    console` prints a link that signs in. With --oidc-issuer, admins and members of Accounts sign in with their company
    accounts.
    """
    refuse_half_of_tls(tls_cert, tls_key)
    settings = ConsoleSettings(
        host=host,
        port=port,
        certificate=tls_cert,
        key=tls_key,
        console_url=console_url or "",
        trusted_proxies=frozenset(trusted_proxy or ()),
        oidc=oidc_settings(oidc_issuer, oidc_client_id, oidc_client_secret_file, console_url, trust=oidc_trust_email),
        undo=timedelta(days=undo_days),
        health_endpoint=health,
    )
    with process_context(context, log_format, verbose=verbose) as stop_event:
        bootstrap.run_console(database, settings, stop_event)


def _duration(text: str) -> timedelta:
    parts = _is_duration(text)
    if parts is None:
        raise typer.BadParameter(f"{text!r} must be a duration such as 30m or 12h", param_hint="--for")
    return int(parts[1]) * _UNITS[parts[2]]


def _port_forward(api_server: str | None, *, has_url: bool) -> Sequence[str]:
    """How to reach a console in this pod from elsewhere; nothing outside of a cluster, or if it has a URL."""
    if not api_server or has_url:
        return ()
    namespace, port = os.environ.get("POD_NAMESPACE") or _namespace(), DEFAULT_CONSOLE_PORT
    pod = os.environ.get("POD_NAME") or os.environ.get("HOSTNAME", "POD")  # a host name is cut after 63 characters
    return (
        "On your machine, leave this running, and open the link in a browser:",
        f"kubectl port-forward --namespace {namespace} pod/{pod} {port}:{port}",
    )


def _namespace() -> str:
    return NAMESPACE_FILE.read_text(encoding="utf-8").strip() if NAMESPACE_FILE.exists() else "NAMESPACE"
