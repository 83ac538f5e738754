"""An operator that dies, as by kill -9, when the store has new credentials and the Secret has not.

``python -m tests.e2e.crashing_operator DATABASE KUBECONFIG NAMESPACE NAME`` looks at one resource, once.
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
from workspace_operator.reconcile.model.secrets import Secret


@dataclass(frozen=True, slots=True)
class CrashingSecrets(ClusterSecrets):
    """The cluster's, until one is to be written in earnest."""

    def write(self, namespace: str, name: str, secret: Secret, *, dry_run: bool = False) -> Secret:
        if not dry_run:
            os.kill(os.getpid(), signal.SIGKILL)
        return ClusterSecrets.write(self, namespace, name, secret, dry_run=dry_run)


def main(database: str, kubeconfig: str, namespace: str, name: str) -> None:
    api = access.load_client(Path(kubeconfig))
    cluster_id = access.cluster_id(api)
    resources = ClusterResources(api, cluster_id)
    with bootstrap.open_store_lazily(database) as store:
        reconciler = bootstrap.make_reconciler(store, resources, cluster_id, secrets_of_cluster=CrashingSecrets(api))
        reconciler.reconcile(resources.get(namespace, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
