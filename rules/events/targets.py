"""Where a webhook may go: a public https address. The URL is judged when given, the address when connecting."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from rules.errors import Invalid

PORTS: Final = frozenset({443, 8443})
LONGEST_URL: Final = 2000
# IANA's special addresses that Python 3.11 still calls global
_SPECIAL: Final = ip_network("192.0.0.0/24")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_INTERNAL: Final = ("localhost", "local", "internal", "localdomain", "home.arpa")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be tried; its address is still to be judged."""

    url: str
    scheme: str
    host: str
    port: int


def target(url: str, *, loopback: bool = False) -> Target:
    """Read a webhook's URL. `loopback` (development) also lets http and any port of 127.0.0.1 and ::1 through."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise _refused("not an address") from wrong
    host = (parts.hostname or "").removesuffix(".")
    here = loopback and host in {"127.0.0.1", "::1"}
    if problem := _wrong(url, parts.scheme, host, here=here) or _wrong_extras(parts.username, parts.fragment):
        raise _refused(problem)
    chosen = port or (443 if parts.scheme == "https" else 80)
    if not here and chosen not in PORTS:
        raise _refused("the port must be 443 or 8443")
    return Target(url, parts.scheme, host, chosen)


def _wrong(url: str, scheme: str, host: str, *, here: bool) -> str | None:
    if len(url) > LONGEST_URL or not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        return f"at most {LONGEST_URL} plain characters; write other scripts in their xn-- form"
    if scheme != "https" and not (here and scheme == "http"):
        return "must begin with https://"
    return None if here else _wrong_host(host)


def _wrong_host(host: str) -> str | None:
    if ":" in host:
        return None if public(host) else "must be a public address"
    labels = host.split(".")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):  # 127.1, 2130706433, 0x7f.1: forms that resolvers accept
        return None if _plain_ipv4(host) and public(host) else "must be a public address, written as four numbers"
    if len(labels) < 2 or host.endswith(_INTERNAL) or not all(_LABEL.fullmatch(label) for label in labels):
        return "must be the full name of a public host"
    return None


def _wrong_extras(user: str | None, fragment: str) -> str | None:
    return "no user name, password or fragment" if user is not None or fragment else None


def _plain_ipv4(host: str) -> bool:
    return re.fullmatch(r"(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}", host) is not None


def public(address: str, *, loopback: bool = False) -> bool:
    """Whether a resolved address may be connected to. An IPv6 address that wraps an IPv4 one never may."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if loopback and ip.is_loopback:
        return True
    if isinstance(ip, IPv6Address) and (ip.scope_id or _wraps_ipv4(ip)):
        return False
    return ip.is_global and ip not in _SPECIAL and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _wraps_ipv4(ip: IPv6Address) -> bool:
    """Mapped, compatible, 6to4, Teredo and NAT64 (64:ff9b::/96 and 64:ff9b:1::/48): each can lead inside."""
    head = int(ip) >> 32
    nat64 = head == 0x64FF9B << 64 or int(ip) >> 80 == 0x64FF9B0001
    compatible = head == 0 and IPv4Address(int(ip) & 0xFFFFFFFF) != IPv4Address(0)
    return bool(ip.ipv4_mapped or ip.sixtofour or ip.teredo) or nat64 or compatible


def _refused(problem: str) -> Invalid:
    return Invalid(
        "webhook_target_refused", f"The webhook's URL cannot be used: {problem}.", fields={"body.url": problem}
    )
