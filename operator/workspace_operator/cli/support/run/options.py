"""Options of ``workspacectl run``: each has an environment variable (settings.variable_of) and one definition.

docs/settings.md lists them; ``python -m tests.settings.page`` writes it.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from workspace_operator.cli.support.options import input_file_option
from workspace_operator.settings import API_OFF, LogFormat, variable_of


def setting(name: str, *more_names: str, **settings: Any) -> Any:
    """An option with the environment variable of its name."""
    return typer.Option(name, *more_names, envvar=variable_of(name), **settings)


def file_setting(name: str, help_text: str) -> Any:
    """An option for a file that must exist, with the environment variable of its name."""
    return input_file_option(name, help_text, envvar=variable_of(name))


Kubeconfig = Annotated[
    Path | None,
    file_setting("--kubeconfig", "The kubeconfig. Default: as for kubectl; in a pod, its service account."),
]
KubeContext = Annotated[
    str | None,
    setting("--context", metavar="NAME", help="The context of the kubeconfig. Default: the current context."),
]
Namespaces = Annotated[
    list[str] | None,
    setting(
        "--namespace",
        "-n",
        metavar="NAME",
        help="Watch only this namespace. Can be given several times; the variable has names separated by spaces.",
    ),
]
Resync = Annotated[
    float,
    setting("--resync-seconds", min=1, help="Seconds between reconciles of all resources, plus or minus 20 %."),
]
ClusterSilentAfter = Annotated[
    float,
    setting(
        "--cluster-silent-after",
        min=1,
        metavar="SECONDS",
        help="Seconds without a heartbeat after which the workspaces of another cluster count as orphans. Operators "
        "write a heartbeat every 10 s; use less than 30 only in tests.",
    ),
]
FirstWorkspaceAfter = Annotated[
    float,
    setting(
        "--first-workspace-after",
        min=1,
        metavar="SECONDS",
        help="Age of an Account without a workspace at which the operator creates the first one. Manifests of the same "
        "apply should come earlier; use less than 60 only in tests.",
    ),
]
HealthEndpoint = Annotated[
    str | None,
    setting(
        "--health-endpoint",
        metavar="URL",
        help="Serve liveness at this URL, such as http://0.0.0.0:8080/healthz, and readiness at /readyz and metrics at "
        "/metrics of the same port.",
    ),
]
ActivitiesDays = Annotated[
    int, setting("--activities-days", min=1, max=36_500, metavar="N", help="How many days to keep activities.")
]
RootKeyFile = Annotated[
    Path | None,
    file_setting(
        "--root-key-file",
        "The root key of the installation, 64 hexadecimal digits. It signs delivery ids and links. Default with "
        "SQLite: a file beside the database, created if missing. With PostgreSQL, nothing is sent without it.",
    ),
]
TransportsFile = Annotated[
    Path | None,
    file_setting(
        "--transports",
        "The SMTP servers that workspaces can use (YAML). Default: the one of WORKSPACE_OPERATOR_SMTP, if it is set.",
    ),
]
PublicURL = Annotated[
    str | None,
    setting(
        "--public-url",
        metavar="URL",
        help="External base URL of the API, for links to downloads, tracking and unsubscribing. Without it, messages "
        "have none of these.",
    ),
]
TooLate = Annotated[
    float,
    setting(
        "--too-late",
        min=0.01,
        max=24 * 365,
        metavar="HOURS",
        help="Do not send messages that are overdue by more than this number of hours.",
    ),
]
KeepContent = Annotated[
    int,
    setting("--keep-content", min=1, max=36_500, metavar="DAYS", help="How many days to keep the content of messages."),
]
KeepDeliveries = Annotated[
    int,
    setting("--keep-deliveries", min=1, max=36_500, metavar="DAYS", help="How many days to keep records of messages."),
]
UndoDays = Annotated[
    int,
    setting(
        "--undo-days",
        min=0,
        max=180,
        metavar="DAYS",
        help="How many days cleanups and imports can be undone; 0 keeps no records.",
    ),
]
KeepAudit = Annotated[
    int,
    setting("--keep-audit", min=1, max=36_500, metavar="DAYS", help="How many days to keep entries of the audit log."),
]
Verbose = Annotated[bool, setting("--verbose", "-v", help="Also log the messages of libraries.")]
LogForm = Annotated[
    LogFormat, setting("--log-format", help="Write log lines as text, or as JSON with one object per line.")
]

APIAddress = Annotated[
    str,
    setting(
        "--api-address",
        metavar="HOST:PORT",
        help=f"Serve the people API at this address, without TLS. {API_OFF}: do not serve it.",
    ),
]
ConsoleAddress = Annotated[
    str,
    setting(
        "--console-address",
        metavar="HOST:PORT",
        help=f"Serve the web console at this address, without TLS. {API_OFF}: do not serve it.",
    ),
]
ConsoleURL = Annotated[
    str | None,
    setting(
        "--console-url",
        metavar="URL",
        help="The URL under which browsers reach the web console, such as https://console.example.com. Notices link "
        "to it. Default: only on its own machine.",
    ),
]
TrustedProxies = Annotated[
    list[str] | None,
    setting(
        "--trusted-proxy",
        metavar="ADDRESS",
        help="IP address or network of a proxy that ends TLS and sends X-Forwarded-Proto. Can be given several times; "
        "the variable has addresses separated by spaces.",
    ),
]
Host = Annotated[
    str, setting("--host", metavar="HOST", help="The address to listen at; 0.0.0.0 or :: for all addresses.")
]
Port = Annotated[
    int,
    setting(
        "--port",
        min=0,
        max=65_535,
        show_default="8100 for the API, 8200 for the console",
        help="The port to listen at; 0 for any free port.",
    ),
]
TLSCertificate = Annotated[Path | None, file_setting("--tls-cert", "Serve TLS with this certificate chain (PEM).")]
TLSKey = Annotated[Path | None, file_setting("--tls-key", "The private key of the certificate (PEM).")]
Processes = Annotated[
    int,
    setting("--processes", min=1, max=256, help="Worker processes that share the port. Recommended: one per core."),
]


def refuse_half_of_tls(certificate: Path | None, key: Path | None) -> None:
    """Raise a usage error if only one of a certificate and its key is given."""
    if (certificate is None) != (key is None):
        message = "TLS needs a certificate and its key: give both"
        raise typer.BadParameter(message, param_hint=hint("--tls-cert", "--tls-key"))


def parse_address(address: str, option: str, *, default: str) -> tuple[str, int]:
    """Split HOST:PORT. Raises a usage error if the text has another form; ``default`` is shown as an example."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit():
        message = f"{address!r} must be HOST:PORT, such as {default}, or {API_OFF}"
        raise typer.BadParameter(message, param_hint=hint(option))
    return host.strip("[]"), int(port)


def hint(*options: str) -> str:
    """Options with their variables, as Click names them in other errors."""
    return ", ".join(f"'{option}' (env var: '{variable_of(option)}')" for option in options)
