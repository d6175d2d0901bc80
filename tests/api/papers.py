"""The district with a document store behind it, for tests of what is stored and given out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gateways.keyring import MasterKeyRing
from gateways.mailer import SmtpAddress, SmtpMailer
from gateways.object_store import S3ObjectStore, StoreAddress
from services.means import Means, Sender, Threads
from tests.api.district import District
from tests.servers.kinds import Store


@contextmanager
def stored(district: District, s3: Store) -> Iterator[Means]:
    """Give the application a store of its own for a while."""
    means = Means(
        sessions=district.sessions,
        store=S3ObjectStore(StoreAddress(s3.bucket, s3.region, s3.endpoint, s3.access_key, s3.secret_key)),
        mailer=SmtpMailer(SmtpAddress("127.0.0.1", 1)),
        keyring=MasterKeyRing({"test": b"m" * 32}, "test"),
        threads=Threads(1),
        sender=Sender("office@example.org"),
    )
    before = district.app.state.parts
    district.app.state.parts = replace(before, means=means)
    yield means
    district.app.state.parts = before
    district.run(means.threads.close())
