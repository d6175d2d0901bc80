"""A sealer in a process of its own, for tests that kill it: `python -m tests.orchestration.sealing DATABASE_URL`."""

import asyncio
import sys
from datetime import UTC, datetime

from gateways.object_store import S3ObjectStore, StoreAddress
from models.session import engine_for
from orchestration.sealer import Sealer
from tests.keys import opened_on


def main(url: str) -> None:
    """Seal until killed; anchors, which need a store, are not its business here."""
    nowhere = StoreAddress(endpoint="http://127.0.0.1:9", bucket="none", access_key="none", secret_key="none")
    sealer = Sealer(opened_on(engine_for(url)), S3ObjectStore(nowhere), lambda: datetime.now(UTC))
    asyncio.run(sealer.run(asyncio.Event()))


if __name__ == "__main__":
    main(sys.argv[1])
