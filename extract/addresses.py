"""Which addresses we may dial: no URL, redirect or DNS answer leads the fetcher into our own network."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

_PRIVATE_NETWORKS = tuple(
    ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_METADATA = frozenset(
    # Where cloud machines learn their own credentials; not all of them are link-local, so 'private' must not open them
    ip_address(address)
    for address in (
        "169.254.169.254", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200", "168.63.129.16",
        "192.0.0.192",
    )
)  # fmt: skip
_NEVER = tuple(
    ip_network(network)
    for network in (
        "64:ff9b:1::/48",  # NAT64 of a local network (RFC 8215): where an address in it leads, only that network knows
        "2001::/32",  # Teredo (RFC 4380), whose clients are private addresses behind a NAT
        "3fff::/20",  # documentation (RFC 9637); Python's tables of special addresses differ between its versions
        "5f00::/16",  # segment routing inside a provider's network (RFC 9602)
    )
)
_DNS_THREADS = 32
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052 §2.1


class PrivateAddress(Exception):
    """A host that is, or resolves to, an address which we may not dial."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(host, address)  # both, so that it survives the way out of a worker process
        self.host = host
        self.address = address

    def __str__(self) -> str:
        return f"{self.host} is {self.address}"


class GuardedResolver(AbstractResolver):
    """Names to addresses we may dial: the check and the connection see one DNS answer, so rebinding gains nothing.

    It has threads of its own. The event loop's common ones are few, and a name server that answers nobody would take
    them all.
    """

    def __init__(self, allow_networks: frozenset[str], connect_to: tuple[tuple[str, str, int], ...]) -> None:
        self._allow_networks = allow_networks
        self._connect_to = connect_to
        self._threads = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises PrivateAddress where only closed addresses stand behind the host, OSError without an answer."""
        name, dialled_port = _mapped(host, port, self._connect_to)
        answers = _as_literal(name, dialled_port) or await self._ask(name, dialled_port, family)
        allowed = [answer for answer in answers if may_dial(answer["host"], self._allow_networks)]
        if answers and not allowed:
            raise PrivateAddress(host, answers[0]["host"])
        return allowed

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, name: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, socket.getaddrinfo, name, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG
        )
        return [_result(str(address[0]), port, family) for family, _, _, _, address in found]


def check_literal(host: str, allow_networks: frozenset[str]) -> None:
    """Nothing for a name, and for an address in place of one that we may dial. Raises PrivateAddress.

    aiohttp asks no resolver for addresses, so the check at connect time never sees them.
    """
    address = _literal_address(host.removesuffix("."))
    if address and not may_dial(address, allow_networks):
        raise PrivateAddress(host, address)


def may_dial(address: str, allow_networks: frozenset[str]) -> bool:
    """Whether a connection to this IP address is no way into our own network.

    allow_networks: of 'loopback' and 'private' (RFC 1918, RFC 6598, RFC 4193), those that are opened on purpose.
    Link-local, multicast, reserved, unspecified and cloud metadata addresses stay closed.
    """
    ip = _innermost(ip_address(address))
    if ip in _METADATA or any(ip in network for network in _NEVER):
        return False
    if ip.is_loopback:
        return "loopback" in allow_networks
    if any(ip in network for network in _PRIVATE_NETWORKS):
        return "private" in allow_networks
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _as_literal(name: str, port: int) -> list[ResolveResult]:
    """The answer for an address in place of a name, which needs no DNS; empty for a name."""
    address = _literal_address(name)
    if address is None:
        return []
    return [_result(address, port, socket.AF_INET6 if ":" in address else socket.AF_INET)]


def _result(address: str, port: int, family: socket.AddressFamily) -> ResolveResult:
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=address, host=address, port=port, family=family, proto=0, flags=numeric)


def _literal_address(host: str) -> str | None:
    """The address that a host stands for without DNS, in any spelling libc takes (0x7f.1, 2130706433, 017700000001)."""
    try:
        return str(IPv6Address(host)) if ":" in host else socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _innermost(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside a mapped (RFC 4291), 6to4 (RFC 3056) or NAT64 (RFC 6052) one; else the address itself.

    Without its scope ('%eth0'), which would make of a known address another one.
    """
    if isinstance(ip, IPv4Address):
        return ip
    translated = IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None
    return ip.ipv4_mapped or ip.sixtofour or translated or IPv6Address(int(ip))


def _mapped(host: str, port: int, connect_to: tuple[tuple[str, str, int], ...]) -> tuple[str, int]:
    """Name or address to resolve, and port to dial: the first pattern of `connect_to` that fits, else as asked."""
    name = host.removesuffix(".").lower()
    for pattern, address, dialled_port in connect_to:
        suffix = pattern.removeprefix("*.")
        if name == suffix or (pattern != suffix and name.endswith(f".{suffix}")):
            return address, dialled_port
    return host, port
