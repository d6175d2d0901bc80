"""How often one address may knock: counted in this process, over a window that moves."""

import ipaddress
import math
import time
from collections.abc import Callable
from typing import Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_ADDRESS: Final = {
    "sign_in": parse("60/minute"),  # a staff room shares one address
    "refused_sign_in": parse("20/5minutes"),
    "public_link": parse("60/minute"),
    "refused_link": parse("20/5minutes"),  # links that open nothing: somebody is guessing
}


class RateLimits:
    """One process's counts; behind several processes a caller gets as many times the limit."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def wait(self, door: str, address: str, *, counting: bool = True) -> int | None:
        """None when this knock may come in; else the seconds until the next one may."""
        limit, who = PER_ADDRESS[door], (door, network(address))
        free = self._windows.hit(limit, *who) if counting else self._windows.test(limit, *who)
        if free:
            return None
        return max(1, math.ceil(self._windows.get_window_stats(limit, *who).reset_time - self._clock()))


def network(address: str) -> str:
    """An address, or the /64 of an IPv6 one: whoever has one of them has all."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return str(found)
