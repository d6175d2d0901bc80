"""The webhook sender against real receivers on loopback: signed, never led inside, never held up for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateways.webhooks import ANSWER_BYTES, NotPosted, Posted, WebhookPoster, signed

OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
BODY = b'{"id":"1"}'
Story = Callable[[int, list[bytes]], Awaitable[None]]


@asynccontextmanager
async def receiver(answer: bytes, hang: float = 0) -> AsyncIterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            heard.append(head + await reader.readexactly(len(BODY)))
            await asyncio.sleep(hang)
            writer.write(answer)
            await writer.drain()
        except ConnectionError:
            pass  # the sender hung up, as some tests want
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


def told(answer: bytes, story: Story, hang: float = 0) -> None:
    async def tell() -> None:
        async with receiver(answer, hang) as (port, heard):
            await story(port, heard)

    asyncio.run(tell())


async def post(poster: WebhookPoster, url: str) -> Posted:
    try:
        return await poster.post(url, signed("m1", BODY, [b"k" * 32], datetime.now(UTC)), BODY)
    finally:
        await poster.close()


def test_a_receiver_gets_what_was_signed_once() -> None:
    async def story(port: int, heard: list[bytes]) -> None:
        assert (await post(WebhookPoster(loopback=True), f"http://127.0.0.1:{port}/hook")).accepted
        (request,) = heard
        head, _, body = request.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
        assert Webhook(b"k" * 32).verify(body, headers) == {"id": "1"}

    told(OK, story)


def test_while_a_secret_changes_either_one_verifies_and_no_other() -> None:
    headers = dict(signed("m1", BODY, [b"new" * 11, b"old" * 11], datetime.now(UTC)))
    for secret in (b"new" * 11, b"old" * 11):
        Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(b"xxx" * 11).verify(BODY, headers)


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_a_name_that_leads_inside_is_never_connected_to(inside: str) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", inside]  # one public address beside it does not help

    with pytest.raises(NotPosted) as refusal:
        asyncio.run(post(WebhookPoster(resolve), "https://hooks.example.org/"))
    assert refusal.value.why == "address_refused"


def test_a_url_to_this_machine_is_refused_without_the_development_setting() -> None:
    async def story(port: int, heard: list[bytes]) -> None:
        with pytest.raises(NotPosted):
            await post(WebhookPoster(), f"http://127.0.0.1:{port}/hook")
        assert heard == []
        # the control: the same address with the setting is reached
        assert (await post(WebhookPoster(loopback=True), f"http://127.0.0.1:{port}/hook")).accepted
        assert len(heard) == 1

    told(OK, story)


def test_a_name_is_asked_once_and_what_was_judged_is_connected_to() -> None:
    async def story(port: int, heard: list[bytes]) -> None:
        asked: list[str] = []

        async def resolve(host: str, _port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]  # a second look would lead elsewhere

        assert (await post(WebhookPoster(resolve, loopback=True), f"http://127.0.0.1:{port}/")).accepted
        assert asked == ["127.0.0.1"]
        assert len(heard) == 1

    told(OK, story)


def test_a_redirect_is_not_followed() -> None:
    async def story(port: int, heard: list[bytes]) -> None:
        posted = await post(WebhookPoster(loopback=True), f"http://127.0.0.1:{port}/")
        assert (posted.status, posted.accepted, len(heard)) == (302, False, 1)

    told(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", story)


@pytest.mark.parametrize(("size", "refused"), [(ANSWER_BYTES, False), (ANSWER_BYTES + 1, True)])
def test_an_answer_is_read_up_to_a_limit(size: int, *, refused: bool) -> None:
    async def story(port: int, _heard: list[bytes]) -> None:
        poster = WebhookPoster(loopback=True)
        if not refused:
            assert (await post(poster, f"http://127.0.0.1:{port}/")).accepted
            return
        with pytest.raises(NotPosted) as refusal:
            await post(poster, f"http://127.0.0.1:{port}/")
        assert refusal.value.why == "answer_too_large"

    told(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size, story)


def test_a_receiver_that_does_not_answer_is_left() -> None:
    async def story(port: int, _heard: list[bytes]) -> None:
        with pytest.raises(NotPosted) as refusal:
            await post(WebhookPoster(loopback=True, seconds=0.2), f"http://127.0.0.1:{port}/")
        assert refusal.value.why == "too_slow"

    told(OK, story, hang=0.6)


def test_nobody_there_says_so() -> None:
    with pytest.raises(NotPosted) as refusal:
        asyncio.run(post(WebhookPoster(loopback=True), "http://127.0.0.1:9/"))
    assert refusal.value.why == "not_reached"
