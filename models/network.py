"""Where a request comes from, as far as limits care: the network that one household or one host has to itself."""

from ipaddress import IPv6Address, ip_address, ip_network


def networks(ip: str | None) -> tuple[str, str | None]:
    """Name the network of an address, and the larger one around it where there is one.

    Args:
        ip: the client's address. None, as of a Unix socket, and what is no address are networks of their own.

    Returns:
        An IPv4 address alone. Of IPv6 the /64, which anybody has whole to walk through, and the /48, which some have.
    """
    try:
        found = ip_address((ip or "").partition("%")[0])
    except ValueError:
        return ip or "", None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return tuple(str(ip_network((found, bits), strict=False)) for bits in (64, 48))  # type: ignore[return-value]
    return str(getattr(found, "ipv4_mapped", None) or found), None
