"""Where Kafka's brokers are: apart from the client, which only a worker with a broker loads."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Literal

REQUEST_MS: Final = 10_000
Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Where the brokers are and how to sign in."""

    servers: str
    security: Security = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def settings(self) -> dict[str, Any]:
        """What producers and consumers are told alike."""
        signed_in = {"sasl_plain_username": self.user, "sasl_plain_password": self.password} if self.user else {}
        return {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security,
            "sasl_mechanism": self.mechanism,
            "ssl_context": ssl.create_default_context() if self.security.endswith("SSL") else None,
            "request_timeout_ms": REQUEST_MS,
            "client_id": "handrail",
            **signed_in,
        }
