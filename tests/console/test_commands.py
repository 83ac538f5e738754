"""``workspacectl console`` and ``workspacectl run console``: the link, the server, and what both refuse."""

import json
import re
import signal
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.api.server.test_embedded import kubeconfig
from tests.cli.conftest import Crm, Run, W
from tests.commands import running, status_of
from tests.console.environment import SAME_ORIGIN, text_of
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from workspace_operator import bootstrap
from workspace_operator.application.ports import SignInLink
from workspace_operator.application.sessions.tokens import digest_of
from workspace_operator.bootstrap import make_console_server
from workspace_operator.cli.commands import console
from workspace_operator.errors import InvalidInput
from workspace_operator.settings import ConsoleSettings, OIDCSettings

LINK = re.compile(r"http://127\.0\.0\.1:8200/enter\?t=([\w-]{43})\n")


@pytest.fixture(autouse=True)
def outside_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def taken(folder: Path, token: str) -> SignInLink:
    """The link of a secret, which is gone then."""
    with bootstrap.open_store(f"sqlite:///{folder}/store.db") as store:
        link = store.sessions.take_link(digest_of(token), now=store.clock())
    assert link is not None
    return link


def test_link_is_printed_and_nothing_else(run: Run, crm: Crm, tmp_path: Path) -> None:
    crm()

    result = run("console")

    found = LINK.fullmatch(result.out)
    assert (result.code, result.err) == (0, "")
    assert found is not None
    link = taken(tmp_path, found[1])
    assert (link.workspace_id, link.session_lifetime) == (None, timedelta(hours=12))
    assert re.fullmatch(r"installation \(.+\)", link.actor)


def test_link_opens_a_workspace_for_a_time(run: Run, crm: Crm, tmp_path: Path) -> None:
    crm()

    result = run("console", *W, "--for", "90m", "--console-url", "https://console.example/")

    address, token = result.out.strip().split("?t=")
    link = taken(tmp_path, token)
    assert address == "https://console.example/enter"
    assert (link.workspace_id, link.session_lifetime) == (1, timedelta(minutes=90))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--for", "13h"), 1, "a session lasts from 1 minute to 12 hours"),
        (("--for", "0m"), 1, "a session lasts from 1 minute to 12 hours"),
        (("--for", "12"), 64, "must be a duration such as 30m or 12h"),
        (("-w", "default/other"), 1, "there is no workspace default/other"),
        (("-w", "other"), 64, "must be NAMESPACE/NAME"),
    ],
)
def test_wrong_options_are_refused(run: Run, crm: Crm, options: tuple[str, ...], code: int, words: str) -> None:
    crm()

    result = run("console", *options)

    assert (result.code, result.out) == (code, "")
    assert words in " ".join(result.err.split())


def test_sixth_open_link_is_refused(run: Run, crm: Crm) -> None:
    crm()
    for _ in range(5):
        run("console")

    assert run("console").failure.startswith("error: 5 sign-in links are open already: use one of them")


