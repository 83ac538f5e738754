"""Settings: each option of ``run`` has one definition and one variable, and the page lists all of them."""

import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.commands import PROGRAM
from tests.docs.pages import REPOSITORY, text_of
from tests.settings.page import PAGE, TAIL, page, settings
from workspace_operator.mail.settings import PASSWORD_VARIABLE, URL_VARIABLE
from workspace_operator.settings import VARIABLE_PREFIX, variable_of

OF_SERVICES = re.compile(r"(_SERVICE_HOST|_SERVICE_PORT|_PORT)(_|$)")
"""Variables that Kubernetes sets for the Services of a namespace: of a Service a-b, A_B_PORT and others."""

SERVICES = (
    "workspace-operator",
    "workspace-operator-api",
    "workspace-operator-metrics",
    "workspace-api",
    "workspace-console",
)


def test_page_is_that_of_the_options() -> None:
    assert text_of(PAGE) == page(), "run python -m tests.settings.page"


def test_option_has_the_variable_of_its_name() -> None:
    wrong = {setting.option: setting.variable for _, setting in settings() if not has_own_variable(setting.option)}

    assert wrong == {}


def has_own_variable(option: str) -> bool:
    found = {setting.variable for _, setting in settings() if setting.option == option}
    return found == {variable_of(option)} and variable_of(option).startswith(VARIABLE_PREFIX)


def test_option_has_one_definition() -> None:
    definitions = defaultdict(set)
    for _, setting in settings():
        definitions[setting.option].add(setting)

    assert {option: found for option, found in definitions.items() if len(found) > 1} == {}


def test_variable_belongs_to_one_option() -> None:
    options = Counter(variable_of(option) for option in {setting.option for _, setting in settings()})

    assert [variable for variable, number in options.items() if number > 1] == []


def test_variable_is_none_that_kubernetes_sets() -> None:
    variables = {variable_of(setting.option) for _, setting in settings()} | {URL_VARIABLE, PASSWORD_VARIABLE}

    set_by_services = {
        variable
        for variable in variables
        for service in SERVICES
        if (prefix := service.upper().replace("-", "_")) and variable.startswith(prefix)
        if OF_SERVICES.match(variable.removeprefix(prefix))
    }

    assert set_by_services == set()


def test_variables_without_an_option_are_listed() -> None:
    names = f"{URL_VARIABLE}|{PASSWORD_VARIABLE}"

    assert set(re.findall(rf"\| `({names})`", TAIL)) == {URL_VARIABLE, PASSWORD_VARIABLE}


@pytest.mark.parametrize(
    ("variable", "value", "arguments", "words"),
    [
        ("WORKSPACE_OPERATOR_RESYNC_SECONDS", "soon", ("operator",), "WORKSPACE_OPERATOR_RESYNC_SECONDS"),
        ("WORKSPACE_OPERATOR_PROCESSES", "0", ("api",), "WORKSPACE_OPERATOR_PROCESSES"),
        ("WORKSPACE_OPERATOR_LOG_FORMAT", "xml", ("worker",), "WORKSPACE_OPERATOR_LOG_FORMAT"),
        ("WORKSPACE_OPERATOR_ROOT_KEY_FILE", "missing", ("sender",), "WORKSPACE_OPERATOR_ROOT_KEY_FILE"),
        ("WORKSPACE_OPERATOR_API_ADDRESS", "8100", (), "WORKSPACE_OPERATOR_API_ADDRESS"),
        ("WORKSPACE_OPERATOR_TLS_CERT", str(REPOSITORY / "README.md"), ("api",), "WORKSPACE_OPERATOR_TLS_KEY"),
        ("WORKSPACE_OPERATOR_HEALTH_ENDPOINT", "8080", ("worker",), "WORKSPACE_OPERATOR_HEALTH_ENDPOINT"),
        ("WORKSPACE_OPERATOR_LISTEN_PORT", "eighty", ("api",), "WORKSPACE_OPERATOR_LISTEN_PORT"),
        ("WORKSPACE_OPERATOR_DATABASE", "mysql://x/y", ("worker",), "WORKSPACE_OPERATOR_DATABASE"),
    ],
)
def test_bad_value_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.setenv("WORKSPACE_OPERATOR_DATABASE", f"sqlite:///{tmp_path}/x.db")
    monkeypatch.setenv(variable, value)

    done = subprocess.run((*PROGRAM, "run", *arguments), capture_output=True, text=True, timeout=300)

    assert done.returncode in {1, 64}
    assert words in done.stderr


def test_option_has_precedence_over_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKSPACE_OPERATOR_HEALTH_ENDPOINT", "8080")
    command = (*PROGRAM, "run", "worker", "--database", f"sqlite:///{tmp_path}/x.db", "--health-endpoint", "9090")

    done = subprocess.run(command, capture_output=True, text=True, timeout=300)

    assert "'9090' must be http://HOST:PORT/PATH" in done.stderr
    assert "WORKSPACE_OPERATOR_HEALTH_ENDPOINT" not in done.stderr
