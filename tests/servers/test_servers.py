"""The shared test servers are real, separate per module, and gone when their run is gone."""

import asyncio
import os
import signal
import smtplib
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from temporalio import workflow
from temporalio.worker import Worker

from deploy.local.postgres import APP, OWNER
from deploy.local.temporal import SEARCH_ATTRIBUTES
from tests.servers.kinds import Database, MailServer, Store, TemporalDev, TimeSkipping

pytestmark = pytest.mark.servers


def test_the_owner_owns_the_database_and_the_application_role_bypasses_nothing(database: Database) -> None:
    with psycopg.connect(database.app_dsn) as connection:
        roles = connection.execute(
            "select rolname, rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = any(%s)",
            [[OWNER, APP]],
        ).fetchall()
        owner = connection.execute(
            "select pg_get_userbyid(datdba), current_user from pg_database where datname = current_database()"
        ).fetchone()
    assert sorted(roles) == [(APP, False), (OWNER, False)]
    assert owner == (OWNER, APP)


def test_the_owner_may_create_the_trusted_extensions(database: Database) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("create extension if not exists btree_gist")


def test_a_bucket_has_object_lock(s3: Store) -> None:
    lock = s3.client.get_object_lock_configuration(Bucket=s3.bucket)
    assert lock["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"


def test_the_development_server_knows_our_search_attributes(temporal_dev: TemporalDev) -> None:
    async def known() -> set[str]:
        client = await temporal_dev.client()
        counted = [await client.count_workflows(f"{name} is null") for name in SEARCH_ATTRIBUTES]
        return set(SEARCH_ATTRIBUTES) if len(counted) == len(SEARCH_ATTRIBUTES) else set()

    assert asyncio.run(known()) == set(SEARCH_ATTRIBUTES)


@workflow.defn(sandboxed=False)
class SleepsAWeek:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(timedelta(days=7))
        return "rested"


def test_the_time_skipping_server_skips_a_week(time_skipping: TimeSkipping) -> None:
    async def rested() -> str:
        async with (
            await time_skipping.environment() as env,
            Worker(env.client, task_queue="week", workflows=[SleepsAWeek]),
        ):
            return str(await env.client.execute_workflow(SleepsAWeek.run, id="week", task_queue="week"))

    assert asyncio.run(rested()) == "rested"


LETTER = b"Subject: A letter\r\n\r\nhello\r\n"


def test_mail_is_caught_with_its_envelope(smtp: MailServer) -> None:
    with smtplib.SMTP(smtp.host, smtp.port) as connection:
        connection.sendmail("school@example.org", ["one@example.org", "two@example.org"], LETTER)
    (caught,) = smtp.messages()
    assert (caught.recipients, caught.message["Subject"]) == (("one@example.org", "two@example.org"), "A letter")


def test_a_recipient_can_be_refused(smtp: MailServer) -> None:
    smtp.refusals["gone@example.org"] = "550 5.1.1 no such user"
    with smtplib.SMTP(smtp.host, smtp.port) as connection, pytest.raises(smtplib.SMTPRecipientsRefused):
        connection.sendmail("school@example.org", ["gone@example.org"], LETTER)


def test_starttls_and_login_are_demanded_when_asked_for(smtp_server: Callable[..., MailServer]) -> None:
    server = smtp_server(login=("letters", "secret"), tls=True)
    trust = ssl.create_default_context(cafile=str(server.certificate))
    with smtplib.SMTP(server.host, server.port) as connection:
        connection.starttls(context=trust)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            connection.login("letters", "wrong")
    with smtplib.SMTP(server.host, server.port) as connection:
        connection.starttls(context=trust)
        connection.login("letters", "secret")
        connection.sendmail("school@example.org", ["one@example.org"], LETTER)
    assert len(server.messages()) == 1


INNER = """
import os, signal
from tests.conftest import *
from tests.servers.client import open_folder
def test_ends(postgres) -> None:
    (open_folder() / "file").touch()
    if {dies}:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def inner_run(place: Path, *, dies: bool, workers: str) -> "subprocess.CompletedProcess[str]":
    """A pytest of its own, with real servers, whose temporary folder is `place`."""
    (place / "test_inner.py").write_text(INNER.format(dies=dies))
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir", str(place), str(place)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )


def left_behind(place: Path) -> list[str]:
    """Processes that name the folder, and what lies in it; whoever has just been told to go is given time."""

    def left() -> list[str]:
        mark = str(place)
        lines = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
        files = [str(one) for one in place.glob("handrail-*")]
        return [" ".join(line) for line in lines if any(mark in part for part in line)] + files

    end = time.monotonic() + 30
    while left() and time.monotonic() < end:
        time.sleep(0.05)
    return left()


@pytest.mark.slow
def test_kill_9_of_pytest_leaves_no_server_behind(tmp_path: Path) -> None:
    assert inner_run(tmp_path, dies=True, workers="0").returncode == -signal.SIGKILL
    assert left_behind(tmp_path) == []


@pytest.mark.slow
def test_a_run_of_two_workers_ends_without_a_warning_and_leaves_nothing_behind(tmp_path: Path) -> None:
    run = inner_run(tmp_path, dies=False, workers="2")
    assert (run.returncode, run.stderr) == (0, "")
    assert "Warning" not in run.stdout
    assert left_behind(tmp_path) == []
