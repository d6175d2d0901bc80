"""Erasure over what other systems sent, and over the audit: words and ids go, the reason of an audit row stays."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import String, select

from deploy.local.postgres import Server
from models import inbound
from models.audit import AuditDetail, AuditEntry
from models.students import Student
from orchestration.handles import CaseHandles
from orchestration.sealer import Sealer
from rules.ids import TenantId
from services import audit
from services.audit import Act
from services.audit_verification import verified
from services.context import system
from services.means import Means
from tests.api.canaries import dumped
from tests.api.district import NOW, District
from tests.api.papers import stored
from tests.servers.kinds import Database, Store, TemporalDev

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("erasure")]
HERS: Final = "Zebulon-17"
# a source's id inside another's: somebody else
NEIGHBOUR: Final = "Zebulon-177"
CANARY: Final = re.compile(rb"zebulon-17(?!\d)", re.IGNORECASE)
TABLES: Final = (inbound.InboundEvent, inbound.BehaviourEvent, inbound.Prediction)
# Words of lists of ours; the type, source and way of an event are those of the other system, not of a student
OURS: Final = frozenset({"source", "type", "digest", "via", "status", "code", "problem"})


@pytest.fixture
def means(district: District, s3: Store, temporal_dev: TemporalDev) -> Iterator[Means]:
    with stored(district, s3) as means:
        client = district.run(temporal_dev.client())
        district.app.state.parts = replace(district.app.state.parts, cases=CaseHandles(client))
        yield means


@pytest.fixture
def superuser(postgres: Server, database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as connection:
        yield connection


def told(district: District, student: str) -> None:
    """Everything another system can say of a student, under ids that name them."""
    school = "oak"
    sent = [
        ("StudentChanged", {"student_id": student, "first_name": student, "last_name": student}),
        ("GuardianChanged", {"guardian_id": f"g-{student}", "name": student, "opted_out_channels": []}),
        ("GuardianLinkChanged", {"student_id": student, "guardian_id": f"g-{student}", "relation": "MOTHER"}),
        (
            "EnrolmentChanged",
            {"student_id": student, "school_id": school, "spans": [{"start_date": "2026-09-01"}]},
        ),
        (
            "BehaviourRecorded",
            {
                "record_id": f"b-{student}",
                "student_id": student,
                "school_id": school,
                "occurred_at": "2026-11-19T10:00:00Z",
                "category": student,
            },
        ),
        (
            "RiskPredicted",
            {
                "student_id": student,
                "model": student,
                "model_version": student,
                "band": student,
                "score": "0.5",
                "predicted_at": "2026-11-19T10:00:00Z",
            },
        ),
        ("SectionChanged", {"section_id": "7B", "school_id": school, "name": "7B", "valid_from": "2026-09-01",
                            "student_ids": [student]}),
        ("StudentChanged", {"student_id": student, "favourite_colour": student}),
    ]  # fmt: skip
    events = [
        {
            "specversion": "1.0",
            "id": f"mis/{student}/{number}",
            "source": "https://mis.example.org",
            "time": f"2026-11-20T09:00:0{number}Z",
            "type": f"org.handrail.inbound.{name}.v1",
            "data": data,
        }
        for number, (name, data) in enumerate(sent)
    ]
    answer = district.post("/events/inbound", "integration", json=events)
    results = [one["result"] for one in answer.json()["results"]]
    assert results == ["applied"] * (len(sent) - 1) + ["refused"], answer.text


def student_of(district: District, source_id: str) -> UUID:
    async def read() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            return (await session.scalars(select(Student.id).where(Student.source_id == source_id))).one()

    return district.run(read())


def erased(district: District, student_id: UUID) -> None:
    path = f"/students/{student_id}/erasure"
    assert district.post(path, "dpo", json={"ground": "REQUEST"}).json()["status"] == "REQUESTED"
    assert district.post(path, "school_leader", json={"ground": "REQUEST"}).json()["status"] == "DONE"


def columns_with_canaries(superuser: psycopg.Connection[Any]) -> set[str]:
    """Text columns of the inbound tables in which somebody's source id stands as a word."""
    found = set()
    for kind in TABLES:
        table: Any = kind.__table__
        for column in table.columns:
            if isinstance(column.type, String) and column.name not in OURS:
                held = f"select count(*) from {table.name} where {column.name} ~* 'zebulon-17([^0-9]|$)'"
                if superuser.execute(held.encode()).fetchone() != (0,):
                    found.add(f"{table.name}.{column.name}")
    return found


def test_no_column_of_what_came_in_names_an_erased_student(
    district: District, means: Means, superuser: psycopg.Connection[Any], postgres: Server, database: Database
) -> None:
    told(district, HERS)
    told(district, NEIGHBOUR)
    about = "entity like %s or event_id like %s"
    superuser.execute(f"update inbound_event set problem = 'row of ' || %s where {about}".encode(),
                      [HERS, f"%{HERS}", f"mis/{HERS}/7"])  # fmt: skip
    wanted = {
        f"{kind.__tablename__}.{column.name}"
        for kind in TABLES
        for column in kind.__table__.columns
        if isinstance(column.type, String) and column.name not in OURS
    }
    # the control: the id stands in every text column that another system fills with words about a student
    assert columns_with_canaries(superuser) == wanted
    assert CANARY.search(dumped(postgres, database.name))
    theirs = "select id, event_id, entity, digest from inbound_event where event_id like %s order by id"
    before = superuser.execute(theirs, [f"mis/{NEIGHBOUR}/%"]).fetchall()
    many = superuser.execute("select count(*) from inbound_event").fetchone()

    erased(district, student_of(district, HERS))

    assert columns_with_canaries(superuser) == set()
    left = [line for line in dumped(postgres, database.name).splitlines() if CANARY.search(line)]
    assert left == []
    assert superuser.execute(theirs, [f"mis/{NEIGHBOUR}/%"]).fetchall() == before, "a neighbour's id is another id"
    assert superuser.execute("select count(*) from inbound_event").fetchone() == many, "that they came stays known"


def test_the_reason_of_an_audit_row_stays_and_the_values_behind_it_go(district: District, means: Means) -> None:
    student_id = district.run(district.newcomer())
    reason = "The surname was misspelt."

    async def edited() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            act = Act("edit", "student", student_id, student_id, reason, {"name": "Old"}, {"name": "New"})
            return await audit.record(session, system(TenantId(district.ours.id), "cli", "r"), act, now=NOW)

    async def read(entry_id: UUID) -> tuple[str | None, list[str], object]:
        async with district.sessions.tenant(district.ours.id) as session:
            entry = await session.get_one(AuditEntry, entry_id)
            detail = await session.get_one(AuditDetail, entry.detail_id)
            return entry.reason, sorted(entry.fields), await audit.opened(session, district.ours.id, detail)

    entry_id = district.run(edited())
    sealer = Sealer(district.sessions, means.store, lambda: NOW)
    district.run(sealer.round())
    erased(district, student_id)
    assert district.run(read(entry_id)) == (reason, ["name"], None)
    district.run(sealer.round())
    report = district.run(verified(district.sessions, means.store, district.ours.id))
    assert report.whole, report.findings
