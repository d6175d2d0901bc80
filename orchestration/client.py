"""Connects to Temporal with our codec: one place that knows address, namespace, TLS and keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client, TLSConfig
from temporalio.converter import PayloadCodec
from temporalio.runtime import Runtime
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from orchestration.codec import data_converter

NEVER_CONNECTED = "Failed client connect"


@dataclass(frozen=True)
class TemporalAddress:
    """Where Temporal is and how to be let in."""

    target: str
    namespace: str = "default"
    tls: bool = False
    api_key: str | None = field(default=None, repr=False)


async def connect(
    where: TemporalAddress, codec: PayloadCodec, *, runtime: Runtime | None = None, worker: bool = False
) -> Client:
    """A client that connects at first use and gives up within seconds: no API answer hangs on a server that is away.

    A worker's client connects at once and keeps the SDK's patience: its polls outlive an outage of the server.
    """
    quick = RetryConfig(max_elapsed_time_millis=int(timedelta(seconds=3) / timedelta(milliseconds=1)))
    return await Client.connect(
        where.target,
        namespace=where.namespace,
        tls=TLSConfig() if where.tls else False,
        api_key=where.api_key,
        data_converter=data_converter(codec),
        runtime=runtime,
        retry_config=None if worker else quick,
        lazy=not worker,
    )


async def temporal_answers(client: Client) -> None:
    """Raise what the connection says when Temporal does not answer: a part of /readyz."""
    await client.service_client.check_health(timeout=timedelta(seconds=3))


@contextmanager
def reaching() -> Iterator[None]:
    """Tell a server that has been away since this process began like one that went away later: RPCError UNAVAILABLE.

    A lazy client that could never connect raises a bare RuntimeError.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith(NEVER_CONNECTED):
            raise
        raise RPCError(NEVER_CONNECTED, RPCStatusCode.UNAVAILABLE, b"") from error
