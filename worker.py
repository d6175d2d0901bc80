"""Composition root of the Temporal worker: connects, says that it is ready, works until told to stop."""

import asyncio
import signal

from orchestration.client import TemporalAddress, connect, temporal_answers
from orchestration.codec import EncryptedPayloads
from settings import Settings, parse_keys, secret

READY = "HANDRAIL WORKER READY"  # the supervisor of the embedded stack waits for this line


async def work() -> None:
    """Run until SIGTERM or Ctrl-C."""
    settings = Settings.load().require("database_url", "temporal_address", "payload_keys")
    assert settings.payload_keys is not None
    keys = parse_keys(settings.payload_keys)
    api_key = None if settings.temporal_api_key is None else secret(settings.temporal_api_key)
    tls = settings.temporal_tls or api_key is not None
    where = TemporalAddress(settings.temporal_address or "", settings.temporal_namespace, tls, api_key)
    client = await connect(where, EncryptedPayloads(keys, next(iter(keys))))
    stop = asyncio.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    await temporal_answers(client)
    print(READY, flush=True)  # noqa: T201 - the supervisor reads it
    await stop.wait()


def main() -> None:
    asyncio.run(work())


if __name__ == "__main__":
    main()
