"""schemathesis sends what the document allows, and what it forbids, to the server as it is run.

What is held: no fault of ours, only statuses, types, headers and documents that are described, nothing taken that the
document forbids, and no answer without the key. That all it allows is taken is not held: OpenAPI has no words for a
limit in bytes, or for an identifier that has to be an address because ``id_type`` says so.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.api.live_server import LiveWorkspace, live_server
from workspace_operator.workspaces.app_keys import AppKeyMay

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)

# Refusals; in a batch, of some of what was sent.
CONFIGURATION = """
[auth.openapi.trackKey]
username = "{site_id}"
password = "{api_key}"

[auth.openapi.appKey]
bearer = "{app_key}"

[checks.negative_data_rejection]
expected-statuses = [207, 400, 401, 404, 405, 415]
"""


def attack(api: LiveWorkspace, folder: Path, *phases: str, options: Sequence[str]) -> str:
    """What schemathesis has to complain about, empty if nothing."""
    keys = api.workspace.keys
    configuration = folder / "schemathesis.toml"
    configuration.write_text(
        CONFIGURATION.format(site_id=keys.site_id, api_key=keys.api_key, app_key=keys.app_key), encoding="utf-8"
    )
    program = Path(sys.executable).with_name("schemathesis")
    run = ["run", f"{api.api.url}/openapi.json", "--checks", ",".join(CHECKS), "--phases", ",".join(phases)]
    quiet = ["--suppress-health-check", "all", "--no-color", "--warnings", "off"]
    command = [str(program), "--config-file", str(configuration), *run, *quiet, *options]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_server_does_what_it_says(tmp_path: Path) -> None:
    with live_server(tmp_path, tls=False) as server:
        # always the same cases, so that what fails fails again
        complaints = attack(
            server.server("shop", app_key_may=AppKeyMay.CLEAN),
            tmp_path,
            "coverage",
            "fuzzing",
            options=["-n", "5", "--seed", "1"],
        )

    assert not complaints, complaints


@pytest.mark.proof
def test_server_goes_on_doing_what_it_says(tmp_path: Path) -> None:
    with live_server(tmp_path, tls=False) as server:
        complaints = attack(
            server.server("shop", app_key_may=AppKeyMay.CLEAN),
            tmp_path,
            "coverage",
            "fuzzing",
            "stateful",
            options=["-n", "300"],
        )

    assert not complaints, complaints
