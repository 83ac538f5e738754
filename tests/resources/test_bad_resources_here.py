"""`workspacectl apply` refuses what a kube-apiserver refuses, and says where and why."""

from typing import Any

import pytest

from tests.resources.bad_resources import BAD
from tests.resources.changes import CHANGES, Change
from tests.resources.good_resources import GOOD
from tests.resources.manifest_texts import Bad
from workspace_operator.resources.parsing import parse, validate_manifest
from workspace_operator.resources.problems import InvalidResource
from workspace_operator.resources.yaml_documents import documents_in


def only_document(text: str) -> Any:
    (document,) = documents_in(text)
    return document.value


def with_mode_in_force(text: str, mode: str | None) -> Any:
    status = {"identifiers": {"mode": mode}} if mode else {}
    return only_document(text) | {"status": {"observedGeneration": 1} | status}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.title)
def test_bad_manifest_is_refused(bad: Bad) -> None:
    problems = validate_manifest(only_document(bad.text))

    assert {problem.path for problem in problems} == bad.paths
    assert bad.we_say in "\n".join(problem.message for problem in problems)


def test_bad_manifests_are_many() -> None:
    assert len(BAD) >= 40
    assert len({bad.title for bad in BAD}) == len(BAD)


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_manifest_is_accepted(text: str) -> None:
    document = only_document(text)

    assert validate_manifest(document) == []
    assert parse(document).spec.display_name


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.title)
def test_change_is_judged_against_what_is_in_force(change: Change) -> None:
    old = with_mode_in_force(change.old, change.in_force)

    problems = validate_manifest(only_document(change.new), old)

    assert problems == ([change.breaks.problem] if change.breaks else [])


@pytest.mark.parametrize("change", [change for change in CHANGES if change.breaks], ids=lambda change: change.title)
def test_operator_checks_changes_again(change: Change) -> None:
    old = with_mode_in_force(change.old, change.in_force)

    with pytest.raises(InvalidResource) as refused:
        parse(only_document(change.new), old=old)

    assert refused.value.problems == (change.breaks and (change.breaks.problem,))
