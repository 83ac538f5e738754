"""Free ports on loopback."""

import random
import socket

# Below the range from which systems take the ports of outgoing connections (32768 and up on Linux): a client
# that reconnects while its server is away must never be handed the server's own port.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """A port that nobody listens on now; whoever uses it must be ready to lose the race for it."""
    candidates = random.sample(range(LOWEST, HIGHEST), 200)
    return next(port for port in candidates if is_free(port))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
