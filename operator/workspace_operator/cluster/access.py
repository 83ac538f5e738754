"""Access to a cluster, configured like kubectl or by the service account of a pod."""

import logging
from collections.abc import Callable, Collection
from pathlib import Path

import urllib3
from kubernetes import client, config

from workspace_operator.application.ports import Access
from workspace_operator.cluster.api_client import authorization_header, request
from workspace_operator.errors import ClusterUnavailable, InvalidInput, NotFound
from workspace_operator.resources.workspaces import API_VERSION

logger = logging.getLogger(__name__)

RECONNECT_SECONDS = 2.0

RETRIES = urllib3.Retry(
    total=4, connect=0, read=0, allowed_methods=None, status_forcelist=(429,), backoff_factor=0.5, raise_on_status=False
)
"""Only 429 is retried here, as the server requests it; the controller retries everything else."""


def load_client(kubeconfig: Path | None, context: str | None = None) -> client.ApiClient:
    """Create a client from a kubeconfig; without one, from the pod's service account or kubectl's default files.

    Raises:
        InvalidInput: the kubeconfig is missing or cannot be read.
    """
    settings = client.Configuration()
    try:
        if kubeconfig is None and context is None and _is_pod():
            config.load_incluster_config(client_configuration=settings)
        else:
            config.load_kube_config(str(kubeconfig) if kubeconfig else None, context, client_configuration=settings)
    except (config.ConfigException, OSError) as error:
        message = f"the kubeconfig cannot be used: {error}; name another with --kubeconfig FILE"
        raise InvalidInput(message, field="kubeconfig") from error
    settings.retries = RETRIES
    return client.ApiClient(settings)


def access_of(api: client.ApiClient) -> Access:
    """How a client currently reaches the cluster; a token may change."""
    settings = api.configuration
    return Access(
        server=settings.host,
        ca_file=settings.ssl_ca_cert,
        insecure=not settings.verify_ssl,
        authorization=authorization_header(settings),
        certificate_file=settings.cert_file,
        key_file=settings.key_file,
    )


def wait_for_cluster_id(api: client.ApiClient, wait: Callable[[float], bool]) -> str | None:
    """Wait until the cluster answers, and return its identity; None if ``wait`` returns True to stop."""
    while True:
        try:
            return cluster_id(api)
        except ClusterUnavailable as error:
            logger.warning("%s; retrying every %g s", error, RECONNECT_SECONDS)
        if wait(RECONNECT_SECONDS):
            return None


def cluster_id(api: client.ApiClient) -> str:
    """Identity of the cluster in the store: the UID of the namespace kube-system. Raises ClusterUnavailable."""
    return str(request(api, "GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"])


def served_resources(api: client.ApiClient) -> Collection[str]:
    """The plurals of our resources that the cluster serves; none without definitions. Raises ClusterUnavailable."""
    try:
        found = request(api, "GET", f"/apis/{API_VERSION}")["resources"]
    except NotFound:
        return []
    return [resource["name"] for resource in found]


def _is_pod() -> bool:
    return Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
