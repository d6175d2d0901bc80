"""Escalations: the tier rises, the chronology is stored sealed, the tasks have deadlines; once."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import update

from gateways.ports import StoredObject
from models.evidence_packs import EvidencePack
from models.guardians import Guardian
from models.instances import CaseFile, Contact, Escalation, Task
from models.letters import LetterArtifact
from services import artifacts, escalations, evidence_packs
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
    tasks = [task for task in world.rows(family, Task) if task.kind != "RELEASE_PACK"]
    assert len(tasks) == 3
    assert all(task.due_on for task in tasks)
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
    assert len(world.rows(family, EvidencePack)) == 1
    assert sorted(world.task_kinds(family)).count("RELEASE_PACK") == 1
    assert len(world.rows(family, Task)) == 4


def test_a_pack_is_drafted_for_each_guardian_once_with_the_other_left_out(world: World) -> None:
    family = world.family(grace(), henry())
    names = {guardian.id: guardian.name for guardian in world.rows(family, Guardian)}
    opened(world, family)
    world.change(family, update(Contact).values(said="Said between two tries"))
    opened(world, family)
    packs = world.rows(family, EvidencePack)
    assert {pack.guardian_id for pack in packs} == set(names)
    assert {(pack.kind, pack.status, pack.prepared_by) for pack in packs} == {("INTERNAL_MEETING", "DRAFT", None)}
    for pack in packs:
        content = world.run(evidence_packs.pages(world.means, family.case().actor, pack.id, now=NOW))
        said = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())
        assert [id_ for id_, name in names.items() if name in said] == [pack.guardian_id]
    assert world.task_kinds(family).count("RELEASE_PACK") == len(packs)


def test_a_pack_that_could_not_be_stored_is_drafted_by_the_next_try(world: World) -> None:
    family = world.family(grace(), henry())
    failing: Means = replace(world.means, store=Full(world.means, after=2))  # type: ignore[arg-type]  # only put
    with pytest.raises(ConnectionResetError):
        opened(world, family, failing)
    assert len(world.rows(family, EvidencePack)) == 1
    opened(world, family)
    assert len(world.rows(family, EvidencePack)) == 2


class Full:
    """A store that goes away after so many objects."""

    def __init__(self, means: Means, after: int) -> None:
        self._means, self._left = means, after

    async def put_once(self, key: str, content: bytes, **more: Any) -> StoredObject:
        self._left -= 1
        if self._left < 0:
            raise ConnectionResetError("the store is away")
        return await self._means.store.put_once(key, content, **more)
