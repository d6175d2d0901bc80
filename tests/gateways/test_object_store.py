"""Write-once storage: the fake and the real store keep one contract; the real one also locks."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from gateways.object_store import S3ObjectStore, StoreAddress
from gateways.ports import ObjectStore, Removal
from rules.errors import Conflict, Invalid, NotFound
from tests.gateways.fakes import FakeObjectStore
from tests.servers.kinds import Store

PDF = b"%PDF-1.4 one"
OTHER = b"%PDF-1.4 two"


def hashed(content: bytes) -> str:
    return sha256(content).hexdigest()


def real(s3: Store) -> S3ObjectStore:
    return S3ObjectStore(StoreAddress(s3.bucket, s3.region, s3.endpoint, s3.access_key, s3.secret_key), threads=4)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    return FakeObjectStore() if request.param == "fake" else real(request.getfixturevalue("s3"))


def run(scene: Callable[[str], Awaitable[None]]) -> None:
    async def within() -> None:
        await scene(f"t/letters/2026/{uuid4()}")

    asyncio.run(within())


def test_a_key_is_written_once_and_reads_back(store: ObjectStore) -> None:
    async def scene(key: str) -> None:
        stored = await store.put_once(key, PDF, sha256=hashed(PDF))
        assert (stored.created, stored.sha256, stored.size_bytes) == (True, hashed(PDF), len(PDF))
        assert await store.get(key) == PDF
        found = await store.head(key)
        assert found is not None
        assert (found.key, found.sha256, found.size_bytes) == (key, hashed(PDF), len(PDF))

    run(scene)


def test_the_same_bytes_again_are_the_same_success(store: ObjectStore) -> None:
    async def scene(key: str) -> None:
        await store.put_once(key, PDF, sha256=hashed(PDF))
        again = await store.put_once(key, PDF, sha256=hashed(PDF))
        assert (again.created, again.sha256) == (False, hashed(PDF))

    run(scene)


def test_other_bytes_never_replace_what_is_there(store: ObjectStore) -> None:
    async def scene(key: str) -> None:
        await store.put_once(key, PDF, sha256=hashed(PDF))
        with pytest.raises(Conflict) as caught:
            await store.put_once(key, OTHER, sha256=hashed(OTHER))
        assert caught.value.code == "object_differs"
        assert caught.value.extra == {"stored_sha256": hashed(PDF)}
        assert await store.get(key) == PDF

    run(scene)


def test_bytes_that_are_not_those_of_the_hash_are_refused(store: ObjectStore) -> None:
    async def scene(key: str) -> None:
        with pytest.raises(Invalid, match="SHA-256"):
            await store.put_once(key, PDF, sha256=hashed(OTHER))
        assert await store.head(key) is None

    run(scene)


def test_removing_takes_what_begins_so_and_leaves_what_a_lock_keeps(store: ObjectStore) -> None:
    async def scene(key: str) -> None:
        await store.put_once(f"{key}/free", PDF, sha256=hashed(PDF))
        await store.put_once(f"{key}/kept", PDF, sha256=hashed(PDF), retain_until=datetime.now(UTC) + timedelta(days=1))
        await store.put_once(f"{key}-another", PDF, sha256=hashed(PDF))
        assert await store.remove_all(f"{key}/") == Removal(removed=1, locked=1)
        assert await store.head(f"{key}/free") is None
        assert await store.get(f"{key}/kept") == PDF
        assert await store.get(f"{key}-another") == PDF
        assert await store.remove_all(f"{key}/") == Removal(removed=0, locked=1), "nothing more the second time"

    run(scene)


def test_what_is_not_there_is_said_to_be_missing(store: ObjectStore) -> None:
    async def scene(key: str) -> None:
        assert await store.head(key) is None
        with pytest.raises(NotFound, match="There is no object"):
            await store.get(key)

    run(scene)


def test_of_many_writers_one_creates(store: ObjectStore) -> None:
    async def scene(key: str) -> None:
        results = await asyncio.gather(*(store.put_once(key, PDF, sha256=hashed(PDF)) for _ in range(6)))
        assert sum(stored.created for stored in results) == 1

    run(scene)


@pytest.mark.servers
def test_a_locked_letter_cannot_be_deleted_before_its_time(s3: Store) -> None:
    store = real(s3)

    async def scene(key: str) -> None:
        until = datetime.now(UTC) + timedelta(days=2)
        await store.put_once(key, PDF, sha256=hashed(PDF), retain_until=until)
        again = await store.put_once(key, PDF, sha256=hashed(PDF), retain_until=until)
        assert not again.created
        version = s3.client.head_object(Bucket=s3.bucket, Key=key)
        assert version["ObjectLockMode"] == "GOVERNANCE"
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.client.delete_object(Bucket=s3.bucket, Key=key, VersionId=version["VersionId"])
        await store.close()

    run(scene)


@pytest.mark.servers
def test_a_store_that_refuses_us_is_an_error_of_its_own(s3: Store) -> None:
    stranger = S3ObjectStore(StoreAddress(s3.bucket, s3.region, s3.endpoint, s3.access_key, "wrong"), threads=1)

    async def scene(key: str) -> None:
        with pytest.raises(ClientError):
            await stranger.put_once(key, PDF, sha256=hashed(PDF))
        with pytest.raises(ClientError):
            await stranger.get(key)
        with pytest.raises(ClientError):
            await stranger.head(key)

    run(scene)


def test_the_secret_key_is_never_shown() -> None:
    assert "hush" not in repr(StoreAddress("b", secret_key="hush"))
