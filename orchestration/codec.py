"""Payload codec: what Temporal stores is AES-256-GCM text under a key of the tenant and school year (security.md).

Keys are derived by HKDF from a master key with the key id as its context, so a key id in a payload is all that is
needed to find its key, and rotation is a new master key beside the old ones. Workflow ids, types, task queues and
search attributes are never encrypted by Temporal: they hold opaque ids only.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

ENCODING = b"binary/encrypted"
NONCE_BYTES = 12
SHARED = "shared"


class UnknownPayloadKey(LookupError):
    """A payload names a master key that is not configured: add the old key again or accept that it was destroyed."""


class EncryptedPayloads(PayloadCodec, WithSerializationContext):
    """Encrypts under `current`, decrypts under any configured key; `scope` is `tenant/school-year` or `shared`."""

    def __init__(self, masters: Mapping[str, bytes], current: str, scope: str = SHARED) -> None:
        if current not in masters:
            raise UnknownPayloadKey(f"payload key {current!r} is named current but not configured")
        self._masters = dict(masters)
        self._current = current
        self._scope = scope

    def with_context(self, context: SerializationContext) -> "EncryptedPayloads":
        if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return EncryptedPayloads(self._masters, self._current, scope_of(context.workflow_id or ""))
        return self

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        key_id = f"{self._current}:{self._scope}"
        return [self._sealed(key_id, payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._opened(payload) for payload in payloads]

    def _sealed(self, key_id: str, payload: Payload) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        text = self._cipher(key_id).encrypt(nonce, payload.SerializeToString(), key_id.encode())
        return Payload(metadata={"encoding": ENCODING, "key-id": key_id.encode()}, data=nonce + text)

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata["key-id"].decode()
        nonce, text = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        return Payload.FromString(self._cipher(key_id).decrypt(nonce, text, key_id.encode()))

    def _cipher(self, key_id: str) -> AESGCM:
        name = key_id.split(":", 1)[0]
        if name not in self._masters:
            raise UnknownPayloadKey(f"payload key {name!r} is not configured")
        return _derived(self._masters[name], key_id)


def scope_of(workflow_id: str) -> str:
    """`tenant/school-year` of an intervention's workflow id, `tenant` of other tenant workflows, else `shared`."""
    kind, *rest = workflow_id.split(":")
    if kind in {"att", "mtss"} and len(rest) == 3:
        return f"{rest[0]}/{rest[1]}"
    return rest[0] if rest else SHARED


@lru_cache(maxsize=1024)
def _derived(master: bytes, key_id: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, b"handrail-payload:" + key_id.encode()).derive(master))


def data_converter(codec: PayloadCodec) -> DataConverter:
    """The one converter of client, worker and replayer; without its failure converter exception texts would leak."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
