"""Posts signed webhooks to addresses it has judged itself: resolved once, connected to as judged, never led on."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import httpcore
from standardwebhooks import Webhook

from rules.errors import Invalid
from rules.events.targets import public, target

MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
ANSWER_BYTES: Final = 64 * 1024
MOST_CONNECTIONS: Final = 512
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Why = Literal["address_refused", "not_reached", "too_slow", "answer_too_large"]
SocketOptions = Iterable[tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]]


@dataclass(frozen=True, slots=True)
class Posted:
    """The receiver's answer; only its status counts."""

    status: int

    @property
    def accepted(self) -> bool:
        """2xx; a redirect is not followed and so no acceptance."""
        return 200 <= self.status < 300


class NotPosted(Exception):
    """Nothing usable came back; `why` is a stable word. Try again with the same id."""

    def __init__(self, why: Why) -> None:
        super().__init__(f"The webhook was not accepted ({why}); send it again with the same webhook-id.")
        self.why = why


class AddressRefused(httpcore.ConnectError):
    """The name leads to an address that is not public."""


def signed(message_id: str, body: bytes, secrets: Sequence[bytes], at: datetime) -> Mapping[str, str]:
    """The headers of Standard Webhooks; while a secret is being changed, one signature for each."""
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "content-type": MEDIA_TYPE,
        "user-agent": "Handrail-Webhooks/1",
    }


async def resolved(host: str, port: int) -> Sequence[str]:
    """Every address of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class JudgedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the very address it judged, so that a name that changes its answer (rebinding) gains nothing.

    TLS still proves the name: httpcore verifies the certificate of the URL's host on the connection made here.
    """

    def __init__(self, resolve: Resolve = resolved, *, loopback: bool = False) -> None:
        self._resolve = resolve
        self._loopback = loopback
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, judge every address, connect to the first."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError("the name is not known") from unknown
        if not found or not all(public(one, loopback=self._loopback) for one in found):
            raise AddressRefused("an address of this name is not public")
        return await self._inner.connect_tcp(found[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class WebhookPoster:
    """Posts one event at a time on pooled connections, within `seconds` from the look-up to the end of the answer."""

    def __init__(self, resolve: Resolve = resolved, *, loopback: bool = False, seconds: float = 10.0) -> None:
        self._loopback = loopback
        self._seconds = seconds
        network = JudgedNetwork(resolve, loopback=loopback)
        self._pool = httpcore.AsyncConnectionPool(max_connections=MOST_CONNECTIONS, network_backend=network)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """The answer's status, whatever it is; NotPosted when there is none or it is too much."""
        try:
            checked = target(url, loopback=self._loopback)
            async with asyncio.timeout(self._seconds):
                return await self._exchange(checked.url, headers, body)
        except TimeoutError as late:
            raise NotPosted("too_slow") from late
        except (AddressRefused, Invalid) as refused:
            raise NotPosted("address_refused") from refused
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as away:
            raise NotPosted("not_reached") from away

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        async with self._pool.stream("POST", url, headers=list(headers.items()), content=body) as answer:
            read = 0
            async for part in answer.aiter_stream():
                read += len(part)
                if read > ANSWER_BYTES:
                    raise NotPosted("answer_too_large")
            return Posted(answer.status)

    async def close(self) -> None:
        await self._pool.aclose()
