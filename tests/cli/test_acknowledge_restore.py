"""`handrail verify audit --acknowledge-restore`: the loss is said once and told for ever, and hides nothing else."""

import json
from typing import Any
from uuid import UUID

import pytest
from typer.testing import Result

from cli.verify import app
from models.audit import AuditEntry
from models.people import Person, RoleAssignment
from tests.cli.running import ran
from tests.cli.test_verify_audit import Trail, counted, faults, trail
from tests.servers.kinds import Store

__all__ = ["trail"]  # the fixture
pytestmark = pytest.mark.servers
WHY = "Restored from the backup of Tuesday."


@pytest.fixture(autouse=True)
def auditor(trail: Trail) -> None:
    """Somebody who may verify the audit of the whole tenant, and somebody who may not."""

    async def hired() -> None:
        async with trail.world.sessions.tenant(trail.family.tenant_id) as session:
            for name, role in (("ada", "auditor"), ("tom", "teacher")):
                person = Person(subject=name, display_name=name.title())
                session.add(person)
                await session.flush()
                session.add(RoleAssignment(person_id=person.id, role=role, all_schools=True))

    trail.world.run(hired())


def set_back(trail: Trail, position: int, anchors: int) -> None:
    """The database as it was when its chain ended here and it knew so many anchors."""
    lost = "(select entry_id from audit_seal where position > %s and tenant_id = %s)"
    tenant = trail.family.tenant_id
    trail.tamper(f"delete from audit_entry where id in {lost}", position, tenant)
    trail.tamper("delete from audit_entry where tenant_id = %s and id in (select entry_id from audit_unsealed)", tenant)
    trail.tamper("delete from audit_unsealed where tenant_id = %s", tenant)
    trail.tamper("delete from audit_seal where position > %s and tenant_id = %s", position, tenant)
    trail.tamper("delete from audit_anchor where number > %s and tenant_id = %s", anchors, tenant)


def acknowledged(trail: Trail, by: str = "ada", reason: str = WHY) -> Result:
    told = ("--acknowledge-restore", "--by", by, "--reason", reason)
    return ran(app, "audit", "--tenant", trail.key, *told)


def restores(result: Result, trail: Trail) -> list[str]:
    lines = [line for line in result.stdout.splitlines() if line.startswith("RESTORE")]
    return [line.removeprefix(f"RESTORE {trail.key} ").partition(" by ")[0] for line in lines]


@pytest.fixture
def lost(trail: Trail) -> Trail:
    """Five anchored entries, then the database of when there were three and one anchor."""
    trail.seal(days=20_000, anchored=True)
    set_back(trail, 3, 1)
    return trail


def test_a_restore_that_a_person_acknowledged_is_told_and_fails_nothing(lost: Trail) -> None:
    lost.write(1)
    lost.seal(days=2)
    assert faults(lost.verified(), lost) == [f"rewritten position 4 entry {entry_at(lost, 4)}", "cut_off position 5"]
    done = acknowledged(lost)
    assert (done.exit_code, restores(done, lost)) == (0, ["1: acknowledged, entries 4..5 lost"]), done.output
    lost.write(2)
    lost.seal(days=30_000, anchored=True)
    later = lost.verified()
    assert (later.exit_code, restores(later, lost)) == (0, ["1: acknowledged, entries 4..5 lost"]), later.output
    assert counted(later)["anchors"] == 4, "anchoring goes on: once at the acknowledgement, once three days later"


def entry_at(trail: Trail, position: int) -> UUID:
    found = trail.superuser.execute(
        "select entry_id from audit_seal where tenant_id = %s and position = %s", [trail.family.tenant_id, position]
    ).fetchone()
    assert found
    return UUID(str(found[0]))


