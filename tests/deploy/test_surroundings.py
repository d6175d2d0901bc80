"""Where the stack must run: taken ports, ordinary users, closed parents, and parts that are somebody else's."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.local.postgres import Server
from deploy.local.processes import free_port, reachable_by_others
from tests.deploy.stacks import RunningStack, processes_of
from tests.servers.kinds import Database, MailServer, Store, TemporalDev

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@contextmanager
def ended(stack: RunningStack) -> Iterator[RunningStack]:
    try:
        yield stack
    finally:
        stack.end()


def test_a_given_port_that_is_taken_is_reported_and_nothing_runs(own_stack: RunningStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert own_stack.launch("--port", str(port)).wait(60) == 1
    assert f"Port {port} is taken" in own_stack.output
    assert "--port" in own_stack.output
    assert processes_of(own_stack.folder) == []


def test_other_taken_ports_are_avoided(own_stack: RunningStack) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        taken = other.getsockname()[1]
        own_stack.folder.mkdir(mode=0o755)
        (own_stack.folder / "ports.json").write_text(json.dumps({"postgres": taken, "temporal": taken}))
        own_stack.up("--port", str(free_port()))
        assert taken not in json.loads((own_stack.folder / "ports.json").read_text()).values()
        assert own_stack.ready()


def as_ordinary_user(folder: Path) -> list[str]:
    """Become `nobody`; where nobody cannot reach this Python, an unprivileged user of a namespace of its own."""
    if reachable_by_others(Path(sys.executable)) and reachable_by_others(folder):
        os.chown(folder, 65534, 65534)
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs util-linux")
def test_an_ordinary_user_brings_it_up_also_with_the_home_of_another(base: Path) -> None:
    home, closed = base / "home", base / "root"
    home.mkdir()
    (closed / ".config" / "temporalio").mkdir(parents=True)
    closed.chmod(0o700)  # what sudo leaves in HOME
    with ended(RunningStack(home / "state", {"HOME": str(closed)}, wrap=as_ordinary_user(home))) as stack:
        stack.up("--port", str(free_port()))
        assert stack.ready()
        assert stack.interrupt() == 0


@needs_root
def test_root_brings_it_up_below_a_closed_parent_and_the_data_may_change_hands_later(base: Path) -> None:
    home = base / "home"
    home.mkdir(mode=0o700)
    with ended(RunningStack(home / "state")) as stack:
        stack.up("--port", str(free_port()))
        assert stack.ready()
        assert stack.interrupt() == 0
        home.chmod(0o755)  # now `nobody` can pass
        stack.up()
        assert stack.ready()
        assert "(new)" not in stack.output


def test_each_variable_replaces_its_part(
    base: Path, postgres: Server, database: Database, temporal_dev: TemporalDev, s3: Store, smtp: MailServer
) -> None:
    theirs = {
        "HANDRAIL_DATABASE_URL": database.app_dsn,
        "HANDRAIL_DATABASE_OWNER_URL": database.owner_url,
        "HANDRAIL_TEMPORAL_ADDRESS": temporal_dev.address,
        "HANDRAIL_S3_ENDPOINT": s3.endpoint,
        "HANDRAIL_S3_ACCESS_KEY": s3.access_key,
        "HANDRAIL_S3_SECRET_KEY": s3.secret_key,
        "HANDRAIL_S3_BUCKET": s3.bucket,
        "HANDRAIL_SMTP_HOST": smtp.host,
        "HANDRAIL_SMTP_PORT": str(smtp.port),
    }
    with ended(RunningStack(base / "state", theirs)) as stack:
        stack.up("--port", str(free_port()))
        assert set(stack.pids()) == {"worker", "api"}
        assert stack.ready()
        told = stack.settings()
        assert (told["HANDRAIL_SMTP_PORT"], told["HANDRAIL_S3_BUCKET"]) == (str(smtp.port), s3.bucket)
        assert told["HANDRAIL_DATABASE_URL"] == database.app_url
        for part in stack.pids().values():
            assert "HANDRAIL_DATABASE_OWNER_URL" not in psutil.Process(part).environ()
        assert str(postgres.port) in stack.output
