"""The two parts of the walk-through: without any cluster, and on a real API server."""

import shutil

from tests.controlplane.kubectl import Kubectl
from tests.demo.walk import Walk
from tests.network_ports import free_port

CHANGES, BLOCKED = 2, 3
PEOPLE_TO_DELETE = ("m-1017", "m-1018", "m-1019", "m-1020")

OPERATOR_ACCESS = "operator.kubeconfig"
API_PORT = free_port()
API = f"http://127.0.0.1:{API_PORT}"
CONSOLE_PORT = free_port()
CONSOLE = f"http://127.0.0.1:{CONSOLE_PORT}"
MAIL_PORT, MAIL_FOLDER = free_port(), "mail"
MAILBOX = (
    *("python", "-m", "aiosmtpd", "--nosetuid", "--listen", f"127.0.0.1:{MAIL_PORT}"),
    *("--class", "aiosmtpd.handlers.Mailbox", MAIL_FOLDER),
)
"""An SMTP server that keeps all messages in a folder, and passes none on."""
OPERATOR = (
    "workspacectl",
    "run",
    "--kubeconfig",
    OPERATOR_ACCESS,
    "--api-address",
    f"127.0.0.1:{API_PORT}",
    "--console-address",
    f"127.0.0.1:{CONSOLE_PORT}",
)
SIGN_IN = "workspacectl console --workspace default/club"
"""Prints a link to the club, which works once, within 5 minutes."""


def without_a_cluster(walk: Walk) -> None:
    """People from CSV into SQLite, and manifests brought into force by the same code that the operator runs."""
    walk.part("Without a cluster: manifests, people, SQLite")
    walk.set({"WORKSPACE_OPERATOR_DATABASE": f"sqlite:///{walk.folder}/clusterless.db"})
    walk.print("Ask what manifests would do (2: something would change), then bring three workspaces into force.")
    walk.run("workspacectl plan -f examples/", ends_with=(CHANGES,))
    walk.run("workspacectl apply -f examples/")
    walk.print("Import the people of the shop. Rows that are not taken, in whole or in part, are never lost.")
    walk.run("workspacectl people import --workspace default/shop examples/people/shop.csv", ends_with=(BLOCKED,))
    walk.run("cat examples/people/shop.rejects.csv")
    walk.run("workspacectl people show --workspace default/shop sofia.lind@example.se")


def block_the_change(walk: Walk) -> None:
    """The main job, its first half: a change of identifiers that people block."""
    walk.print("Import the members of the club, who are known by their member number only.")
    walk.run("workspacectl people import --workspace default/club examples/people/club.csv")
    walk.run("workspacectl people suppress --workspace default/club oskar@example.com")
    walk.print("Make addresses identifiers, too: the people are checked first, and some of them block the change.")
    walk.run("diff examples/club.yaml examples/change/club.yaml", ends_with=(1,))
    walk.print("What it would do to them can be asked beforehand, also in a pull request (3: it would be blocked).")
    cluster = "$(kubectl get namespace kube-system -o jsonpath='{.metadata.uid}')"
    walk.run(f"workspacectl plan -f examples/change/club.yaml --cluster-id {cluster}", ends_with=(BLOCKED,))
    walk.run("kubectl apply -f examples/change/club.yaml")
    walk.run("kubectl wait ws/club --for=jsonpath='{.status.migration.stage}'=Blocked --timeout=60s")
    walk.run("kubectl get ws")
    walk.run("kubectl describe ws club")
    walk.print("The report says who blocks the change, and what to do about each of them.")
    walk.run("workspacectl exports show --workspace default/club --limit 3")


def correct_the_people(walk: Walk) -> None:
    """Its second half: the people are corrected by commands, and the change goes through."""
    walk.print("Correct some addresses, and delete people who are there twice. Nothing else is needed.")
    walk.run("workspacectl people import --workspace default/club examples/people/club-corrected.csv --update")
    deletion = "workspacectl people delete --workspace default/club --id $id"
    walk.run(f"for id in {' '.join(PEOPLE_TO_DELETE)}; do {deletion}; done")
    walk.run("kubectl wait ws/club --for=condition=Ready --timeout=90s")
    walk.run("kubectl get ws")
    walk.print("From now on an address names its person.")
    walk.run("workspacectl people show --workspace default/club familie.weber@example.net")


