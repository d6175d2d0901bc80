"""What the server fixtures hand to a test: addresses, credentials and the few verbs a test needs."""

import shlex
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from deploy.local.bucket import store_client
from deploy.local.postgres import Server
from deploy.local.processes import free_port, tool
from deploy.local.storage import REGION, StorePlan

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


@dataclass(frozen=True)
class Database:
    """One database: the owner migrates it, the application role lives under row-level security."""

    name: str
    owner_url: str
    app_url: str

    @property
    def owner_dsn(self) -> str:
        """The owner's address as psycopg itself wants it."""
        return self.owner_url.replace("+psycopg", "")

    @property
    def app_dsn(self) -> str:
        return self.app_url.replace("+psycopg", "")


def database_of(server: Server, name: str) -> Database:
    return Database(name, server.owner_url(name), server.app_url(name))


@dataclass(frozen=True)
class Store:
    """The S3 store and one bucket with object lock, this module's own."""

    plan: StorePlan
    bucket: str

    @property
    def endpoint(self) -> str:
        return self.plan.endpoint

    @property
    def access_key(self) -> str:
        return self.plan.access_key

    @property
    def secret_key(self) -> str:
        return self.plan.secret_key

    @property
    def region(self) -> str:
        return REGION

    @cached_property
    def client(self) -> "S3Client":
        return store_client(self.plan)


@dataclass(frozen=True)
class TemporalDev:
    """The shared development server, with our search attributes; use ids of your own."""

    address: str
    namespace: str = "default"

    async def client(self, **options: Any) -> Client:
        return await Client.connect(self.address, namespace=self.namespace, **options)


@dataclass(frozen=True)
class TimeSkipping:
    """Starts a time-skipping server for one test: it has one clock, so it is never shared."""

    folder: Path

    async def environment(self, **options: Any) -> WorkflowEnvironment:
        """`async with await time_skipping.environment(data_converter=...) as env:`"""
        leashed = self.folder / "temporal-test-server"
        if not leashed.exists():
            command = [sys.executable, "-m", "tests.servers.leash", tool("temporal-test-server")]
            home = shlex.quote(str(Path(__file__).parents[2]))
            leashed.write_text(f'#!/bin/sh\ncd {home}\nexec {shlex.join(command)} "$@"\n')
            leashed.chmod(0o755)
        return await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(leashed), **options)


@dataclass(frozen=True)
class Caught:
    """One message as the server took it: the envelope decides who gets it, not the headers."""

    sender: str
    recipients: Sequence[str]
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class MailServer:
    """A real SMTP server on loopback that keeps what it takes; with a login when one is given.

    `certificate` (see `self_signed`) makes it demand STARTTLS; hand the same file to the client as its trust.
    `refusals` maps a recipient to the answer it gets, such as `550 5.1.1 no such user`.
    """

    login: tuple[str, str] | None = None
    certificate: Path | None = None
    refusals: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    host: str = "127.0.0.1"
    _caught: list[Caught] = field(default_factory=list)

    def start(self) -> "MailServer":
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
        self._controller = Controller(
            self,
            hostname=self.host,
            port=self.port,
            ready_timeout=30,
            tls_context=context,
            require_starttls=self.certificate is not None,
            auth_required=self.login is not None,
            auth_require_tls=self.certificate is not None,
            authenticator=self._authenticate,
        )
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()

    def messages(self) -> list[Caught]:
        return list(self._caught)

    def _authenticate(
        self, _server: object, _session: Session, _envelope: Envelope, _how: str, data: object
    ) -> AuthResult:
        user, secret = self.login or ("", "")
        right = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), secret.encode())
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802 - the library's name and arguments
        self, _server: object, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        self._caught.append(Caught(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        return "250 OK"


def self_signed(folder: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 into one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    place = folder / "certificate.pem"
    place.write_bytes(pem)
    return place
