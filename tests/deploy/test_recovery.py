"""Stopping in every way there is: in order, by command, by kill -9; nothing stays behind and nothing is lost."""

import asyncio
import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from temporalio.client import Client

from deploy.local.bucket import store_client
from deploy.local.processes import free_port
from deploy.local.storage import StorePlan
from tests.deploy.stacks import RunningStack, alive, handrail, processes_of, until

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]

KEPT = (("kept",), b"kept", "RUNNING")


def write(stack: RunningStack) -> None:
    """Leave something in each part that keeps data."""
    with psycopg.connect(owner_dsn(stack)) as connection:
        connection.execute("create table kept as select 'kept' as word")
    bucket(stack).put_object(Bucket="letters", Key="kept", Body=b"kept")

    async def begin() -> None:
        client = await Client.connect(stack.settings()["HANDRAIL_TEMPORAL_ADDRESS"])
        await client.start_workflow("Kept", id="kept", task_queue="nobody-works-here")

    asyncio.run(begin())


def read(stack: RunningStack) -> tuple[object, bytes, str]:
    with psycopg.connect(owner_dsn(stack)) as connection:
        row = connection.execute("select word from kept").fetchone()

    async def workflow() -> str:
        client = await Client.connect(stack.settings()["HANDRAIL_TEMPORAL_ADDRESS"])
        status = (await client.get_workflow_handle("kept").describe()).status
        return status.name if status else "none"

    return row, bucket(stack).get_object(Bucket="letters", Key="kept")["Body"].read(), asyncio.run(workflow())


def owner_dsn(stack: RunningStack) -> str:
    place = stack.settings()["HANDRAIL_DATABASE_URL"].rpartition("@")[2]
    password = json.loads((stack.folder / "secrets.json").read_text())["postgres_owner"]
    return f"postgresql://handrail_owner:{password}@{place}"


def bucket(stack: RunningStack) -> "S3Client":
    told = stack.settings()
    port = int(told["HANDRAIL_S3_ENDPOINT"].rpartition(":")[2])
    keys = told["HANDRAIL_S3_ACCESS_KEY"], told["HANDRAIL_S3_SECRET_KEY"]
    return store_client(StorePlan(Path(), Path(), {"s3": port}, *keys))


def test_kill_9_leaves_no_process_and_the_next_up_finds_all_data_at_the_same_addresses(own_stack: RunningStack) -> None:
    own_stack.up("--port", str(free_port()))
    write(own_stack)
    told, pids = own_stack.settings(), own_stack.pids()
    own_stack.kill()
    until(lambda: not [name for name, pid in pids.items() if alive(pid)], "every part is gone", 20)
    own_stack.up()
    assert own_stack.settings() == told
    assert read(own_stack) == KEPT


def test_kill_9_at_any_moment_of_the_start_is_recovered_from(own_stack: RunningStack) -> None:
    chance = random.Random(7)
    port = str(free_port())
    for _ in range(4):
        own_stack.launch("--port", port)
        time.sleep(chance.uniform(0.3, 4.0))  # the moment of the kill is what this test varies
        own_stack.kill()
    own_stack.up("--port", port)
    write(own_stack)
    assert own_stack.interrupt() == 0


def test_ctrl_c_stops_everything_in_order_and_the_data_stays(own_stack: RunningStack) -> None:
    own_stack.up("--port", str(free_port()))
    write(own_stack)
    assert own_stack.interrupt() == 0
    assert processes_of(own_stack.folder) == []
    stopped = [line.split()[0] for line in own_stack.output.partition("Stopping")[2].splitlines() if "stopped" in line]
    assert set(stopped[:2]) == {"API", "Worker"}
    assert stopped[-1] == "PostgreSQL"
    assert not (own_stack.folder / "stack.env").exists()
    own_stack.up()
    assert read(own_stack) == KEPT


def test_keep_runs_on_until_down(own_stack: RunningStack) -> None:
    started = handrail(own_stack.folder, "up", "--keep", "--port", str(free_port()))
    assert started.returncode == 0, started.stdout
    assert "`handrail down` stops it" in started.stdout
    assert set(own_stack.pids()) >= {"postgres", "temporal", "s3", "mail", "worker", "api"}
    assert own_stack.ready()
    assert handrail(own_stack.folder, "down").returncode == 0
    until(lambda: not processes_of(own_stack.folder), "nothing is left", 20)


def test_down_and_status_say_so_when_nothing_runs(base: Path) -> None:
    assert "Nothing is running" in handrail(base / "none", "down").stdout
    assert handrail(base / "none", "status").returncode == 3
