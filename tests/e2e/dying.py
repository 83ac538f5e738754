"""An operator that dies, as by kill -9, when the store has new credentials and the Secret has not.

``python -m tests.e2e.dying DATABASE KUBECONFIG NAMESPACE NAME`` looks at one resource, once.
"""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from workspace_operator import bootstrap
from workspace_operator.cluster import access
from workspace_operator.cluster.resources import ClusterResources
from workspace_operator.cluster.secrets import ClusterSecrets
from workspace_operator.reconcile.secrets import Secret


@dataclass(frozen=True, slots=True)
class DeadlySecrets(ClusterSecrets):
    """The cluster's, until one is to be written in earnest."""

    def write(self, namespace: str, name: str, secret: Secret, *, trial: bool = False) -> Secret:
        if not trial:
            os.kill(os.getpid(), signal.SIGKILL)
        return ClusterSecrets.write(self, namespace, name, secret, trial=trial)


def main(database: str, kubeconfig: str, namespace: str, name: str) -> None:
    api = access.load_client(Path(kubeconfig))
    cluster_id = access.cluster_id(api)
    resources = ClusterResources(api, cluster_id)
    with bootstrap.awaited(database) as store:
        reconciler = bootstrap.reconciler(store, resources, cluster_id, secrets_of_cluster=DeadlySecrets(api))
        reconciler.reconcile(resources.get(namespace, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
