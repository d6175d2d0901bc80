"""A real HTTP server that webhooks are posted to: it remembers every request and answers as the test says."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def signed_with(self, secret: bytes) -> bool:
        """Whether one of its signatures is made with this secret, however old the request is."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        return Webhook(secret).sign(self.id, at, self.body.decode()) in self.headers["webhook-signature"].split()


class Receiver:
    """`answer(n, request)` gives the status of the n-th request; `accepted` are the ids it said 2xx to, in order."""

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.accepted: list[str] = []
        self.answer: Callable[[int, Request], int] = lambda _n, _request: 204
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/hook"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def until(self, many: int) -> None:
        """Wait until so many requests were answered."""
        while len(self.heard) < many:  # noqa: ASYNC110 - any request may be the one
            await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):  # the test is over
            while True:
                await self._one(reader, writer)
        writer.close()
        self._writers.discard(writer)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        request = Request(headers, await reader.readexactly(int(headers["content-length"])), datetime.now(UTC))
        self.heard.append(request)
        status = self.answer(len(self.heard), request)
        if 200 <= status < 300:
            self.accepted.append(request.id)
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nLocation: /elsewhere\r\n\r\n".encode())
        await writer.drain()
