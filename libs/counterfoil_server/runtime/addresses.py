"""Which hosts and addresses a url from outside may lead to. IANA special-purpose address registries (RFC 6890)."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# A last label that begins with a letter: 2130706433, 0x7f.1, 0177.0.0.1 and 127.1 are no names (inet_aton would read them as addresses).
NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
PRIVATE_V4 = tuple(
    ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        *("192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
# Of IPv6 only global unicast, less what is special in it: IETF protocols with Teredo, documentation, 6to4. NAT64, v4-mapped and
# v4-compatible addresses, unique local and link-local ones lie outside of it.
GLOBAL_V6 = ip_network("2000::/3")
SPECIAL_V6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
# What an operator may call the own network; never this machine, nor link-local or CGNAT, where clouds keep their metadata services.
INSIDE_V4 = tuple(ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
INSIDE_V6 = ip_network("fc00::/7")
METADATA_V6 = tuple(ip_network(block) for block in ("fd00:ec2::/32", "fd20:ce::/32"))


def public(_host: str, address: Address) -> bool:
    """An address on the internet, whatever the host's name."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in PRIVATE_V4)
    return address in GLOBAL_V6 and not any(address in block for block in SPECIAL_V6)


def inside(host: str, address: Address) -> bool:
    """The internet, or the operator's own network: where an entry of the registry says so."""
    if isinstance(address, IPv4Address):
        return any(address in block for block in INSIDE_V4) or public(host, address)
    return (address in INSIDE_V6 and not any(address in block for block in METADATA_V6)) or public(host, address)


def loopback(host: str, address: Address) -> bool:
    """This machine, and named so: another name that leads here is an attack on what listens here."""
    return host in LOOPBACK_HOSTS and address.is_loopback and getattr(address, "ipv4_mapped", None) is None


def literal(host: str) -> Address | None:
    """The address that a host is, in its one usual notation; None for a name. ValueError for what is neither."""
    if NAME.fullmatch(host):
        return None
    address = ip_address(host)
    if str(address) != host or getattr(address, "scope_id", None):
        raise ValueError("an odd notation of an address")
    return address
