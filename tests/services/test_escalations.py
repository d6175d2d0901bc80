"""Escalations: the tier rises, the chronology is stored sealed, the tasks have deadlines; once."""

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from models.instances import CaseFile, Contact, Escalation, Task
from models.letters import LetterArtifact
from services import artifacts, escalations
from services.escalations import Raise
from services.means import Means
from tests.services.seeding import NOW, Family, World, grace, henry
from tests.services.test_letters import Crashing

pytestmark = pytest.mark.servers
WANTED = Raise("escalation", 3, "12 days in 30")


def opened(world: World, family: Family, means: Means | None = None) -> escalations.Opened:
    return world.run(escalations.open_escalation(means or world.means, family.case("w/8"), WANTED))


def tell(world: World, family: Family, said: str) -> None:
    async def write() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add(
                Contact(
                    instance_id=family.instance_id,
                    student_id=family.student_id,
                    mode="CALL",
                    reached=True,
                    said=said,
                    contacted_at=NOW,
                    contacted_by=family.officer_id,
                )
            )

    world.run(write())


def test_an_escalation_raises_the_tier_stores_the_chronology_and_opens_tasks_once(world: World) -> None:
    family = world.family(grace(), henry())
    tell(world, family, "The bus was cancelled all week")
    assert opened(world, family) == opened(world, family)
    assert [case.tier for case in world.rows(family, CaseFile)] == [3]
    (row,) = world.rows(family, Escalation)
    (artifact,) = world.rows(family, LetterArtifact)
    assert (row.artifact_id, artifact.kind, row.reason) == (artifact.id, "CHRONOLOGY", "12 days in 30")
    assert len(world.rows(family, Task)) == 3
    assert all(task.due_on for task in world.rows(family, Task))
    pdf = world.run(artifacts.content(world.means, family.case().actor, artifact.id, now=NOW))
    said = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())
    assert "The bus was cancelled all week" in said
    assert "Handrail is not the statutory register" in said
    assert "Olive Officer" in said


def test_a_crash_after_storing_the_chronology_ends_in_one_escalation(world: World) -> None:
    family = world.family(grace())
    crashing: Means = replace(world.means, store=Crashing(world.means))  # type: ignore[arg-type]  # only put
    with pytest.raises(ConnectionResetError):
        opened(world, family, crashing)
    tell(world, family, "Said after the crash")
    done = opened(world, family)
    (row,) = world.rows(family, Escalation)
    assert row.id == done.escalation_id
    assert len(world.rows(family, LetterArtifact)) == 1
    assert len(world.rows(family, Task)) == 3
