"""The one frozen Settings object: read by the composition roots only (worker, server, cli, migration environment)."""

import base64
import binascii
import difflib
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "HANDRAIL_"
IN_FILE = "_FILE"  # HANDRAIL_TOKEN_SECRET_FILE names the file that holds HANDRAIL_TOKEN_SECRET
STACK_FILE = "stack.env"  # written into the data folder by `handrail up` while the embedded stack runs
NOT_SETTINGS = ("HANDRAIL_TEST_", "HANDRAIL_SECRETS_DIR")


class SettingsError(Exception):
    """The environment cannot be used; the message names each variable and what to do."""


def _database_address(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return SecretStr(f"postgresql+psycopg://{rest}")


def _keys(value: SecretStr) -> SecretStr:
    parse_keys(value)
    return value


def parse_keys(value: SecretStr) -> dict[str, bytes]:
    """Read `name:base64,name:base64`, each 32 bytes; the first is the current one, the others still decrypt."""
    keys: dict[str, bytes] = {}
    for part in value.get_secret_value().split(","):
        name, _, text = part.strip().partition(":")
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error as wrong:
            raise ValueError("must be name:base64,name:base64") from wrong
        if not name or len(key) != 32:
            raise ValueError("each key must be name:base64 of 32 bytes")
        keys[name] = key
    return keys


def _client_secrets(value: SecretStr) -> SecretStr:
    parse_client_secrets(value)
    return value


def parse_client_secrets(value: SecretStr) -> dict[str, str]:
    """Read `client:secret,client:secret`; a secret may hold colons, neither may hold a comma."""
    found: dict[str, str] = {}
    for part in value.get_secret_value().split(","):
        client, _, hidden = part.strip().partition(":")
        if not client or not hidden:
            raise ValueError("must be client:secret,client:secret")
        found[client] = hidden
    return found


def _issuers(value: str) -> str:
    for one in split_issuers(value):
        if not one.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
            raise ValueError("each issuer is an https address (http on this machine only)")
        if "*" in one.split("/")[2]:
            raise ValueError("write out the host of each issuer; * stands for one part of its path")
    return value


def split_issuers(value: str) -> list[str]:
    """The issuers of `HANDRAIL_OIDC_ISSUERS`."""
    return [one.strip() for one in value.split(",") if one.strip()]


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port, such as 127.0.0.1:9100")
    return value


Database = Annotated[SecretStr, AfterValidator(_database_address)]
Keys = Annotated[SecretStr, AfterValidator(_keys)]
ClientSecrets = Annotated[SecretStr, AfterValidator(_client_secrets)]
Listen = Annotated[str, AfterValidator(_listen)]
Issuers = Annotated[str, AfterValidator(_issuers)]


SERVERS = r"^[^/\s,]+:\d+(,[^/\s,]+:\d+)*$"


class Settings(BaseSettings):
    """Environment variables `HANDRAIL_*`; a set variable replaces the embedded part of that name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: Database | None = Field(None, description="Application role: owns nothing, bypasses nothing.")
    database_owner_url: Database | None = Field(None, description="Owner of the tables: migrations, tenant delete.")
    database_pool_size: int = Field(8, ge=1, le=200, description="Connections per process.")

    temporal_address: str | None = Field(None, pattern=r"^[^/\s]+:\d+$", description="host:port of the frontend.")
    temporal_namespace: str = Field("default", description="Namespace, with 30 days of retention or more.")
    temporal_tls: bool = Field(default=False, description="Connect by TLS.")
    temporal_api_key: SecretStr | None = Field(None, description="API key (Temporal Cloud); implies TLS.")
    temporal_ui_url: str | None = Field(None, description="Where staff open the Temporal UI; a link only.")
    worker_versioning: Literal["auto_upgrade", "pinned"] = Field("auto_upgrade", description="See docs.")

    s3_endpoint: str | None = Field(None, pattern=r"^https?://", description="Empty for AWS S3 itself.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_bucket: str = Field("letters", description="Bucket made with object lock.")
    s3_access_key: SecretStr | None = Field(None, description="Access key.")
    s3_secret_key: SecretStr | None = Field(None, description="Secret key.")

    smtp_host: str | None = Field(None, description="Mail server.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    smtp_user: str | None = Field(None, description="Login; none when empty.")
    smtp_password: SecretStr | None = Field(None, description="Password of the login.")
    smtp_starttls: bool = Field(default=True, description="Demand STARTTLS.")
    smtp_from: str = Field("attendance@example.org", description="Envelope sender and From address.")
    mail_url: str | None = Field(None, description="Page of the mail catcher; a link only.")

    master_keys: Keys | None = Field(None, description="Wrap the tenants' keys: name:base64 of 32 bytes, ...")
    payload_keys: Keys | None = Field(None, description="Encrypt workflow payloads: name:base64 of 32 bytes, ...")
    token_secret: SecretStr | None = Field(None, min_length=32, description="Signs the demo's role tokens.")

    auth: Literal["demo", "oidc"] = Field("demo", description="demo: role tokens, answered on this machine only.")
    oidc_issuer: Issuers | None = Field(None, description="Issuer of tenants that name none of their own.")
    oidc_issuers: Issuers = Field("", description="Further issuers tenants may name: a,b; * is one part of a path.")
    oidc_audience: str = Field("handrail-api", description="Audience that API tokens must name.")
    oidc_client_id: str | None = Field(None, description="Client of the console at the identity provider.")
    oidc_client_secrets: ClientSecrets | None = Field(None, description="client:secret,... of console clients.")
    oidc_tenant_claim: str = Field("tenant", description="Claim of the shared issuer that holds the tenant's key.")

    operator_tenant: str | None = Field(None, description="Key of the tenant whose administrators manage all tenants.")
    webhook_loopback: bool = Field(default=False, description="Let webhooks go to this machine: development only.")
    kafka_servers: str | None = Field(None, pattern=SERVERS, description="host:port,...; unset: no Kafka.")
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "SASL_SSL", description="How to connect to it."
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How to sign in, with SASL."
    )
    kafka_user: str | None = Field(None, description="User name, with SASL.")
    kafka_password: SecretStr | None = Field(None, description="Password, with SASL.")
    kafka_topics: str = Field(
        "cart-events-enriched,prediction-results,inbound-events",
        description="Topics to take events from; may be empty.",
    )
    kafka_group: str = Field("handrail", description="Consumer group of the workers.")
    worker_metrics: Listen | None = Field(None, description="host:port where the worker shows what it counts.")

    public_url: str = Field("http://127.0.0.1:8000", pattern=r"^https?://", description="Where people reach Handrail.")
    demo: bool = Field(default=False, description="Demo sign-in and demo district.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe line logged.")
    data_dir: Path = Field(Path(".handrail"), description="Folder of the embedded stack.")

    @classmethod
    def load(cls, *, attach: bool = True) -> Self:
        """Read environment, `.env`, files of HANDRAIL_SECRETS_DIR and, when attaching, the running stack's file."""
        _refuse_unknown(cls)
        from_files = _from_files(cls)
        folder = Path(os.environ.get(f"{PREFIX}DATA_DIR", ".handrail"))
        files = (folder / STACK_FILE, Path(".env")) if attach else (Path(".env"),)
        try:
            return cls(_env_file=files, _secrets_dir=os.environ.get(f"{PREFIX}SECRETS_DIR"), **from_files)
        except ValidationError as refusal:
            lines = [f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in refusal.errors()]
            raise SettingsError("These settings cannot be used (see .env.example):\n" + "\n".join(lines)) from None

    def require(self, *names: str) -> Self:
        """Raise one error that names every missing setting."""
        missing = [f"{PREFIX}{name.upper()}" for name in names if getattr(self, name) is None]
        if missing:
            raise SettingsError(
                f"Not set: {', '.join(missing)}. Start the embedded stack by `handrail up`, or set them (.env.example)."
            )
        return self


def _from_files(settings: type[BaseSettings]) -> dict[str, Any]:
    """Secrets whose `HANDRAIL_NAME_FILE` names the file they lie in, as orchestrators mount them."""
    found: dict[str, Any] = {}
    for name in hidden(settings):
        path = os.environ.get(f"{PREFIX}{name.upper()}{IN_FILE}")
        if not path:
            continue
        if os.environ.get(f"{PREFIX}{name.upper()}"):
            raise SettingsError(f"{PREFIX}{name.upper()} and {PREFIX}{name.upper()}{IN_FILE} are both set; keep one.")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as unread:
            why = f"cannot be read ({type(unread).__name__})"
            raise SettingsError(f"{PREFIX}{name.upper()}{IN_FILE}: {path} {why}.") from None
    return found


def hidden(settings: type[BaseSettings]) -> list[str]:
    """The settings that are secrets."""
    return [name for name, field in settings.model_fields.items() if "SecretStr" in str(field.annotation)]


def _refuse_unknown(settings: type[BaseSettings]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}{IN_FILE}" for name in hidden(settings)}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(NOT_SETTINGS):
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else " See .env.example."
            raise SettingsError(f"{name} is not a setting of Handrail.{hint}")


def secret(value: SecretStr | None) -> str:
    """Open a secret that `require` has proven to be there."""
    if value is None:
        raise SettingsError("A secret is not set; name it in Settings.require first.")
    return value.get_secret_value()
