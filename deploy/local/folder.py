"""The data folder of one stack: its lock, ports that persist, generated secrets, state for `status` and `down`."""

import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploy.local.processes import LOWEST_PORT, StartError, free_port, port_is_free
from settings import STACK_FILE

API_PORT = 8000
PORTS = (
    *("postgres", "temporal", "temporal_http", "temporal_metrics", "ui", "smtp", "mail", "codec"),
    *("s3", "master", "volume", "filer", "admin"),
)
# A killed supervisor's children need a moment to let go of their ports.
PORT_PATIENCE = 5.0


@dataclass(frozen=True)
class Secrets:
    """Made once per data folder; whoever may read the folder may read the demo."""

    postgres_superuser: str
    postgres_owner: str
    postgres_app: str
    s3_access_key: str
    s3_secret_key: str
    master_keys: str
    payload_keys: str
    token_secret: str
    codec_path: str


def _new_secrets() -> Secrets:
    def key() -> str:
        return f"local-1:{base64.b64encode(secrets.token_bytes(32)).decode()}"

    return Secrets(
        postgres_superuser=secrets.token_hex(16),
        postgres_owner=secrets.token_hex(16),
        postgres_app=secrets.token_hex(16),
        s3_access_key=f"local{secrets.token_hex(4)}",
        s3_secret_key=secrets.token_hex(24),
        master_keys=key(),
        payload_keys=key(),
        token_secret=secrets.token_hex(32),
        codec_path=f"/{secrets.token_hex(24)}",
    )


class StackFolder:
    """Paths and small files below the data folder; everything but PostgreSQL's part is closed to other users."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    def open(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self.path.stat().st_uid == os.geteuid():
                self.path.chmod(0o711)  # the database server may pass through as `nobody`, but not list
            for name in ("log", "s3", "mail", "temporal"):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as refusal:
            raise StartError(
                f"The data folder {self.path} cannot be used: {refusal.strerror}. Choose --data-dir."
            ) from None

    def take_lock(self) -> bool:
        """Hold the lock for life; the kernel frees it at our death. False: another supervisor owns this folder."""
        lock = (self.path / "lock").open("a+")
        end = time.monotonic() + 0.5  # `owner()` of a `status` may hold it for a moment
        while not _locked(lock):
            if time.monotonic() > end:
                lock.close()
                return False
            time.sleep(0.02)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        return True

    def owner(self) -> int | None:
        """Process id of the supervisor that holds the lock now; None when nobody does."""
        place = self.path / "lock"
        if not place.exists():
            return None
        with place.open("r+") as lock:
            return None if _locked(lock) else int(lock.read() or 0) or None

    def ports(self, wanted_api: int | None) -> dict[str, int]:
        """Ports of this folder: as last time where they are free, else others; a taken --port is an error."""
        saved: dict[str, int] = self._read("ports.json") or {}
        ports = {name: saved[name] for name in PORTS if name in saved and _comes_free(saved[name])}
        for name in PORTS:
            ports.setdefault(name, free_port(list(ports.values())))
        ports["api"] = _api_port(wanted_api, saved.get("api", API_PORT))
        self._write("ports.json", ports)
        return ports

    def prepared(self) -> str | None:
        """Fingerprint of the preparation that ended well last, for the data that is still here."""
        place = self.path / "prepared"
        return place.read_text() if place.exists() else None

    def say_prepared(self, fingerprint: str | None) -> None:
        (self.path / "prepared").unlink(missing_ok=True)
        if fingerprint:
            self._replace("prepared", fingerprint)

    def secrets(self) -> Secrets:
        known = self._read("secrets.json")
        if known is None:
            made = _new_secrets()
            self._write("secrets.json", vars(made))
            return made
        return Secrets(**known)

    def state(self) -> dict[str, Any] | None:
        """What the supervisor last said of itself; trust it only while `owner()` is not None."""
        return self._read("state.json")

    def say_state(self, state: Mapping[str, Any]) -> None:
        self._write("state.json", state)

    def write_environment(self, variables: Mapping[str, str]) -> None:
        """Let other commands of this folder (import, token, ...) find the running stack."""
        lines = [f"{name}='{value}'\n" for name, value in sorted(variables.items())]
        self._replace(STACK_FILE, "".join(lines))

    def forget_environment(self) -> None:
        (self.path / STACK_FILE).unlink(missing_ok=True)
        (self.path / "state.json").unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        """Log of one part, begun anew when it has grown large."""
        place = self.path / "log" / f"{name}.log"
        if place.exists() and place.stat().st_size > 8 << 20:
            place.replace(place.with_suffix(".log.1"))
        return place

    def _read(self, name: str) -> dict[str, Any] | None:
        place = self.path / name
        if not place.exists():
            return None
        try:
            content: dict[str, Any] = json.loads(place.read_text())
        except json.JSONDecodeError:
            raise StartError(f"{place} is damaged. Restore it, or remove the data folder to begin anew.") from None
        return content

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        self._replace(name, json.dumps(content, indent=1))

    def _replace(self, name: str, text: str) -> None:
        """Write beside and rename, so that a kill leaves the old file or the new one."""
        beside = self.path / f".{name}.new"
        beside.unlink(missing_ok=True)
        beside.touch(0o600)
        beside.write_text(text)
        beside.replace(self.path / name)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _comes_free(port: int, patience: float = PORT_PATIENCE) -> bool:
    end = time.monotonic() + patience
    while not port_is_free(port):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _api_port(wanted: int | None, usual: int) -> int:
    if wanted is not None:
        if not _comes_free(wanted):
            raise StartError(f"Port {wanted} is taken by another program: stop it, or choose another by --port.")
        return wanted
    if _comes_free(usual):
        return usual
    nearby = [port for port in range(API_PORT, API_PORT + 100) if port_is_free(port)]
    return nearby[0] if nearby else free_port([LOWEST_PORT])
