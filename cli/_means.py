"""The store and the keys of an operator's command, for reading what was stored; it sends nothing."""

from typing import Final, NoReturn

from gateways.keyring import MasterKeyRing
from gateways.object_store import S3ObjectStore, StoreAddress
from gateways.ports import MailReceipt, OutgoingMail
from models.session import Sessions
from services.means import Means, Sender, Threads
from settings import Settings, parse_keys, secret

THREADS: Final = 2


class NoMailer:
    """These commands send nothing; whoever tries is at fault."""

    async def send(self, mail: OutgoingMail) -> MailReceipt:
        """Refuse."""
        self._refuse(mail)

    def _refuse(self, mail: OutgoingMail) -> NoReturn:
        raise AssertionError(f"this command must not send {mail.message_id}")


def means_of(sessions: Sessions) -> Means:
    """Reading what is stored; close its threads afterwards."""
    settings = Settings.load().require("master_keys")
    assert settings.master_keys is not None
    masters = parse_keys(settings.master_keys)
    access = secret(settings.s3_access_key) if settings.s3_access_key else None
    hidden = secret(settings.s3_secret_key) if settings.s3_secret_key else None
    address = StoreAddress(settings.s3_bucket, settings.s3_region, settings.s3_endpoint, access, hidden)
    return Means(
        sessions=sessions,
        store=S3ObjectStore(address),
        mailer=NoMailer(),
        keyring=MasterKeyRing(masters, next(iter(masters))),
        threads=Threads(THREADS),
        sender=Sender(settings.smtp_from),
    )
