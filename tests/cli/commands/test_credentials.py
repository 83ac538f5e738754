import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W
from workspace_operator import bootstrap
from workspace_operator.application.operator.api_keys import digest
from workspace_operator.application.ports import StoredCredentials

KEY = "[0-9a-f]{64}"
ONCE = "these keys are shown only once: store them in a safe place\n"


@pytest.fixture
def store(crm: Crm, tmp_path: Path) -> Iterator[bootstrap.Repositories]:
    """The store that the commands use, with the workspace in it."""
    crm()
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        yield store


def valid(store: bootstrap.Repositories, *, later: timedelta = timedelta(0)) -> list[StoredCredentials]:
    number = store.workspaces.find("default", "crm").workspace_id
    return list(store.credentials.valid_sets(number, now=datetime.now(UTC) + later))


def test_first_credentials_are_printed_once(run: Run, store: bootstrap.Repositories) -> None:
    done = run("credentials", "create", *W)

    printed = re.fullmatch(f"Site ID  ({KEY})\nAPI key  ({KEY})\nApp key  ({KEY})\n", done.out)
    assert printed is not None
    assert (done.code, done.err) == (0, ONCE)
    [made] = valid(store)
    assert (made.digests.site_id, made.digests.api_key, made.digests.app_key) == tuple(map(digest, printed.groups()))


@pytest.mark.usefixtures("store")
def test_keys_are_printed_as_json(run: Run) -> None:
    done = run("credentials", "create", *W, "-o", "json")

    printed = json.loads(done.out)
    assert list(printed) == ["siteID", "apiKey", "appKey"]
    assert all(re.fullmatch(KEY, each) for each in printed.values())


@pytest.mark.usefixtures("store")
def test_keys_are_printed_for_a_shell(run: Run) -> None:
    done = run("credentials", "create", *W, "-o", "env")

    assert re.fullmatch(f"SITE_ID={KEY}\nAPI_KEY={KEY}\nAPP_KEY={KEY}\n", done.out)


def test_second_creation_is_refused(run: Run, store: bootstrap.Repositories) -> None:
    run("credentials", "create", *W)
    before = valid(store)

    done = run("credentials", "create", *W)

    assert "default/crm already has credentials, created at 20" in done.failure
    assert "credentials rotate" in done.error
    assert valid(store) == before


def test_rotation_keeps_earlier_ones_for_a_day(run: Run, store: bootstrap.Repositories) -> None:
    run("credentials", "create", *W)

    done = run("credentials", "rotate", *W)

    assert re.fullmatch(rf"{ONCE}the previous credentials are valid until \S+\+00:00\n", done.err)
    assert [len(valid(store, later=timedelta(hours=each))) for each in (0, 23, 25)] == [2, 2, 1]


def test_rotation_without_grace_ends_earlier_ones(run: Run, store: bootstrap.Repositories) -> None:
    run("credentials", "create", *W)

    done = run("credentials", "rotate", *W, "--grace-seconds", "0")

    assert done.err == f"{ONCE}the previous credentials are revoked\n"
    assert [each.number for each in valid(store)] == [2]


@pytest.mark.usefixtures("store")
def test_rotation_makes_the_first_ones_too(run: Run) -> None:
    done = run("credentials", "rotate", *W)

    assert (done.code, done.err) == (0, ONCE)


@pytest.mark.usefixtures("store")
def test_grace_has_bounds(run: Run) -> None:
    for seconds in ("-1", "2592001"):
        assert run("credentials", "rotate", *W, "--grace-seconds", seconds).code == 64


def test_revoking_says_what_will_happen(run: Run, store: bootstrap.Repositories) -> None:
    run("credentials", "create", *W)

    done = run("credentials", "revoke", *W)

    assert done.failure == (
        "error: one set of credentials of default/crm would be revoked, and all requests that use them refused: "
        "add --yes to confirm"
    )
    assert len(valid(store)) == 1


def test_revoking_ends_all(run: Run, store: bootstrap.Repositories) -> None:
    run("credentials", "create", *W)
    run("credentials", "rotate", *W)

    done = run("credentials", "revoke", *W, "--yes")

    assert (done.code, done.out) == (0, "2 sets of credentials of default/crm revoked\n")
    assert valid(store) == []
    assert "no valid credentials" in run("credentials", "revoke", *W, "--yes").error
    assert run("credentials", "create", *W).code == 0
