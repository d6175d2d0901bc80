"""A sign-in under way, kept by the browser that began it: sealed, so that nobody else can make, read or change one."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Attempt:
    """What must come back as it went out: state, nonce, verifier, and to whom, from whom and to which address."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    issuer: str
    client_id: str
    tenant_key: str | None
    callback: str
    next_page: str


class Attempts:
    """Seals with the first key and opens with any, so that a rotation interrupts nobody."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._sealing = MultiFernet([Fernet(_derived(key)) for key in keys])

    def sealed(self, attempt: Attempt, now: datetime) -> str:
        """The value of the attempt's cookie."""
        return self._sealing.encrypt_at_time(json.dumps(asdict(attempt)).encode(), int(now.timestamp())).decode()

    def opened(self, value: str, now: datetime) -> Attempt | None:
        """The attempt, when it was sealed here less than ten minutes ago."""
        try:
            said = self._sealing.decrypt_at_time(
                value.encode(), ttl=int(LASTS.total_seconds()), current_time=int(now.timestamp())
            )
        except (InvalidToken, UnicodeEncodeError):
            return None
        return Attempt(**json.loads(said))


def _derived(key: bytes) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=b"handrail sign-in attempts").derive(key))
