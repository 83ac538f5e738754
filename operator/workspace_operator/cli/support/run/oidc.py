"""Options of the sign-in with a company account, which belong together."""

from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.cli.support.run.options import file_setting, hint, setting
from workspace_operator.settings import OIDCSettings

OIDCIssuer = Annotated[
    str | None,
    setting(
        "--oidc-issuer",
        metavar="URL",
        help="The identity provider (OpenID Connect) by which admins and members of Accounts sign in to the console, "
        "such as https://login.example.com. It needs --console-url.",
    ),
]
OIDCClientID = Annotated[
    str | None, setting("--oidc-client-id", metavar="ID", help="The id of the console at the identity provider.")
]
OIDCClientSecretFile = Annotated[
    Path | None,
    file_setting("--oidc-client-secret-file", "The file with the secret of the console at the identity provider."),
]
OIDCTrustEmail = Annotated[
    bool,
    setting(
        "--oidc-trust-email",
        help="Accept addresses of which the identity provider does not say whether they are verified. Only for a "
        "provider at which nobody can choose an address, such as Entra ID with one tenant.",
    ),
]


def oidc_settings(
    issuer: str | None, client_id: str | None, secret_file: Path | None, console_url: str | None, *, trust: bool
) -> OIDCSettings | None:
    """The settings of the options; None without any. Raises a usage error if one of them is missing."""
    given = {
        "--oidc-issuer": issuer,
        "--oidc-client-id": client_id,
        "--oidc-client-secret-file": secret_file,
    }
    missing = [option for option, value in given.items() if not value]
    if len(missing) == len(given) and not trust:
        return None
    if issuer and client_id and secret_file and console_url:
        return OIDCSettings(issuer=issuer, client_id=client_id, client_secret_file=secret_file, trusts_email=trust)
    if not console_url:
        missing.append("--console-url")
    message = f"a sign-in with company accounts needs {', '.join(given)} and --console-url: add {' and '.join(missing)}"
    raise typer.BadParameter(message, param_hint=hint(*missing))
