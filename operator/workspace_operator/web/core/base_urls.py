"""The base URL of links to this server.

A client can send any Host header, and another person may follow the link. So Host counts only if it names the address
at which the request arrived. For a server behind a proxy, ``--public-url`` sets the base URL.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.types import Scope


def base_url(scope: Scope, host: bytes) -> str:
    """Scheme, host and port of this server; empty, for links as paths, if Host is another.

    The ``server`` of the scope is the address at which the request arrived. The syntax of Host has been checked.
    """
    local, port = scope.get("server") or ("", 0)
    text = host.decode("latin-1")
    name, _, host_port = text.rpartition(":") if ":" in text.rpartition("]")[2] else (text, "", "")
    local_address, host_address = _address(local), _address(name.strip("[]"))
    is_port = int(host_port or (443 if scope["scheme"] == "https" else 80)) == port
    is_here = is_port and name != "" and (name == local or (host_address is not None and host_address == local_address))
    is_local = local_address is not None and local_address.is_loopback
    is_loopback = is_local and (name.lower() == "localhost" or (host_address is not None and host_address.is_loopback))
    return f"{scope['scheme']}://{text}" if is_here or is_loopback else ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
