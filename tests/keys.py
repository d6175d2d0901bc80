"""The key ring of tests, and units of work that carry it."""

import base64

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.keyring import MasterKeyRing
from models.session import Sessions
from services.audit_keys import sessions_with

KEY = b"k" * 32
RING = MasterKeyRing({"test": KEY}, "test")
MASTER_KEYS = f"test:{base64.b64encode(KEY).decode()}"  # the same, as HANDRAIL_MASTER_KEYS


def opened_on(engine: AsyncEngine) -> Sessions:
    """Units of work as a composition root opens them."""
    return sessions_with(engine, RING)