def set_up_cluster(walk: Walk, kubectl: Kubectl) -> None:
    """Install the resource and the rights, and write down the operator's own access."""
    walk.part("On a real kube-apiserver: the operator")
    walk.set(
        {
            "KUBECONFIG": str(kubectl.kubeconfig),
            "WORKSPACE_OPERATOR_DATABASE": f"sqlite:///{walk.folder}/workspaces.db",
            "WORKSPACE_OPERATOR_SMTP": f"smtp://127.0.0.1:{MAIL_PORT}",
            "WORKSPACE_OPERATOR_CONSOLE_URL": CONSOLE,
        },
        search_also=kubectl.program.parent,
    )
    walk.run("kubectl apply -k crds/")
    walk.run("kubectl apply -k manifests/namespace")
    walk.run("kubectl apply -k manifests/rbac")
    # A new definition has no conditions at first, of which kubectl wait makes an error.
    walk.run("until kubectl get ws > /dev/null 2>&1; do sleep 0.2; done")
    walk.print("The operator runs under its own ServiceAccount, with no right that it does not need.")
    walk.show("kubectl --namespace workspace-operator create token workspace-operator --duration=8h")
    kubectl.as_service_account("workspace-operator", "workspace-operator", to=walk.folder / OPERATOR_ACCESS)
    walk.show(f"{' '.join(MAILBOX)} &")
    walk.show(f"{' '.join(OPERATOR)} &")


def declare(walk: Walk) -> None:
    """Apply the examples and wait until they are in force."""
    walk.print("Declare three workspaces, and wait until they are in force.")
    walk.run("kubectl apply -f examples/")
    walk.run("kubectl wait ws --all --for=condition=Ready --timeout=60s")
    walk.run("kubectl get ws")


def call_the_api(walk: Walk) -> None:
    """Callers find their keys in the Secret that the operator made, and call as the vendor's clients do."""
    walk.print(
        "Callers find their keys in a Secret. The same process serves the people API, to the vendor's own clients, too."
    )
    walk.run("kubectl get secret shop-credentials")
    if shutil.which("curl") is None:
        walk.print("(There is no curl here to call it with.)")
        return
    key = "kubectl get secret shop-credentials -o jsonpath={.data.$key}"
    walk.run(f"for key in siteID apiKey appKey; do {key} | base64 -d > $key; done")
    call = f"curl --silent --show-error --fail-with-body --max-time 20 {API}"
    body = """-d '{"email": "kim@example.com", "plan": "gold"}'"""
    walk.run(f'{call}/api/v1/customers/c-901 -u "$(cat siteID):$(cat apiKey)" -X PUT {body}')
    walk.run(f'{call}/v1/customers?email=kim@example.com -H "Authorization: Bearer $(cat appKey)"')


def send_messages(walk: Walk) -> None:
    """A message from a live workspace, from one in Test, and from one in Never; only the first two arrive."""
    if shutil.which("curl") is None:
        return
    walk.print("Send a receipt from the shop, and the same from shop-staging, which sends to its test address only.")
    key = "$(kubectl get secret $ws-credentials -o jsonpath={.data.appKey} | base64 -d)"
    call = f"curl --silent --show-error --fail --output /dev/null {API}/v1/send/email"
    send = f'{call} -H "Authorization: Bearer {key}" -d @examples/sending/receipt.json'
    templates = "workspacectl templates apply -f examples/templates -w default/$ws > /dev/null"
    walk.run(f"set -e; for ws in shop shop-staging; do {templates}; {send}; done")
    arrived = f"[ $(ls {MAIL_FOLDER}/new | wc -l) = 2 ]"
    walk.run(f"until {arrived}; do sleep 0.2; done; grep -hE '^(To|X-Original-To): ' {MAIL_FOLDER}/new/*")
    walk.print("Set Never. When the workspace is Ready, nothing of it is on its way any more, and nothing leaves.")
    never = """kubectl patch ws shop --type=merge -p '{"spec": {"sendBehavior": {"mode": "Never"}}}' > /dev/null"""
    walk.run(f"{never} && kubectl wait ws/shop --for=condition=Ready --timeout=60s")
    listed = "workspacectl messages list -w default/shop --state undeliverable"
    walk.run(f"ws=shop; {send} && sleep 1; {listed}; {arrived} && echo 'no third message arrived'")


def open_the_console(walk: Walk) -> None:
    """The web console on the club, by a link that signs in."""
    walk.print(
        "Colleagues who know these people need none of these commands. Open this link in a browser, and press Sign in:"
    )
    walk.run(SIGN_IN)
