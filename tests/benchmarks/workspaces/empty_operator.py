"""An operator whose handler does nothing: what Kopf itself costs. It prints a line when it has seen them all."""

import asyncio
import sys

import kopf

from workspace_operator.cluster import access
from workspace_operator.resources.workspaces import GROUP, PLURAL, VERSION


def main(kubeconfig: str, count: int) -> None:
    """Watch until the process is ended."""
    registry, settings, seen = kopf.OperatorRegistry(), kopf.OperatorSettings(), set[str]()
    settings.posting.enabled = False
    settings.queueing.worker_limit = 200
    settings.queueing.idle_timeout = 0.1
    reach = access.access_of(access.load_client(kubeconfig))  # type: ignore[arg-type]

    @kopf.on.login(registry=registry)
    def login(**_: object) -> kopf.ConnectionInfo:
        token = (reach.authorization or "").partition(" ")[2]
        return kopf.ConnectionInfo(server=reach.server, ca_path=reach.ca_file, token=token, scheme="Bearer")

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def on_event(uid: str, **_: object) -> None:
        seen.add(uid)
        if len(seen) == count:
            print("seen all", flush=True)

    asyncio.run(kopf.operator(registry=registry, settings=settings, standalone=True, clusterwide=True))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
