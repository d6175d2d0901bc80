"""`handrail tenant delete`: nothing of it is left, nothing of anybody else is touched, and killed it goes on."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from temporalio.client import Client
from temporalio.service import RPCError

from cli.tenant import app
from deploy.local.postgres import Server
from models.tables import tenant_tables
from orchestration.client import reaching
from orchestration.codec import EncryptedPayloads, data_converter
from orchestration.handles import CaseAddress
from orchestration.schedules import ensure_schedules
from orchestration.sealer import Sealer
from rules.ids import TenantId
from services import artifacts
from services.artifacts import Paper
from services.context import system
from services.means import Means
from services.student_keys import data_key
from tests.api.canaries import WORD, dumped, objects, running
from tests.api.district import NOW, District, Tenancy
from tests.api.furnished import Furnished, furnish
from tests.api.papers import stored
from tests.cli.running import ran, said
from tests.keys import MASTER_KEYS, RING
from tests.servers.kinds import Database, Store, TemporalDev
from workflows import identity

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("tenant_deletion")]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180.0
NEIGHBOUR = "Neighbourword"
WHO = ("--by", "O. Operator", "--reason", "Their contract ended.")
WAITS = "select count(*) from pg_locks where relation = 'guardian'::regclass and not granted"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, database: Database, s3: Store, temporal_dev: TemporalDev) -> None:
    told = {
        "DATABASE_URL": database.app_url,
        "DATABASE_OWNER_URL": database.owner_url,
        "S3_ENDPOINT": s3.endpoint,
        "S3_BUCKET": s3.bucket,
        "S3_REGION": s3.region,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
        "MASTER_KEYS": MASTER_KEYS,
        "PAYLOAD_KEYS": MASTER_KEYS,
        "TEMPORAL_ADDRESS": temporal_dev.address,
    }
    for name, value in told.items():
        monkeypatch.setenv(f"HANDRAIL_{name}", value)


@pytest.fixture
def means(district: District, s3: Store) -> Iterator[Means]:
    with stored(district, s3) as means:
        own = replace(means, keyring=RING)  # the keys that the command is given
        district.app.state.parts = replace(district.app.state.parts, means=own)
        yield own


@pytest.fixture
def superuser(postgres: Server, database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as connection:
        yield connection


@pytest.fixture
def temporal(district: District, temporal_dev: TemporalDev) -> Client:
    codec = EncryptedPayloads({"test": b"k" * 32}, "test")
    return district.run(temporal_dev.client(data_converter=data_converter(codec)))


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def refusal(*words: str) -> str:
    result = ran(app, *words)
    assert result.exit_code == 2, result.output
    return result.stderr


async def settled(district: District, means: Means, tenancy: Tenancy, word: str) -> Furnished:
    """One of everything, with a word of its own in many places, and a locked letter."""
    made = await furnish(district, tenancy)
    student_id = made.things["student_id"]
    async with means.sessions.tenant(tenancy.id) as session:
        key = await data_key(session, means.keyring, tenancy.id, student_id)
    paper = Paper(uuid4(), 2026, f"Dear {word}".encode(), 1, "test")
    shelved = await artifacts.shelve(means, tenancy.id, key, paper, now=datetime.now(UTC))
    facts = {
        "kind": "LETTER",
        "student_id": student_id,
        "school_id": made.things["school_id"],
        "language": "en",
        "merge_data": {"name": word},
    }
    async with means.sessions.tenant(tenancy.id) as session:
        await artifacts.enter(session, system(TenantId(tenancy.id), "cli", "r"), shelved, facts, now=NOW)
    return made


def rename(superuser: psycopg.Connection[Any], tenancy: Tenancy, word: str) -> None:
    for table, column in (
        ("student", "last_name"),
        ("guardian", "name"),
        ("person", "display_name"),
        ("task", "title"),
    ):
        change = sql.SQL("update {} set {} = %s where tenant_id = %s")
        superuser.execute(change.format(sql.Identifier(table), sql.Identifier(column)), [word, tenancy.id])


def fingerprints(superuser: psycopg.Connection[Any], tenant_id: UUID) -> dict[str, tuple[int, str]]:
    """Per table how many rows a tenant has, and a digest of all of them."""
    found = {}
    for table in tenant_tables():
        asked = sql.SQL("select count(*), coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {} t where ")
        whose = asked.format(sql.Identifier(table.name)) + sql.SQL("tenant_id = %s")
        found[table.name] = superuser.execute(whose, [tenant_id]).fetchone() or (0, "")
    return found


async def listed(client: Client, tenant_id: UUID) -> set[str]:
    """Schedules and workflows of a tenant that Temporal knows of."""
    begins = identity.beginnings(TenantId(tenant_id))
    with reaching():
        runs = {one.id async for one in client.list_workflows() if one.id.startswith(begins)}
        return runs | {one.id async for one in await client.list_schedules() if one.id.startswith(begins)}


async def knows(client: Client, workflow_id: str) -> bool:
    try:
        await client.get_workflow_handle(workflow_id).describe()
    except RPCError:
        return False
    return True


def case_of(made: Furnished) -> CaseAddress:
    return CaseAddress(made.tenancy.id, "2026-27", made.things["instance_id"])


def killed_while_removing_guardians(key: str, database: Database, looking: psycopg.Connection[Any]) -> None:
    """A lock on the guardians holds the command in the middle of its rows; there it is killed."""
    command = [sys.executable, "-c", "import cli; cli.main()", "tenant", "delete", key, *WHO, "--confirm", key]
    with psycopg.connect(database.owner_dsn) as held:
        held.execute("lock table guardian in share mode")
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            until(lambda: looking.execute(WAITS).fetchone() == (1,) or process.poll() is not None, "it has come so far")
            assert process.poll() is None, "it waits in the middle"
            os.kill(process.pid, signal.SIGKILL)
            process.wait(timeout=PATIENCE)
        held.rollback()


def test_nothing_of_it_is_left_and_nothing_else_is_touched(
    district: District,
    means: Means,
    temporal: Client,
    superuser: psycopg.Connection[Any],
    postgres: Server,
    database: Database,
    s3: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = district.ours, district.theirs
    monkeypatch.setenv("HANDRAIL_OPERATOR_TENANT", theirs.key)
    made = district.run(settled(district, means, ours, WORD))
    neighbour = district.run(settled(district, means, theirs, NEIGHBOUR))
    rename(superuser, ours, WORD)
    rename(superuser, theirs, NEIGHBOUR)
    sealer = Sealer(district.sessions, means.store, lambda: NOW)
    district.run(sealer.round())
    assert district.run(sealer.anchor_all()) == 2
    assert district.run(ensure_schedules(district.sessions, temporal)) >= 2
    walk, stays = [district.run(running(temporal, case_of(one))) for one in (made, neighbour)]
    until(lambda: len(district.run(listed(temporal, ours.id))) >= 2, "Temporal lists what runs")
    key = superuser.execute("select wrapped_key, tenant_key_id from student_key where tenant_id = %s", [ours.id])
    assert key.fetchone(), "the letters were sealed under a key of the tenant"

    # the control: all of it is there to be found
    before = dumped(postgres, database.name)
    assert str(ours.id).encode() in before
    assert NEIGHBOUR.encode() in before
    assert before.count(WORD.encode()) > 5
    untouched = fingerprints(superuser, theirs.id)
    own = {name: many for name, (many, _) in fingerprints(superuser, ours.id).items() if many}
    assert len(own) > 40, own
    letters = {name for name in objects(s3) if name.startswith(str(ours.id))}
    assert len(letters) == 2, "a letter and an anchor, both locked"

    said(ran(app, "suspend", ours.key, "--reason", "Their contract ended."))
    taken = said(ran(app, "export", ours.key, "--to", str(tmp_path / "all.zip")))
    foreseen = said(ran(app, "delete", ours.key))
    assert (foreseen["deleted"], foreseen["export"], foreseen["legal_holds"]) == (False, taken["sha256"], [])
    assert foreseen["rows"]["student"] == own["student"]
    assert "nothing was changed" in foreseen["next"]

    killed_while_removing_guardians(ours.key, database, superuser)
    half = fingerprints(superuser, ours.id)
    assert half["task"][0] == 0, "what stands before the guardians is gone"
    assert half["guardian"][0] == own["guardian"]
    assert "being deleted" in refusal("resume", ours.key, "--reason", "We changed our minds.")
    assert "being deleted" in refusal("export", ours.key, "--to", str(tmp_path / "late.zip"))

    stone = said(ran(app, "delete", ours.key, "--confirm", ours.key))
    assert (stone["deleted"], stone["deleted_by"], stone["export"]) == (True, "O. Operator", taken["sha256"])
    assert stone["rows"]["student"] == own["student"]
    assert (stone["objects"], stone["objects_locked"]) == (0, 2)
    assert stone["workflows"] >= 1
    assert stone["chain"]["position"] == stone["rows"]["audit_entry"] + 1, "the order itself closes the chain"

    after = dumped(postgres, database.name)
    left = [line for line in after.splitlines() if str(ours.id).encode() in line]
    assert [line.split()[2] for line in left if not line.startswith(b"INSERT INTO public.audit_")] == [
        b"public.tenant_tombstone"
    ], left
    assert WORD.encode() not in after
    assert after.count(NEIGHBOUR.encode()) == before.count(NEIGHBOUR.encode())
    for name, content in objects(s3).items():
        assert WORD.encode() not in content, name
    assert district.run(listed(temporal, ours.id)) == set()
    assert not district.run(knows(temporal, walk))
    assert district.run(knows(temporal, stays)), "the neighbour's case runs"
    now_theirs = fingerprints(superuser, theirs.id)
    changed = {name for name in untouched if untouched[name] != now_theirs[name]}
    assert changed <= {"audit_entry", "audit_detail", "audit_unsealed", "student_key"}, (
        "the operator's trail tells of it"
    )
    trail = superuser.execute(
        "select actor_display, reason from audit_entry where tenant_id = %s and verb = 'delete_tenant'", [theirs.id]
    ).fetchall()
    assert trail == [("O. Operator", "Their contract ended.")]

    assert said(ran(app, "delete", ours.key, "--confirm", ours.key)) == stone, "asked again, it says what was done"
    assert [said(ran(app, "list", "--deleted"))] == [stone]
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="frozen"):
        superuser.execute("update tenant_tombstone set reason = 'nothing happened'")
    district.run(_remove_schedules(temporal, theirs.id))


async def _remove_schedules(client: Client, tenant_id: UUID) -> None:
    async for one in await client.list_schedules():
        if one.id.startswith(identity.beginnings(TenantId(tenant_id))):
            await client.get_schedule_handle(one.id).delete()
    await asyncio.sleep(0)


def test_a_tenant_that_is_served_held_or_not_exported_is_not_deleted(
    district: District, superuser: psycopg.Connection[Any], tmp_path: Path
) -> None:
    tenant = said(ran(app, "create", f"t-{uuid4().hex[:8]}", "--name", "Harrowby"))
    key, confirmed = tenant["key"], ("--confirm", tenant["key"])
    assert "not suspended" in refusal("delete", key, *WHO, *confirmed)
    said(ran(app, "export", key, "--to", str(tmp_path / "early.zip")))
    said(ran(app, "suspend", key, "--reason", "Their contract."))
    assert "Nothing was taken out since" in refusal("delete", key, *WHO, *confirmed), (
        "an export of before may lack rows"
    )
    assert "nothing was changed" in refusal("delete", key, *WHO, "--confirm", "another")
    assert "--by and --reason" in refusal("delete", key, "--without-export", "Empty.", *confirmed)
    student = superuser.execute(
        "insert into student (tenant_id, source_id) values (%s, 's') returning id", [tenant["id"]]
    ).fetchone() or (None,)
    superuser.execute(
        "insert into legal_hold (tenant_id, student_id, reason, placed_at) values (%s, %s, 'A claim.', now())",
        [tenant["id"], student[0]],
    )
    assert str(student[0]) in refusal("delete", key, *WHO, "--without-export", "Empty.", *confirmed)
    assert [one["student_id"] for one in said(ran(app, "delete", key))["legal_holds"]] == [str(student[0])]
    standing = superuser.execute("select status from tenant where key = %s", [key]).fetchone()
    assert standing == ("SUSPENDED",)
    superuser.execute("update legal_hold set lifted_at = now() where student_id = %s", [student[0]])
    stone = said(ran(app, "delete", key, *WHO, "--without-export", "A trial: nothing in it.", *confirmed))
    assert (stone["deleted"], stone["without_export"]) == (True, "A trial: nothing in it.")


@pytest.fixture
def spared(superuser: psycopg.Connection[Any]) -> Iterator[None]:
    """The owner may leave out the search for rows that point at one which goes."""
    superuser.execute("grant set on parameter session_replication_role to handrail_owner")
    yield
    superuser.execute("revoke set on parameter session_replication_role from handrail_owner")


def test_rows_go_the_same_when_nobody_looks_for_what_points_at_them(
    district: District, superuser: psycopg.Connection[Any], spared: None
) -> None:
    tenant = said(ran(app, "create", f"t-{uuid4().hex[:8]}", "--name", "Harrowby"))
    made = Tenancy(tenant["key"], UUID(tenant["id"]))
    kept = fingerprints(superuser, district.theirs.id)
    said(ran(app, "suspend", made.key, "--reason", "Their contract."))
    said(ran(app, "delete", made.key, *WHO, "--without-export", "A trial.", "--confirm", made.key))
    assert {name: many for name, (many, _) in fingerprints(superuser, made.id).items() if many} == {}
    assert superuser.execute("select count(*) from tenant where id = %s", [made.id]).fetchone() == (0,)
    assert fingerprints(superuser, district.theirs.id) == kept


def test_the_command_takes_out_what_the_route_does(district: District, means: Means, tmp_path: Path) -> None:
    tenancy = district.theirs
    file = tmp_path / "theirs.zip"
    said(ran(app, "export", tenancy.key, "--to", str(file)))
    answer = district.post(f"/tenants/{tenancy.id}/export", tenancy=tenancy)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(file) as ours, zipfile.ZipFile(io.BytesIO(answer.content)) as routes:
        assert sorted(ours.namelist()) == sorted(routes.namelist())
        for name in ours.namelist():
            # the two exports stand in the audit themselves
            assert "audit" in name or name == "manifest.json" or ours.read(name) == routes.read(name), name
    assert f"{file} is there already" in refusal("export", tenancy.key, "--to", str(file))


def test_the_application_cannot_remove_what_is_written_once(
    database: Database, superuser: psycopg.Connection[Any]
) -> None:
    made = superuser.execute(
        "insert into tenant (key, name, status) values ('going', 'G', 'DELETING') returning id"
    ).fetchone() or (None,)
    entry = "insert into audit_entry (at, actor_role, actor_display, source, request_id, verb, subject_kind)"
    for dsn, permitted in ((database.app_dsn, True), (database.owner_dsn, False)):
        with psycopg.connect(dsn) as connection:
            connection.execute("select set_config('app.current_tenant', %s, true)", [str(made[0])])
            connection.execute(f"{entry} values (now(), 'system', 'H', 'cli', 'r', 'x', 'tenant')".encode())
            if permitted:
                connection.execute("select set_config('handrail.deleting_tenant', %s, true)", [str(made[0])])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("delete from audit_entry")