def test_in_a_pod_the_port_is_forwarded_first(
    run: Run, crm: Crm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm()
    (tmp_path / "namespace").write_text("crm-system\n")
    monkeypatch.setattr(console, "NAMESPACE_FILE", tmp_path / "namespace")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("HOSTNAME", "workspace-operator-0")

    inside, with_url = run("console"), run("console", "--console-url", "https://console.example")

    assert inside.err.splitlines()[1] == (
        "kubectl port-forward --namespace crm-system pod/workspace-operator-0 8200:8200"
    )
    assert LINK.fullmatch(inside.out)
    assert with_url.err == ""


def test_pod_without_a_token_is_named_by_its_variables(run: Run, crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in manifests/console: host names of long pod names are cut."""
    crm()
    for name, value in {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "POD_NAME": "workspace-console-7d9f-x2x",
        "POD_NAMESPACE": "messaging",
        "HOSTNAME": "workspace-cons",
    }.items():
        monkeypatch.setenv(name, value)

    inside = run("console")

    assert "port-forward --namespace messaging pod/workspace-console-7d9f-x2x 8200:8200" in inside.err


def test_served_console_signs_in_and_logs_routes(run: Run, crm: Crm, tmp_path: Path) -> None:
    crm("IDOnly", "id,email\n1,a@x.com\n2,b@x.com\n")
    port, database = free_port(), f"sqlite:///{tmp_path}/store.db"
    url = f"http://127.0.0.1:{port}"

    with running("run", "console", "--database", database, "--port", str(port), end=signal.SIGTERM) as process:
        wait_until(lambda: status_of(f"{url}/signin") == 200)
        token = run("console", *W).out.strip().partition("?t=")[2]
        with httpx.Client(base_url=url, timeout=60) as browser:
            entered = browser.post("/enter", data={"t": token}, headers=SAME_ORIGIN)
            page = browser.get(entered.headers["location"])
        process.send_signal(signal.SIGTERM)
        printed, log = process.communicate(timeout=60)

    assert (entered.status_code, page.status_code) == (303, 200)
    assert "CRM" in text_of(page)
    assert "People in all2" in text_of(page)
    assert process.returncode == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [(line["route"], line["workspace"]) for line in lines[-2:]] == [("/enter", None), ("/w/{workspace}", 1)]
    assert token not in printed + log
    assert f"the console: listening on 127.0.0.1:{port}" in log


def test_console_is_served_beside_the_operator(tmp_path: Path) -> None:
    port = free_port()
    options = ("--database", f"sqlite:///{tmp_path}/store.db", "--kubeconfig", str(kubeconfig(tmp_path)))
    address = ("--api-address", "off", "--console-address", f"127.0.0.1:{port}")

    with running("run", *options, *address, end=signal.SIGTERM) as process:
        wait_until(lambda: status_of(f"http://127.0.0.1:{port}/signin") == 200)

    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--console-url", "console.example"), 1, "--console-url 'console.example' must be https://HOST"),
        (("--console-url", "https://console.example/path"), 1, "must be https://HOST"),
        (("--console-url", "https://console.example:x"), 1, "must be https://HOST"),
        (("--trusted-proxy", "proxy.example"), 1, "--trusted-proxy 'proxy.example' must be an IP address or a network"),
        (("--trusted-proxy", "10.0.0.7/8"), 1, "has host bits set"),
        (("--tls-cert", __file__), 64, "TLS needs a certificate and its key"),
        (("--host", "203.0.113.1"), 1, "cannot listen on 203.0.113.1:8200"),
    ],
)
def test_settings_that_serve_nobody_are_refused(
    tmp_path: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    with running("run", "console", "--database", f"sqlite:///{tmp_path}/store.db", *options) as process:
        _, told = process.communicate(timeout=300)

    assert process.returncode == code
    assert words in " ".join(told.split())


URL = ("--console-url", "https://console.example")
ISSUER, CLIENT, SECRET = (
    ("--oidc-issuer", "https://id.example"),
    ("--oidc-client-id", "console"),
    ("--oidc-client-secret-file", __file__),
)


@pytest.mark.parametrize("command", ["run", "run console"])
@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (ISSUER, "add --oidc-client-id and --oidc-client-secret-file and --console-url"),
        ((*ISSUER, *CLIENT, *URL), "add --oidc-client-secret-file"),
        ((*ISSUER, *SECRET, *URL), "add --oidc-client-id"),
        ((*CLIENT, *SECRET, *URL), "add --oidc-issuer"),
        ((*ISSUER, *CLIENT, *SECRET), "add --console-url"),
        (("--oidc-trust-email", *URL), "add --oidc-issuer and --oidc-client-id and --oidc-client-secret-file"),
    ],
)
def test_half_of_an_identity_provider_is_refused(
    run: Run, tmp_path: Path, command: str, options: tuple[str, ...], missing: str
) -> None:
    result = run(*command.split(), "--database", f"sqlite:///{tmp_path}/store.db", *options)

    assert result.code == 64
    assert missing in " ".join(result.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("issuer", "secret", "words"),
    [
        ("http://id.example", b"secret", "--oidc-issuer 'http://id.example' must be https://HOST"),
        ("https://id.example", b" \n", "the file of --oidc-client-secret-file is empty"),
        ("https://id.example", b"\xff", "--oidc-client-secret-file"),
    ],
)
def test_identity_provider_that_cannot_be_is_refused(tmp_path: Path, issuer: str, secret: bytes, words: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(secret)
    settings = OIDCSettings(issuer=issuer, client_id="console", client_secret_file=file)

    with pytest.raises(InvalidInput) as refused:
        make_console_server(ConsoleSettings(port=0, console_url="https://console.example", oidc=settings))

    assert words in str(refused.value)


def test_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("workspace_operator.identity_provider")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "joserfc", None)
    settings = OIDCSettings(issuer="https://id.example", client_id="console", client_secret_file=tmp_path)

    with pytest.raises(InvalidInput, match=r"pip install 'workspace-operator\[oidc\]'"):
        make_console_server(ConsoleSettings(port=0, console_url="https://console.example", oidc=settings))


@pytest.mark.parametrize("address", ["", "8200", ":8200", "localhost:"])
def test_console_address_must_be_host_and_port(tmp_path: Path, address: str) -> None:
    options = ("--database", f"sqlite:///{tmp_path}/store.db", "--api-address", "off", "--console-address", address)

    with running("run", *options) as process:
        _, told = process.communicate(timeout=300)

    assert process.returncode == 64
    assert "must be HOST:PORT, such as 127.0.0.1:8200, or off" in " ".join(told.split())
