"""Erasure: two people, no hold; keys, words and histories are gone, chain and figures stand."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import insert, select, update
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from deploy.local.postgres import Server
from models.access import GuardianAccount
from models.attendance import Mark, SessionFact, Summary
from models.audit import AuditEntry
from models.delivery import Message, MessageAttempt
from models.guardians import Guardian, GuardianLink
from models.imports import ImportRun, QuarantineRow
from models.instances import Contact, Escalation, Event, Instance
from models.letters import LetterArtifact
from models.meetings import Meeting, MeetingAttendee
from models.people import Person
from models.students import AbsenceReason, CareFlag, Exemption, StudentAttribute
from models.year_ends import YearEnd
from orchestration.handles import CaseAddress, CaseHandles
from orchestration.sealer import Sealer
from rules.errors import Conflict
from rules.ids import TenantId
from services import artifacts, audit, outbox
from services.artifacts import Paper
from services.audit import Act
from services.audit_verification import verified
from services.context import system
from services.means import Means
from services.student_keys import data_key
from services.verification import check_all
from tests.api.canaries import PATTERN, WORD, dumped, lines_with_canaries, objects, plant, running
from tests.api.district import NOW, TODAY, District
from tests.api.furnished import Furnished, furnish
from tests.api.papers import stored
from tests.api.viewed import viewed
from tests.servers.kinds import Database, Store, TemporalDev

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("erasure")]
GROUND = {"ground": "REQUEST"}
FIGURES = (
    "select type, count(*) from event group by type order by type",
    "select status, count(*), sum(minutes_missed) from session_fact group by status order by status",
    "select sum(attended_ytd), sum(possible_ytd), sum(total_absence_half_days_ytd) from summary",
    "select code, count(*) from mark group by code order by code",
    "select kind, count(*), count(sent_at) from message group by kind order by kind",
    "select count(*), count(*) filter (where reached) from contact",
    "select outcome_code, count(*) from meeting group by outcome_code order by 1",
    "select count(*), sum(pages), count(distinct sha256) from letter_artifact",
    "select count(*) from audit_entry where verb <> 'read_artifact'",
    "select count(*) from enrolment",
    "select status, begins, summary from year_end order by id",
)
# of a year: dates, rungs of the rule set and counts, as in the rows that they were counted from
SUMMED = {"from": "2026-08-01", "to": "2027-07-31", "steps": ["letter-1"], "letters": 2, "attended_sessions": 322}


@pytest.fixture(scope="module")
def means(district: District, s3: Store) -> Iterator[Means]:
    with stored(district, s3) as means:
        yield means


@pytest.fixture(scope="module")
def temporal(district: District, temporal_dev: TemporalDev) -> Client:
    client = district.run(temporal_dev.client())
    district.app.state.parts = replace(district.app.state.parts, cases=CaseHandles(client))
    return client


@pytest.fixture(scope="module")
def superuser(postgres: Server, database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # the canaries reach rows that are written once
        yield connection


def erased(district: District, student_id: UUID, person: str, **more: Any) -> Any:
    return district.post(f"/students/{student_id}/erasure", person, json=GROUND, **more)


def test_a_legal_hold_keeps_everything(district: District, temporal: Client) -> None:
    student_id = district.run(district.newcomer())
    path = f"/students/{student_id}/legal-hold"
    held = district.put(path, "dpo", json={"held": True, "reason": "A claim was announced."})
    assert held.json()["held"] is True
    again = district.put(path, "dpo", json={"held": True, "reason": "Another."})
    assert (again.status_code, again.json()["code"]) == (409, "hold_unchanged")
    refused = erased(district, student_id, "dpo")
    assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
    assert district.get(path, "auditor").json()["reason"] == "A claim was announced."
    assert district.put(path, "dpo", json={"held": False, "reason": "Settled."}).json()["held"] is False
    assert erased(district, student_id, "dpo").json()["status"] == "REQUESTED"
    held = district.put(path, "dpo", json={"held": True, "reason": "A second claim."})
    assert erased(district, student_id, "school_leader").json()["code"] == "legal_hold"


def test_whoever_asks_does_not_decide(district: District, temporal: Client) -> None:
    student_id = district.run(district.newcomer())
    assert erased(district, student_id, "dpo").json()["status"] == "REQUESTED"
    alone = erased(district, student_id, "dpo")
    assert (alone.status_code, alone.json()["code"]) == (403, "four_eyes")
    assert district.get(f"/students/{student_id}", "school_leader").status_code == 200
    assert erased(district, student_id, "school_leader").json()["status"] == "DONE"
    assert district.get(f"/students/{student_id}", "school_leader").status_code == 404
    again = erased(district, student_id, "dpo")
    assert (again.status_code, again.json()["code"]) == (409, "erased")

    async def audited() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = select(AuditEntry.verb).where(AuditEntry.student_id == student_id).order_by(AuditEntry.seq)
            return list(await session.scalars(mine))

    assert district.run(audited()) == ["request_erasure", "approve_erasure", "erase_student", "finish_erasure"]
    assert district.get(f"/students/{student_id}/erasure", "auditor").json()["status"] == "DONE"
    left = district.get(f"/audit?student_id={student_id}", "auditor")
    assert [one["action"] for one in left.json()["items"]][:2] == ["finish_erasure", "erase_student"]


def test_to_whom_the_record_went_can_be_proven_after_it_is_erased(
    district: District, temporal: Client, means: Means
) -> None:
    student_id = district.run(district.newcomer())
    path = f"/students/{student_id}/disclosures"
    handed = {"party": "COURT", "purpose": "COURT_PROCEEDINGS", "what": WORD, "recipient": WORD, "interest": WORD}
    given = district.post(path, "dpo", json=handed).json()
    assert given["recipient"] == WORD
    erased(district, student_id, "dpo")
    assert erased(district, student_id, "school_leader").json()["status"] == "DONE"
    for person in ("dpo", "auditor", "school_leader", "safeguarding_lead"):
        answer = district.get(path, person)
        assert answer.status_code == 200, (person, answer.text)
        (line,) = answer.json()["items"]
        assert line == {**given, "what": "(erased)", "recipient": "(erased)", "interest": "(erased)"}
        assert WORD not in answer.text
    assert viewed(district, answer) == {student_id}
    for person in ("attendance_officer", "school_leader-elm", "guardian"):
        assert district.get(path, person).status_code == 403, person
    assert district.get(path, "dpo", tenancy=district.theirs).status_code == 404
    assert district.post(path, "dpo", json=handed).status_code == 404, "nothing is written about them again"


def test_an_open_amendment_or_incident_comes_first(district: District, temporal: Client) -> None:
    student_id = district.run(district.newcomer())
    school = {"school_id": str(district.ours.schools["oak"])}
    asked = {**school, "subject_kind": "OTHER", "wrong": "The name.", "wanted": "Another."}
    request = district.post(f"/students/{student_id}/amendment-requests", "dpo", json=asked).json()
    assert erased(district, student_id, "dpo").json()["code"] == "amendment_open"
    district.post(f"/amendment-requests/{request['id']}/decision", "dpo", json={"granted": True, "reason": "Right."})
    lost = {**school, "student_id": str(student_id), "happened": "Lost.", "noticed_at": "2026-11-20T08:00:00Z"}
    district.post("/incidents", "dpo", json=lost)
    assert erased(district, student_id, "dpo").json()["code"] == "incident_open"


def test_without_temporal_nothing_is_decided(district: District, temporal: Client) -> None:
    student_id = district.run(district.newcomer())
    erased(district, student_id, "dpo")
    parts = district.app.state.parts
    district.app.state.parts = replace(parts, cases=None)
    try:
        assert erased(district, student_id, "school_leader").status_code == 503
        assert district.get(f"/students/{student_id}/erasure", "dpo").json()["status"] == "REQUESTED"
    finally:
        district.app.state.parts = parts


def test_the_function_refuses_what_two_people_did_not_decide(district: District, database: Database) -> None:
    student_id = district.run(district.newcomer())
    with psycopg.connect(database.app_dsn) as connection:
        connection.execute("select set_config('app.current_tenant', %s, true)", [str(district.ours.id)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no two people"):
            connection.execute("select erase_words(%s)", [student_id])


def test_nobody_empties_an_event_by_saying_that_they_erase(district: District, database: Database) -> None:
    student_id = district.run(district.newcomer())
    own: dict[str, Any] = {"student_id": student_id, "school_id": district.ours.schools["oak"]}

    async def happened() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            session.add(Event(**own, type="STARTED", occurred_at=NOW, reason="It was written once."))

    district.run(happened())
    for dsn, change in (
        (database.app_dsn, "reason = null"),
        (database.owner_dsn, "type = 'X', reason = null"),
    ):
        with psycopg.connect(dsn) as connection:
            connection.execute("select set_config('app.current_tenant', %s, true)", [str(district.ours.id)])
            connection.execute("select set_config('handrail.erasing', %s, true)", [str(student_id)])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"update event set {change} where student_id = %s".encode(), [student_id])


async def _letter(district: District, means: Means, made: Furnished) -> UUID:
    """A real sealed and locked letter."""
    tenant_id, student_id = district.ours.id, made.things["student_id"]
    async with means.sessions.tenant(tenant_id) as session:
        key = await data_key(session, means.keyring, tenant_id, student_id)
    paper = Paper(uuid4(), 2026, f"Dear {WORD}".encode(), 1, "test")
    shelved = await artifacts.shelve(means, tenant_id, key, paper, now=datetime.now(UTC))
    facts = {"kind": "LETTER", "student_id": student_id, "school_id": made.things["school_id"], "language": "en"}
    facts["merge_data"] = {"name": WORD}
    async with means.sessions.tenant(tenant_id) as session:
        await artifacts.enter(session, system(TenantId(tenant_id), "cli", "r"), shelved, facts, now=NOW)
    return shelved.artifact_id


async def _more_about_ann(district: District, made: Furnished) -> None:
    """Rows of the kinds that a furnished district leaves out."""
    student_id, school_id, things = made.things["student_id"], made.things["school_id"], made.things
    own: dict[str, Any] = {"student_id": student_id, "school_id": school_id}
    async with district.sessions.tenant(district.ours.id) as session:
        session.add_all(
            [
                CareFlag(student_id=student_id, kind="SOCIAL_WORKER", starts_on=TODAY),
                Exemption(student_id=student_id, scope="hold", kind="OTHER", reason=WORD, starts_on=TODAY),
                AbsenceReason(**own, date=TODAY, session="AM", reason=WORD, status="GIVEN"),
                StudentAttribute(student_id=student_id, kind="ETHNICITY", value=WORD),
                Contact(student_id=student_id, mode="CALL", reached=True, said=WORD, contacted_at=NOW),
                Contact(
                    student_id=student_id,
                    instance_id=things["instance_id"],
                    mode="CALL",
                    reached=False,
                    contacted_at=NOW,
                ),
                Escalation(
                    **{name: things[name] for name in ("instance_id", "case_id")}, stage_key="s", tier=2, opened_at=NOW
                ),
                MessageAttempt(
                    message_id=things["message_id"], number=1, channel="EMAIL", status="FAILED", attempted_at=NOW
                ),
                MeetingAttendee(meeting_id=things["meeting_id"], kind="OTHER", attendee_id=uuid4()),
            ]
        )
        source = (await session.execute(select(Guardian.source_id).limit(1))).scalar_one()
        assert source
        for known in (
            {"student_id": f"{WORD}{student_id}", "note": "a row of Ann's"},
            {"first": WORD.upper(), "family": WORD},
        ):
            session.add(
                QuarantineRow(import_id=things["import_id"], kind="marks", line=3, problem="BAD_DATE", row=known)
            )
        odd = {"count": 2, "advice": "", "first": [[f"{WORD}{student_id}", "S", "2026-11-20", "AM I"], [None, "S"]]}
        told = update(ImportRun).where(ImportRun.id == things["import_id"])
        await session.execute(told.values(issues={"UNKNOWN_CODE": odd, "NO_ROWS": {"count": 1, "first": []}}))
        await outbox.enqueue(session, "instance.signal", str(things["instance_id"]), {"argument": WORD})
        when = {"student_id": student_id, "school_id": school_id, "date": TODAY}
        marked = {"row_key": uuid4(), "mark_id": f"ann-{TODAY}", "session": "AM", "code": "I", "ingest_seq": 1}
        await session.execute(insert(Mark).values(**when, **marked, recorded_at=NOW, amend_reason=WORD))
        fact = {"session": "AM", "known_from": NOW, "status": "AUTHORISED_ABSENT", "code": "I", "minutes_missed": 180}
        await session.execute(insert(SessionFact).values(**when, **fact, reason_code=WORD))
        counts = {"attended_ytd": 50, "possible_ytd": 60, "consecutive_absence_days": 1}
        more = {"total_absence_half_days_ytd": 10, "computed_at": NOW, "am_reason_code": WORD}
        await session.execute(insert(Summary).values(**when, **counts, **more))
        audited = Act("edit", "student", student_id, student_id, "corrected", {"name": WORD}, {"name": WORD * 2})
        await audit.record(session, system(TenantId(district.ours.id), "cli", "r"), audited, now=NOW)
        year = update(YearEnd).where(YearEnd.instance_id == things["instance_id"])
        await session.execute(year.values(status="CLOSE_WITH_SUMMARY", settled_at=NOW, summary=SUMMED))


def _answered_everything(district: District, made: Furnished, superuser: psycopg.Connection[Any]) -> None:
    """The furnished amendment request and incident are closed, the furnished erasure never asked for."""
    superuser.execute("delete from erasure where student_id = %s", [made.things["student_id"]])
    # things of the whole tenant that a furnished district marks with Ann's surname alone
    superuser.execute("update import_run set source_name = 'marks.csv'")
    superuser.execute("update webhook set note = 'data warehouse'")
    # an audit row keeps its reason (safeguards.md section 8), which the guide says, so nobody is named there
    superuser.execute("update audit_entry set reason = 'a note' where verb = 'note'")
    superuser.execute("update quarantine_row set row = '{}' where line = 2")
    decision = {"granted": False, "reason": "Checked.", "statement": WORD}
    path = f"/amendment-requests/{made.id('request_id')}/decision"
    assert district.post(path, "dpo", json=decision).status_code == 200
    answers = {"regulator": "NOT_NEEDED", "regulator_reason": WORD, "family_reason": WORD, "outcome": "Closed."}
    assert district.post(f"/incidents/{made.id('incident_id')}/close", "dpo", json=answers).status_code == 200
    handed = {"party": "SOCIAL_CARE", "purpose": "PROTECTION", "what": WORD, "recipient": WORD, "interest": WORD}
    assert district.post(f"/students/{made.id('student_id')}/disclosures", "dpo", json=handed).status_code == 201


async def _gone(client: Client, workflow_id: str) -> bool:
    """Temporal deletes a history in its own time, soon after it was told to."""
    for _ in range(1200):
        try:
            await client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        await asyncio.sleep(0.1)
    return False


def test_after_it_no_word_is_left_and_chain_and_figures_stand(
    district: District,
    means: Means,
    temporal: Client,
    superuser: psycopg.Connection[Any],
    postgres: Server,
    database: Database,
    s3: Store,
) -> None:
    made = district.run(furnish(district, district.ours))
    ann, walk = made.things["student_id"], made.things["instance_id"]
    letter_id = district.run(_letter(district, means, made))
    district.run(_more_about_ann(district, made))
    _answered_everything(district, made, superuser)
    parents = superuser.execute("select guardian_id from guardian_link where student_id = %s", [ann]).fetchall()
    alone = [row[0] for row in parents]
    accounts = [district.ours.people["guardian"], district.ours.people["student"]]
    planted = plant(superuser, ann, alone, accounts)
    superuser.execute(
        "insert into student_view (tenant_id, at, actor_id, actor_role, actor_display, request_id, operation,"
        " student_id) values (%s, now(), %s, 'guardian', %s, 'r', 'read_student', %s)",
        [district.ours.id, accounts[0], WORD, ann],
    )
    superuser.execute("update mark set mark_id = %s || student_id || '-1' where student_id = %s", [WORD, ann])
    # the control: every kind of place held one
    wanted = {"student.last_name", "guardian.address", "event.reason", "event.data", "message.data", "outbox.payload"}
    assert wanted <= set(planted), planted
    assert len(planted) > 60, planted
    before = dumped(postgres, database.name)
    assert len(lines_with_canaries(before)) > 30
    address = CaseAddress(district.ours.id, "2026-27", walk)
    district.run(running(temporal, address))
    sealer = Sealer(district.sessions, means.store, lambda: NOW)
    district.run(sealer.round())
    figures = [superuser.execute(one.encode()).fetchall() for one in FIGURES]
    assert SUMMED in [row[-1] for row in figures[-1]]

    assert erased(district, ann, "dpo").json()["status"] == "REQUESTED"
    done = erased(district, ann, "school_leader")
    assert (done.status_code, done.json()["status"]) == (200, "DONE"), done.text

    after = dumped(postgres, database.name)
    assert "\n".join(lines_with_canaries(after)) == ""
    for key, content in objects(s3).items():
        assert PATTERN.search(content) is None, key
    with pytest.raises(Conflict, match="destroyed"):
        district.run(artifacts.content(means, system(TenantId(district.ours.id), "cli", "r"), letter_id, now=NOW))
    assert district.run(_gone(temporal, address.workflow_id))

    grown = {"select count(*) from audit_entry where verb <> 'read_artifact'"}
    for statement, then in zip(FIGURES, figures, strict=True):
        now = superuser.execute(statement.encode()).fetchall()
        assert statement in grown or now == then, statement
    district.run(sealer.round())
    report = district.run(verified(district.sessions, means.store, district.ours.id))
    assert report.whole, report.findings
    assert report.checked > 5
    superuser.execute("update letter_artifact set key_id = (select id from student_key where record_class = 'letters')")
    _the_locked_letter_is_known_as_erased(district, means, letter_id)
    _nothing_is_written_about_her_again(district, made)


def _the_locked_letter_is_known_as_erased(district: District, means: Means, letter_id: UUID) -> None:
    async def checked() -> list[tuple[bool, str]]:
        found = check_all(means, system(TenantId(district.ours.id), "cli", "r"))
        return [(one.erased, one.problem) async for one in found if one.object_id == letter_id]

    assert district.run(checked()) == [(True, "")]


def _nothing_is_written_about_her_again(district: District, made: Furnished) -> None:
    of = {name: made.things[name] for name in ("instance_id", "student_id")}
    called = Contact(student_id=of["student_id"], mode="CALL", reached=True, contacted_at=NOW)
    asked = YearEnd(**of, begins=date(2028, 8, 1), opened_at=NOW, decide_by=TODAY)

    async def late(row: Contact | YearEnd) -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            session.add(row)

    for one in (called, asked):
        with pytest.raises(Exception, match="is erased"):
            district.run(late(one))

    async def left() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            instance = await session.get_one(Instance, made.things["instance_id"])
            link = select(GuardianLink).where(GuardianLink.student_id == made.things["student_id"])
            account = await session.get(GuardianAccount, district.ours.people["guardian"])
            person = await session.get_one(Person, district.ours.people["guardian"])
            messages = await session.scalars(select(Message.status))
            letters = (await session.scalars(select(LetterArtifact.merge_data))).all()
            meetings = (await session.scalars(select(Meeting.notes))).all()
            assert (account, person.active, (await session.scalars(link)).all()) == (None, False, [])
            assert all(one == {} for one in letters)
            assert set(meetings) == {None}
            return [instance.status, instance.close_reason or "", *messages.all()]

    assert district.run(left()) == ["STOPPED", "ERASED", "CANCELLED"]
