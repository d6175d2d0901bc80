"""The Temporal client of an operator's command."""

from temporalio.client import Client

from orchestration.client import TemporalAddress, connect
from orchestration.codec import EncryptedPayloads
from settings import Settings, parse_keys, secret


async def temporal_client() -> Client:
    """Connected to what the settings name, with every configured payload key."""
    settings = Settings.load().require("temporal_address", "payload_keys")
    assert settings.payload_keys is not None
    keys = parse_keys(settings.payload_keys)
    api_key = None if settings.temporal_api_key is None else secret(settings.temporal_api_key)
    tls = settings.temporal_tls or api_key is not None
    where = TemporalAddress(settings.temporal_address or "", settings.temporal_namespace, tls, api_key)
    return await connect(where, EncryptedPayloads(keys, next(iter(keys))))
