"""The payload codec: nothing readable at rest, rotation, destroyed keys, and the endpoint for the embedded UI."""

import asyncio
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from cryptography.exceptions import InvalidTag
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import WorkflowSerializationContext

from orchestration.codec import EncryptedPayloads, UnknownPayloadKey, scope_of
from orchestration.codec_server import CodecServer

SECRET = Payload(metadata={"encoding": b"json/plain"}, data=b'"canary-4711"')
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def encoded(codec: EncryptedPayloads) -> Payload:
    return asyncio.run(codec.encode([SECRET]))[0]


def decoded(codec: EncryptedPayloads, payload: Payload) -> Payload:
    return asyncio.run(codec.decode([payload]))[0]


def test_a_payload_is_unreadable_and_comes_back_whole() -> None:
    codec = EncryptedPayloads({"k1": OLD}, "k1")
    sealed = encoded(codec)
    assert b"canary" not in sealed.SerializeToString()
    assert decoded(codec, sealed) == SECRET


def test_rotation_writes_the_new_key_and_still_reads_the_old() -> None:
    before = encoded(EncryptedPayloads({"k1": OLD}, "k1"))
    rotated = EncryptedPayloads({"k1": OLD, "k2": NEW}, "k2")
    assert decoded(rotated, before) == SECRET
    assert encoded(rotated).metadata["key-id"].startswith(b"k2:")


def test_a_destroyed_key_is_named_and_its_payloads_are_gone() -> None:
    sealed = encoded(EncryptedPayloads({"k1": OLD}, "k1"))
    with pytest.raises(UnknownPayloadKey, match="k1"):
        decoded(EncryptedPayloads({"k2": NEW}, "k2"), sealed)


def test_the_key_belongs_to_the_tenant_and_school_year_of_the_workflow() -> None:
    context = WorkflowSerializationContext(namespace="default", workflow_id="att:t1:2026:i1")
    codec = EncryptedPayloads({"k1": OLD}, "k1").with_context(context)
    assert encoded(codec).metadata["key-id"] == b"k1:t1/2026"


@pytest.mark.parametrize(
    ("workflow_id", "scope"),
    [("att:t:2026:i", "t/2026"), ("mtss:t:2026:e", "t/2026"), ("nightly:t:2026-11-20", "t"), ("odd", "shared")],
)
def test_scope_follows_the_workflow_id(workflow_id: str, scope: str) -> None:
    assert scope_of(workflow_id) == scope


def test_a_payload_moved_under_another_key_id_is_refused() -> None:
    codec = EncryptedPayloads({"k1": OLD}, "k1")
    sealed = encoded(codec)
    sealed.metadata["key-id"] = b"k1:t1/2026"
    with pytest.raises(InvalidTag):
        decoded(codec, sealed)


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = CodecServer(
        ("127.0.0.1", 0), EncryptedPayloads({"k1": OLD}, "k1"), path="/s3cret-path", origin="http://127.0.0.1:8233"
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def post(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        read: bytes = answer.read()
        return read


def test_the_endpoint_decodes_only_under_its_secret_path(endpoint: str) -> None:
    sealed = encoded(EncryptedPayloads({"k1": OLD}, "k1"))
    body = json_format.MessageToJson(Payloads(payloads=[sealed])).encode()
    answer = json_format.Parse(post(f"{endpoint}/s3cret-path/decode", body), Payloads())
    assert list(answer.payloads) == [SECRET]
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(f"{endpoint}/guess/decode", body)
    assert refused.value.code == 404
    refused.value.close()


def test_the_endpoint_refuses_a_body_that_is_no_payload(endpoint: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(f"{endpoint}/s3cret-path/decode", b"not json")
    assert refused.value.code == 400
    refused.value.close()


def test_the_endpoint_never_leaves_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        CodecServer(("0.0.0.0", 0), EncryptedPayloads({"k1": OLD}, "k1"), path="/p", origin="")
