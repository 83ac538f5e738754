"""Rights from manifests/, given to accounts of other names, whole or with something taken away."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.kubectl import Kubectl

Document = dict[str, Any]

ACCOUNT = "workspace-operator"


def built(kubectl: Kubectl, folder: Path) -> list[Document]:
    """What ``kubectl apply -k`` would apply."""
    return [each for each in yaml.safe_load_all(kubectl("kustomize", str(folder))) if each["kind"] != "Namespace"]


def renamed(documents: list[Document], name: str) -> list[Document]:
    """The same for an account of another name, so that both stand side by side."""
    renamed = copy.deepcopy(documents)
    for each in renamed:
        for named in (each["metadata"], each.get("roleRef", {}), *each.get("subjects", ())):
            if "name" in named:
                named["name"] = named["name"].replace(ACCOUNT, name, 1)
        spec = each.get("spec", {})
        if "policyName" in spec:
            spec["policyName"] = spec["policyName"].replace(ACCOUNT, name, 1)
        if "paramRef" in spec:
            spec["paramRef"]["name"] = spec["paramRef"]["name"].replace(ACCOUNT, name, 1)
    return renamed


def without_each_rule(documents: list[Document]) -> Iterator[tuple[str, list[Document]]]:
    """The documents minus one whole rule, for each; said as what is missing."""
    for number, document in enumerate(documents):
        for own_env, rule in enumerate(document.get("rules", ())):
            changed = copy.deepcopy(documents)
            del changed[number]["rules"][own_env]
            yield f"{' '.join(rule['verbs'])} {rule['resources'][0]}", changed


def without_each_verb(documents: list[Document]) -> Iterator[tuple[str, list[Document]]]:
    """The documents minus one verb of one rule, for each."""
    for number, document in enumerate(documents):
        for own_env, rule in enumerate(document.get("rules", ())):
            for verb in rule["verbs"]:
                changed = copy.deepcopy(documents)
                changed[number]["rules"][own_env]["verbs"].remove(verb)
                if not changed[number]["rules"][own_env]["verbs"]:
                    del changed[number]["rules"][own_env]
                yield f"{verb} {rule['resources'][0]}", changed


def account_with(kubectl: Kubectl, documents: list[Document], name: str, folder: Path) -> Kubectl:
    """kubectl as a new account of that name with these rights."""
    everything = {"apiVersion": "v1", "kind": "List", "items": renamed(documents, name)}
    kubectl("apply", "-f", "-", input=json.dumps(everything))
    return kubectl.as_service_account(ACCOUNT, name, to=folder / f"{name}.kubeconfig")


def take_back(kubectl: Kubectl, documents: list[Document], name: str) -> None:
    everything = {"apiVersion": "v1", "kind": "List", "items": renamed(documents, name)}
    kubectl("delete", "--ignore-not-found", "-f", "-", input=json.dumps(everything))
