"""Data keys open only for their tenant and subject; sealed bytes are the same on every retry."""

import os
from uuid import UUID, uuid4

import pytest

from gateways.keyring import MasterKeyRing, open_sealed, seal
from gateways.ports import KeyRing, WrappedKey, WrongKey
from tests.gateways.fakes import FakeKeyRing

TENANT, STRANGER = uuid4(), uuid4()
ARTIFACT = UUID("01937c1e-0000-7000-8000-000000000001")
KEY = bytes(range(32))
MASTER = bytes(32)


@pytest.fixture(params=[FakeKeyRing, lambda: MasterKeyRing({"a": MASTER}, "a")], ids=["fake", "real"])
def ring(request: pytest.FixtureRequest) -> KeyRing:
    made: KeyRing = request.param()
    return made


def test_a_data_key_comes_back_for_its_tenant_and_subject(ring: KeyRing) -> None:
    data_key, wrapped = ring.new_data_key(TENANT, "student/letters")
    assert len(data_key) == 32
    assert data_key not in wrapped.wrapped
    assert ring.unwrap(TENANT, "student/letters", wrapped) == data_key


@pytest.mark.parametrize(("tenant", "subject"), [(STRANGER, "student/letters"), (TENANT, "student/uploads")])
def test_a_data_key_opens_for_nobody_else(ring: KeyRing, tenant: UUID, subject: str) -> None:
    _, wrapped = ring.new_data_key(TENANT, "student/letters")
    with pytest.raises(WrongKey):
        ring.unwrap(tenant, subject, wrapped)


def test_a_data_key_of_an_unknown_master_key_is_refused(ring: KeyRing) -> None:
    with pytest.raises(WrongKey):
        ring.unwrap(TENANT, "s", WrappedKey(os.urandom(60), "gone"))


def test_two_data_keys_differ(ring: KeyRing) -> None:
    assert ring.new_data_key(TENANT, "s")[0] != ring.new_data_key(TENANT, "s")[0]


def test_a_rotated_ring_still_opens_what_the_old_key_wrapped() -> None:
    old = MasterKeyRing({"a": MASTER}, "a").wrap(TENANT, "s", KEY)
    rotated = MasterKeyRing({"b": bytes([1]) * 32, "a": MASTER}, "b")
    assert rotated.unwrap(TENANT, "s", old) == KEY
    assert rotated.wrap(TENANT, "s", KEY).tenant_key_id == "b"


@pytest.mark.parametrize(("masters", "current"), [({}, "a"), ({"a": b"short"}, "a"), ({"a": MASTER}, "b")])
def test_a_ring_without_a_usable_key_is_refused(masters: dict[str, bytes], current: str) -> None:
    with pytest.raises(WrongKey, match="missing or shorter"):
        MasterKeyRing(masters, current)


def test_sealed_bytes_are_the_same_on_a_retry_and_open_again() -> None:
    sealed = seal(KEY, ARTIFACT, b"letter")
    assert seal(KEY, ARTIFACT, b"letter") == sealed
    assert b"letter" not in sealed
    assert open_sealed(KEY, ARTIFACT, sealed) == b"letter"


def test_no_two_documents_share_a_nonce_even_under_one_id() -> None:
    sealed = [seal(KEY, ARTIFACT, b"one"), seal(KEY, ARTIFACT, b"two"), seal(KEY, uuid4(), b"one")]
    assert len({each[4:16] for each in sealed}) == 3


@pytest.mark.parametrize("spoilt", [b"", b"HRS1short", b"%PDF-1.4 plain text that is long enough"])
def test_what_was_never_sealed_does_not_open(spoilt: bytes) -> None:
    with pytest.raises(WrongKey):
        open_sealed(KEY, ARTIFACT, spoilt)


def test_the_wrong_key_the_wrong_id_and_changed_bytes_are_refused() -> None:
    sealed = seal(KEY, ARTIFACT, b"letter")
    for key, artifact, content in [
        (MASTER, ARTIFACT, sealed),
        (KEY, uuid4(), sealed),
        (KEY, ARTIFACT, sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ]:
        with pytest.raises(WrongKey):
            open_sealed(key, artifact, content)
