"""Envelope encryption of stored documents: data keys wrapped by tenant keys, bytes sealed the same on every retry."""

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateways.ports import WrappedKey, WrongKey

KEY_BYTES = 32
NONCE_BYTES = 12
MAGIC = b"HRS1"


def seal(data_key: bytes, artifact_id: UUID, plain: bytes) -> bytes:
    """Encrypt one artifact: the same key, id and bytes give the same result, so that a retried upload is the same.

    The nonce is derived from the artifact id and from the bytes. From the id alone, two different documents under one
    id (a bug, or a template changed between two tries) would share a nonce, which AES-GCM does not survive.
    """
    nonce = hmac.digest(data_key, b"nonce" + artifact_id.bytes + sha256(plain).digest(), "sha256")[:NONCE_BYTES]
    return MAGIC + nonce + AESGCM(data_key).encrypt(nonce, plain, MAGIC + artifact_id.bytes)


def open_sealed(data_key: bytes, artifact_id: UUID, sealed: bytes) -> bytes:
    """The plain bytes; WrongKey when key, id or bytes are not those that were sealed."""
    head = len(MAGIC) + NONCE_BYTES
    if sealed[: len(MAGIC)] != MAGIC or len(sealed) < head:
        raise WrongKey(f"artifact {artifact_id} is not in the sealed form")
    try:
        return AESGCM(data_key).decrypt(sealed[len(MAGIC) : head], sealed[head:], MAGIC + artifact_id.bytes)
    except (InvalidTag, ValueError) as refusal:
        raise WrongKey(f"artifact {artifact_id} does not open with this key") from refusal


class MasterKeyRing:
    """Tenant keys derived from master keys: `masters` by id, `current` wraps, every one of them unwraps."""

    def __init__(self, masters: Mapping[str, bytes], current: str) -> None:
        short = [name for name, key in masters.items() if len(key) < KEY_BYTES]
        if short or current not in masters:
            raise WrongKey(
                f"master key {short[0] if short else current!r} is missing or shorter than {KEY_BYTES} bytes"
            )
        self._masters = dict(masters)
        self._current = current

    def new_data_key(self, tenant_id: UUID, subject: str) -> tuple[bytes, WrappedKey]:
        data_key = os.urandom(KEY_BYTES)
        return data_key, self.wrap(tenant_id, subject, data_key)

    def wrap(self, tenant_id: UUID, subject: str, data_key: bytes) -> WrappedKey:
        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(self._tenant_key(self._current, tenant_id))
        return WrappedKey(nonce + cipher.encrypt(nonce, data_key, _bound(tenant_id, subject)), self._current)

    def unwrap(self, tenant_id: UUID, subject: str, key: WrappedKey) -> bytes:
        if key.tenant_key_id not in self._masters:
            raise WrongKey(f"master key {key.tenant_key_id!r} is not configured: add it again, or it was destroyed")
        cipher = AESGCM(self._tenant_key(key.tenant_key_id, tenant_id))
        try:
            return cipher.decrypt(key.wrapped[:NONCE_BYTES], key.wrapped[NONCE_BYTES:], _bound(tenant_id, subject))
        except (InvalidTag, ValueError) as refusal:
            raise WrongKey(f"the data key does not open under master key {key.tenant_key_id!r}") from refusal

    def _tenant_key(self, master_id: str, tenant_id: UUID) -> bytes:
        derivation = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"handrail documents " + tenant_id.bytes)
        return derivation.derive(self._masters[master_id])


def _bound(tenant_id: UUID, subject: str) -> bytes:
    return tenant_id.bytes + subject.encode()
