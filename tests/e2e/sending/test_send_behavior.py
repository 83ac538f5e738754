"""From `kubectl apply` to what a real SMTP server is given, with the embedded form and the vendor's client."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from customerio import APIClient, Regions, SendEmailRequest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import MakeOperator, namespace
from tests.e2e.fixtures import NamespaceEnv, conditions
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until
from tests.mail.sink import Sink
from tests.network_ports import free_port
from tests.threads import repeating

TRANSPORTS = """
- name: default
  host: 127.0.0.1
  port: {port}
  security: None
  senderDomains: ["shop.example"]
  namespaces: ["*"]
"""
QA = "qa@shop.example"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def env(
    cluster: Kubectl, recorder: StatusRecorder, make_operator: MakeOperator, sink: Sink, tmp_path: Path
) -> Iterator[NamespaceEnv]:
    """An operator that sends to the SMTP server of the test."""
    transports, api = tmp_path / "transports.yaml", f"127.0.0.1:{free_port()}"
    transports.write_text(TRANSPORTS.format(port=sink.port))
    operator = make_operator("--api-address", api, "--transports", str(transports))
    operator.start()
    operator.wait_until_alive()
    with namespace(cluster, recorder) as name:
        yield NamespaceEnv(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)


def client(env: NamespaceEnv) -> APIClient:
    """The vendor's client with the keys of the workspace."""
    address = env.operator.options[env.operator.options.index("--api-address") + 1]
    return APIClient(env.keys()["appKey"], region=Regions.US, url=f"http://{address}")


def receipt(to: str = "ann@example.com") -> SendEmailRequest:
    return SendEmailRequest(
        to=to,
        _from="Shop <hello@shop.example>",
        subject="Your receipt",
        body="<p>Thank you, {{ trigger.name }}</p>",
        message_data={"name": "Ann"},
        identifiers={"email": to},
    )


def test_message_reaches_the_person(env: NamespaceEnv, sink: Sink) -> None:
    env.apply()
    env.wait_until_ready()

    answer = client(env).send_email(receipt())

    wait_until(lambda: sink.messages)
    [taken] = sink.messages
    assert taken.recipients == ("ann@example.com",)
    assert answer["delivery_id"] in str(taken.message_id)


def test_staging_workspace_mails_nobody_but_its_test_address(env: NamespaceEnv, sink: Sink) -> None:
    env.apply(sendBehavior={"mode": "Test", "testAddress": QA})
    env.wait_until_ready()

    client(env).send_email(receipt())

    wait_until(lambda: sink.messages)
    assert [taken.recipients for taken in sink.messages] == [(QA,)]
    assert b"X-Original-To: ann@example.com" in sink.messages[0].data


def test_nothing_leaves_once_kubectl_says_that_never_is_ready(env: NamespaceEnv, sink: Sink) -> None:
    env.apply()
    env.wait_until_ready()
    sink.before_250 = 0.2
    api = client(env)
    with repeating(lambda: api.send_email(receipt())):
        wait_until(lambda: sink.taken >= 3)

        env.patch({"sendBehavior": {"mode": "Never"}})
        env.kubectl("wait", "--for=condition=Ready", "ws/shop", "-n", env.namespace, "--timeout=60s")
        ready = time.monotonic()
        sink.before_250 = 0
        time.sleep(1)

    assert sink.last_byte_at < ready
    sending_applied = conditions(env.get())["SendingApplied"]
    assert (sending_applied["status"], sending_applied["reason"]) == ("True", "InForce")
    assert env.get()["status"]["sending"]["mode"] == "Never"


def test_stalled_server_holds_up_ready_and_says_so(env: NamespaceEnv, sink: Sink) -> None:
    env.apply()
    env.wait_until_ready()
    sink.before_250 = 60
    client(env).send_email(receipt())
    wait_until(lambda: sink.transactions and sink.transactions[0].dot_at)

    env.patch({"sendBehavior": {"mode": "Never"}})
    draining = env.wait_for_reason("Draining")
    sink.before_250 = 0
    env.wait_until_ready()

    assert conditions(draining)["Ready"]["status"] == "False"
    assert "1 message" in conditions(draining)["Ready"]["message"]
    assert sink.taken == 1


def test_transport_that_nobody_offers_stalls(env: NamespaceEnv) -> None:
    env.apply(sending={"transport": "elsewhere"})

    stalled = env.wait_for_reason("TransportUnknown")
    env.patch({"sending": {"transport": "default"}})
    env.wait_until_ready()

    assert conditions(stalled)["Stalled"]["status"] == "True"
    assert "elsewhere" in conditions(stalled)["Ready"]["message"]
