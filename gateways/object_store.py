"""The S3 store: written once, checked by SHA-256, locked for its retention."""

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256 as digest
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gateways.ports import Removal, StoredObject
from rules.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

T = TypeVar("T")

ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
# What a store that is down, or still starting, looks like; background loops try again.
STORE_AWAY = (BotoCoreError, ClientError)
REFUSED = frozenset({"AccessDenied", "InvalidRequest", "ObjectLocked"})
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


@dataclass(frozen=True)
class StoreAddress:
    """Where the bucket is; without keys the machine's own role is used.

    `lock_mode` COMPLIANCE binds even the operator; GOVERNANCE is the default.
    """

    bucket: str
    region: str = "us-east-1"
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"


class S3ObjectStore:
    """boto3 is synchronous: its calls run in a small pool of threads of their own, never on the event loop."""

    def __init__(self, address: StoreAddress, *, threads: int = 8) -> None:
        self._address = address
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="object-store")
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=address.endpoint,
            aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key,
            region_name=address.region,
            config=Config(
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=30,
                max_pool_connections=threads,
                retries={"max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path"},
            ),
        )

    async def put_once(
        self, key: str, content: bytes, *, sha256: str, retain_until: datetime | None = None
    ) -> StoredObject:
        if digest(content).hexdigest() != sha256:
            raise Invalid("checksum_mismatch", f"The bytes for {key} are not those of the given SHA-256.")
        return await self._run(lambda: self._put(key, content, sha256, retain_until))

    async def get(self, key: str) -> bytes:
        return await self._run(lambda: self._get(key))

    async def head(self, key: str) -> StoredObject | None:
        return await self._run(lambda: self._head(key))

    async def remove_all(self, prefix: str) -> Removal:
        return await self._run(lambda: self._remove_all(prefix))

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _put(self, key: str, content: bytes, sha256: str, retain_until: datetime | None) -> StoredObject:
        locked: dict[str, Any] = {}
        if retain_until is not None:
            locked = {"ObjectLockMode": self._address.lock_mode, "ObjectLockRetainUntilDate": retain_until}
        try:
            self._client.put_object(
                Bucket=self._address.bucket,
                Key=key,
                Body=content,
                IfNoneMatch="*",
                ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                **locked,
            )
        except ClientError as refusal:
            if _code(refusal) not in TAKEN:
                raise
            return self._same(key, sha256, refusal)
        return StoredObject(key, sha256, len(content), created=True)

    def _same(self, key: str, sha256: str, refusal: ClientError) -> StoredObject:
        """A retry finds its own bytes: success. Other bytes under the key are never overwritten."""
        present = self._head(key)
        if present is None:  # taken while another writer was still at work: the caller tries again
            raise refusal
        if present.sha256 != sha256:
            raise Conflict("object_differs", f"{key} already holds other bytes.", stored_sha256=present.sha256)
        return present

    def _get(self, key: str) -> bytes:
        try:
            return self._client.get_object(Bucket=self._address.bucket, Key=key)["Body"].read()
        except ClientError as refusal:
            if _code(refusal) in ABSENT:
                raise NotFound("object_not_found", f"There is no object {key}.") from refusal
            raise

    def _head(self, key: str) -> StoredObject | None:
        try:
            found = self._client.head_object(Bucket=self._address.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as refusal:
            if _code(refusal) in ABSENT:
                return None
            raise
        return StoredObject(key, base64.b64decode(found.get("ChecksumSHA256", "")).hex(), found["ContentLength"])

    def _remove_all(self, prefix: str) -> Removal:
        removed = locked = 0
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._address.bucket, Prefix=prefix):
            for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if self._removed(one["Key"], one["VersionId"]):
                    removed += 1
                else:
                    locked += 1
        return Removal(removed, locked)

    def _removed(self, key: str, version: str) -> bool:
        try:
            self._client.delete_object(Bucket=self._address.bucket, Key=key, VersionId=version)
        except ClientError as refusal:
            if _code(refusal) not in REFUSED or not self._locked(key, version):
                raise  # a missing right of ours is not a lock
            return False
        return True

    def _locked(self, key: str, version: str) -> bool:
        found = self._client.head_object(Bucket=self._address.bucket, Key=key, VersionId=version)
        until = found.get("ObjectLockRetainUntilDate")
        held = found.get("ObjectLockLegalHoldStatus") == "ON"
        answered = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])  # by the store's own clock
        return held or (until is not None and until > answered)


def _code(refusal: ClientError) -> str:
    return str(refusal.response.get("Error", {}).get("Code", ""))
