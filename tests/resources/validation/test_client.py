"""`workspacectl apply` refuses what a kube-apiserver refuses, and says where and why."""

from typing import Any

import pytest

from tests.resources.cases.bad_resources import BAD
from tests.resources.cases.good_resources import GOOD
from tests.resources.cases.manifest_texts import Bad
from tests.resources.cases.transitions import TRANSITIONS, SpecTransition
from workspace_operator.resources.kubectl.yaml_documents import documents_in
from workspace_operator.resources.parsing import validate_manifest


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
    assert validate_manifest(only_document(text)) == []


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.title)
def test_change_is_judged_against_what_is_in_force(transition: SpecTransition) -> None:
    old = with_mode_in_force(transition.old, transition.in_force)

    problems = validate_manifest(only_document(transition.new), old)

    assert problems == ([transition.breaks.problem] if transition.breaks else [])
