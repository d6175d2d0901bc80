"""The demo: one command that ends with an account, and an `up --demo` that a kill in the middle only delays."""

import json
import subprocess
from pathlib import Path

import psycopg
import pytest

from deploy.local.processes import free_port
from tests.deploy.stacks import HANDRAIL, RunningStack, clean_environment, processes_of, until

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack"), pytest.mark.timeout(600)]
WALK = ("demo", "--once", "--students", "250", "--seed", "4")


def rows(stack: RunningStack, query: str) -> list[tuple[object, ...]]:
    """What the demo's tenant holds; nothing while there is no tenant."""
    url = stack.settings()["HANDRAIL_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        tenant = connection.execute("select id::text from tenant where key = 'demo'").fetchone()
        if tenant is None:
            return []
        connection.execute("select set_config('app.current_tenant', %s, true)", tenant)
        return connection.execute(query.encode()).fetchall()


def test_one_command_walks_through_the_demo_and_proves_every_letter(base: Path) -> None:
    # A database of ours that the demo must leave alone: nothing answers there, so using it would fail.
    foreign = {"HANDRAIL_DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none", "TMPDIR": str(base)}
    done = subprocess.run(
        [*HANDRAIL, *WALK],
        cwd=base,
        env=clean_environment({**foreign, "COLUMNS": "200"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    account = json.loads(done.stdout.splitlines()[-1])
    assert account["students"] == 250
    assert account["sha256_verified"] is True
    assert account["approved"] == 5
    assert account["proposals"] > account["approved"]
    assert account["letters"] == account["mails"] + account["to_post"]
    assert account["mails"] > 0
    assert list(base.iterdir()) == []
    assert processes_of(base) == []


def test_without_once_it_says_what_there_is() -> None:
    asked = subprocess.run([*HANDRAIL, "demo"], capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert "handrail up --demo" in asked.stdout


def test_a_demo_killed_in_the_middle_of_its_import_is_completed_by_the_next_up(own_stack: RunningStack) -> None:
    port = ("--port", str(free_port()), "--demo")
    own_stack.launch(*port)
    until((own_stack.folder / "stack.env").exists, "the product is told its settings")
    until(lambda: bool(rows(own_stack, "select 1 from import_run where status = 'RUNNING'")), "an import runs")
    own_stack.kill()
    until(lambda: not processes_of(own_stack.folder), "its parts end with it")
    own_stack.up(*port)
    assert rows(own_stack, "select status, count(*) from import_run group by status") == [("FINISHED", 2)]
    assert rows(own_stack, "select count(*) from student") == [(300,)]
    assert "steps wait in the queue" in own_stack.output
    queue = "select count(*) from proposal where status = 'PENDING' and stage_key = 'letter-1'"
    assert rows(own_stack, queue)[0][0] != 0
    assert own_stack.interrupt() == 0