def test_it_stands_in_the_audit_and_in_write_once_storage(lost: Trail, s3: Store) -> None:
    acknowledged(lost)
    (entry,) = lost.world.rows(lost.family, AuditEntry, AuditEntry.verb == "acknowledge_restore")
    assert (entry.reason, entry.actor_role, entry.actor_display) == (WHY, "auditor", "Ada")
    key = f"{lost.family.tenant_id}/audit/restores/000001.json"
    found = s3.client.get_object(Bucket=s3.bucket, Key=key)
    said: dict[str, Any] = json.loads(found["Body"].read())
    assert (said["lost_first"], said["lost_last"], said["entry_id"]) == (4, 5, str(entry.id))
    assert WHY not in json.dumps(said), "words stand in the audit alone"
    assert found["ObjectLockMode"] == "GOVERNANCE"


@pytest.mark.parametrize("anchored", [True, False], ids=["anchored", "not anchored since"])
def test_a_later_cut_is_found_all_the_same(lost: Trail, *, anchored: bool) -> None:
    acknowledged(lost)
    lost.write(3)
    lost.seal(days=30_000, anchored=anchored)
    tenant = lost.family.tenant_id
    lost.tamper(
        "delete from audit_entry where id in (select entry_id from audit_seal where position > 3 and tenant_id = %s)",
        tenant,
    )
    lost.tamper("delete from audit_seal where position > 3 and tenant_id = %s", tenant)
    found = faults(lost.verified(), lost)
    assert "restore_unbacked position 4" in found
    assert "cut_off position 4" in found
    assert ("cut_off position 7" in found) is anchored


def test_a_cut_below_what_the_restore_left_is_found(lost: Trail) -> None:
    acknowledged(lost)
    set_back(lost, 2, 1)
    assert "cut_off position 3" in faults(lost.verified(), lost)


def test_an_edit_before_the_loss_is_found_before_and_after_it_was_acknowledged(lost: Trail) -> None:
    lost.tamper("update audit_entry set reason = 'x' where id = %s", lost.entries[0])
    refused = acknowledged(lost)
    assert refused.exit_code == 2, refused.output
    assert "entry_changed" in refused.stderr
    lost.tamper("update audit_entry set reason = null where id = %s", lost.entries[0])
    assert acknowledged(lost).exit_code == 0
    lost.tamper("update audit_entry set reason = 'x' where id = %s", lost.entries[0])
    assert faults(lost.verified(), lost) == [f"entry_changed position 1 entry {lost.entries[0]}"]


def test_a_cut_that_the_database_itself_remembers_is_no_restore(trail: Trail) -> None:
    trail.seal(days=20_000, anchored=True)
    set_back(trail, 3, 2)
    refused = acknowledged(trail)
    assert refused.exit_code == 2, refused.output
    assert "remembers anchor 2" in refused.stderr
    trail.seal(days=30_000, anchored=True)  # a worker leaves such a chain alone, and goes on with everybody else's
    assert faults(trail.verified(), trail) == ["cut_off position 4", "cut_off position 5"]
    assert counted(trail.verified())["anchors"] == 2


def test_a_second_restore_may_lose_the_first_acknowledgement(lost: Trail) -> None:
    acknowledged(lost)
    lost.seal(days=25_000, anchored=True)
    set_back(lost, 2, 0)
    assert lost.verified().exit_code == 1
    done = acknowledged(lost, reason="And once more.")
    assert done.exit_code == 0, done.output
    assert restores(done, lost) == ["1: acknowledged, entries 4..5 lost", "2: acknowledged, entries 3..4 lost"]
    lost.write(1)
    lost.seal(days=30_000, anchored=True)
    assert lost.verified().exit_code == 0


def test_whoever_may_not_and_whoever_says_no_reason_acknowledges_nothing(lost: Trail) -> None:
    assert acknowledged(lost, by="tom").exit_code == 2
    assert acknowledged(lost, reason=" ").exit_code == 2
    assert lost.verified().exit_code == 1


def test_where_nothing_was_lost_there_is_nothing_to_acknowledge(trail: Trail) -> None:
    refused = acknowledged(trail)
    assert refused.exit_code == 2, refused.output
    assert "nothing was lost" in refused.stderr
