"""A district on the whole product: students who have been away and wait in the queue, and staff who speak over HTTP."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select, update

from models.attendance import Enrolment
from models.audit import AuditEntry
from models.guardians import Guardian, GuardianLink
from models.instances import Instance
from models.people import School
from models.session import Session
from models.students import Student
from models.tenants import Tenant
from orchestration.handles import CaseAddress, CaseHandles
from rules.rulesets.ruleset import dump_ruleset, load_pack
from tests.api.district import District, Tenancy
from workflows.messages import View

OFFICER, LEADER, ADMIN = "attendance_officer", "school_leader", "district_admin"
RULES = "live"
AWAY_DAYS, PAST_DAYS = 6, 20
ORDINARY = "5"
BY_POST = "7"  # their families have no e-mail address
LEAVING = "9"  # students of this year are proposed for exit as soon as they are on the ladder
PATIENCE = 200
SCHOOLS = "school_id,name,code_set,missing_mark_policy,sessions_per_day,year_start\r\n"
MARKS = "mark_id,student_id,school_id,date,session,code,recorded_at\r\n"


def school_of(name: str) -> str:
    return "elm" if name.startswith("elm") else "oak"


def today() -> date:
    return datetime.now(UTC).date()


def ladder(key: str = RULES) -> dict[str, Any]:
    """The shipped ladder for one school, without waits, and with a way out that is open at once."""
    document = {**dump_ruleset(load_pack("general")), "key": key, "title": "A ladder to try", "tests": [], "watch": []}
    document["stages"] = [{**stage, "wait_school_days": 0} for stage in document["stages"]]
    leaving = {"type": "YearGroupIn", "params": {"in": [LEAVING]}}
    document["stop"] = [{"key": "leaving", "when": leaving, "then": "EXIT_REVIEW"}, *document["stop"][1:]]
    return document


@dataclass
class Town:
    """The district, what waits in it, and what was said to it."""

    district: District
    database: str = ""  # as its owner: for what only another process would do
    rules: str = ""
    taken: set[str] = field(default_factory=set)

    @property
    def ours(self) -> Tenancy:
        return self.district.ours

    # Reading --------------------------------------------------------------------------------------------------------

    def rows(self, table: type[Any], *where: Any) -> list[Any]:
        async def read() -> list[Any]:
            async with self.district.sessions.tenant(self.ours.id) as session:
                return list(await session.scalars(select(table).where(*where)))

        return self.district.run(read())

    def until(self, ask: Callable[[], Any], settled: Callable[[Any], object], what: str) -> Any:
        """Ask until it is so; time is the only other way out."""
        end = time.monotonic() + PATIENCE
        while True:
            found = ask()
            if settled(found):
                return found
            assert time.monotonic() < end, f"never came: {what}; last seen: {found}"
            time.sleep(0.02)

    def seen(self, instance_id: str) -> Any:
        answer = self.district.get(f"/interventions/instances/{instance_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def view(self, instance_id: str) -> View:
        """The case itself, as it says it stands."""
        row = self.rows(Instance, Instance.id == UUID(instance_id))[0]
        cases: CaseHandles = self.district.app.state.parts.cases
        return self.district.run(cases.view(CaseAddress(row.tenant_id, row.school_year, row.id)))

    def stands(self, instance_id: str, phase: str, stage: str | None = None) -> Any:
        """The walk once it stands there; what waits for a decision is in the queue by then."""

        def there(seen: Any) -> bool:
            at = seen["instance"]
            return (
                at["phase"] == phase
                and stage in (None, at["stage_key"])
                and (phase not in {"AWAITING_APPROVAL", "EXIT_REVIEW"} or seen["waiting"] is not None)
            )

        return self.until(lambda: self.seen(instance_id), there, f"{phase} {stage or ''}")

    def queue(self, person: str = ADMIN, **asked: str) -> dict[str, Any]:
        """The queue's items by instance."""
        page = self.district.get("/interventions/queue", person, params={"limit": "200", **asked})
        assert page.status_code == 200, page.text
        return {item["instance_id"]: item for item in page.json()["items"]}

    def events(self, instance_id: str) -> list[str]:
        items = self.district.get(f"/interventions/instances/{instance_id}/timeline?limit=200").json()["items"]
        return [event["type"] for event in items]

    def happened(self, instance_id: str, *types: str) -> list[str]:
        """The timeline once it tells of these."""
        told: list[str] = self.until(lambda: self.events(instance_id), lambda seen: set(types) <= set(seen), f"{types}")
        return told

    def audited(self, verb: str, subject_id: str) -> list[AuditEntry]:
        return self.rows(AuditEntry, AuditEntry.verb == verb, AuditEntry.subject_id == UUID(subject_id))

    # Acting ---------------------------------------------------------------------------------------------------------

    def take(self, year: str = ORDINARY, where: str = "oak") -> str:
        """A walk of a student away that no other test has; its first step waits."""
        school = self.ours.schools[where]
        mine = select(Student.id).where(Student.year_group == year)
        wanted = (Instance.student_id.in_(mine), Instance.lead_school_id == school, Instance.reopened_from.is_(None))

        def left() -> list[str]:
            found = sorted(one.id for one in self.rows(Instance, *wanted))
            return [str(one) for one in found if str(one) not in self.taken]

        walk: str = self.until(left, bool, f"a free student of year {year} (is the town large enough?)")[0]
        self.taken.add(walk)
        self.stands(walk, "EXIT_REVIEW" if year == LEAVING else "AWAITING_APPROVAL")
        return walk

    def confirmed(self, method: str, path: str, person: str, body: Any, **headers: str) -> httpx.Response:
        """A command under one key, sent again as the API asks for while its case has not confirmed it."""
        headers.setdefault("Idempotency-Key", uuid4().hex)

        def sent() -> httpx.Response:
            return self.district.call(method, path, person, json=body, headers=headers)

        answer: httpx.Response = self.until(
            sent, lambda said: said.status_code != 202 or "running" in said.json(), f"an answer to {path}"
        )
        return answer

    def command(self, path: str, body: Any, person: str = OFFICER, *, method: str = "POST", **headers: str) -> Any:
        """Send a command, and send it again: the same key gets the same answer, another body is refused."""
        key = headers.setdefault("Idempotency-Key", uuid4().hex)
        first = self.confirmed(method, path, person, body, **headers)
        if not first.is_success:
            return first
        again = self.district.call(method, path, person, json=body, headers=headers)
        assert (again.status_code, again.json()) == (first.status_code, first.json()), f"another answer to {key}"
        assert again.headers.get("Idempotency-Replayed") == "true"
        assert again.headers.get("ETag") == first.headers.get("ETag")
        other = self.district.call(method, path, person, json={**(body or {}), "another": 1}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        return first

    def say(self, instance_id: str, verb: str, person: str = OFFICER, **body: Any) -> httpx.Response:
        """A verb on one walk, confirmed by its case."""
        key = uuid4().hex
        path = f"/interventions/instances/{instance_id}/{verb}"
        answer: httpx.Response = self.command(path, body, person, **{"Idempotency-Key": key})
        if answer.status_code == 200:
            assert answer.json()["confirmed"] is True
        return answer

    def said(self, instance_id: str, verb: str, act: str, person: str = OFFICER, **body: Any) -> Any:
        """A verb that must succeed: its answer, once the audit tells who said what, and why, exactly once."""
        answer = self.say(instance_id, verb, person, **body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        entries = self.until(lambda: self.audited(act, instance_id), bool, f"audit entry {act}")
        assert [one.actor_id for one in entries] == [self.ours.people[person]]
        assert [one.reason for one in entries] == [body.get("reason") or None]
        return told

    def approve(self, instance_id: str, stage: str, person: str = OFFICER) -> Any:
        """Agree to the step that waits, which must be this one."""
        item = self.stands(instance_id, "AWAITING_APPROVAL", stage)["waiting"]
        answer = self.say(instance_id, "approve", person, proposal_id=item["proposal_id"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def jump(self, instance_id: str, stage: str) -> None:
        """A leader passes over the rungs before this one."""
        answer = self.say(instance_id, "escalate", LEADER, to=stage, reason="The family asked for it.")
        assert answer.status_code == 200, answer.text
        self.stands(instance_id, "AWAITING_APPROVAL", stage)

    # The register ---------------------------------------------------------------------------------------------------

    def take_register(self, away: Iterable[str], present: Iterable[str] = ()) -> None:
        """The register of the last weeks arrives as a file over HTTP; the nightly pass follows by itself."""
        days = past_days()
        missed = [(name, day, "O") for name in away for day in days[-AWAY_DAYS:]]
        there = [(name, day, "/") for name in away for day in days[:-AWAY_DAYS]]
        there += [(name, day, "/") for name in present for day in days]
        rows = [
            f"{name}-{day}-{half},{name},{school_of(name)},{day},{half},{code},{day}T15:00:00Z"
            for name, day, code in (*there, *missed)
            for half in ("AM", "PM")
        ]
        self.bring("marks", MARKS, rows)

    def put_right(self, walk: str) -> None:
        """The register is corrected over HTTP: the child was there all the time."""
        at = self.seen(walk)["instance"]
        halves = [(day.isoformat(), half) for day in past_days()[-AWAY_DAYS:] for half in ("AM", "PM")]
        body = {
            "school_id": at["lead_school_id"],
            "marks": [{"date": day, "session": half, "code": "/"} for day, half in halves],
            "reason": "The wrong child was marked.",
        }
        answer = self.command(f"/attendance/students/{at['student_id']}/corrections", body, LEADER)
        assert answer.status_code == 201, answer.text

    def take_schools(self) -> None:
        """What the schools say of their registers: the codes they use, and when their year begins."""
        begin = (today().replace(day=1) - timedelta(days=100)).strftime("%m-01")
        self.bring(
            "schools", SCHOOLS, [f"{name},{name.title()} School,UK,EXCLUDE,2,{begin}" for name in ("oak", "elm")]
        )

    def bring(self, table: str, header: str, rows: Iterable[str]) -> None:
        """A file of the register arrives over HTTP, and none of its rows is set aside."""
        content = (header + "\r\n".join(rows) + "\r\n").encode()
        answer = self.district.post(
            "/attendance/imports", files={"file": (f"{table}.csv", content)}, data={"as": table}
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["run"]["rows_quarantined"] == 0, answer.text


def past_days() -> list[date]:
    """The weekdays behind us, all of them over."""
    days = [today() - timedelta(days=n) for n in range(1, 3 * PAST_DAYS)]
    return sorted([day for day in days if day.weekday() < 5][:PAST_DAYS])


async def settle_in(district: District, names: dict[str, str], *, undo_seconds: int = 0) -> None:
    """Starter content, students by name and year, and a school that families can reach."""
    tenancy = district.ours
    async with district.sessions.tenant(tenancy.id) as session:
        # everybody is away at once here, and all their steps wait on one day: breakers would hold that anywhere else
        usual = {"fewest_students": 100, "proposals": 200}
        settings = {"ladder": {"undo_seconds": undo_seconds}, "breakers": usual}
        await session.execute(update(Tenant).values(settings=settings))
        reachable = {"phone": "020 7946 0100", "address": "1 School Road, London"}
        await session.execute(update(School).values(settings=reachable))
        for name, year in names.items():
            await student(session, tenancy, name, year)


async def student(session: Session, tenancy: Tenancy, name: str, year: str) -> UUID:
    """A student with one guardian who may be written to, called and met."""
    row = Student(source_id=name, first_name=name.title(), last_name="Example", year_group=year)
    email = None if year == BY_POST else f"{name}@example.org"
    guardian = Guardian(source_id=f"g-{name}", name=f"Parent of {name}", email=email, address="1 High Street, Leeds")
    session.add_all([row, guardian])
    await session.flush()
    link = GuardianLink(student_id=row.id, guardian_id=guardian.id, relationship="MOTHER", parental_responsibility=True)
    link.may_receive_letters = link.may_receive_calls = link.may_attend_meetings = link.lives_with = True
    where = tenancy.schools[school_of(name)]
    session.add_all([link, Enrolment(student_id=row.id, school_id=where, start_date=tenancy.enrolled_on)])
    tenancy.students[name], tenancy.guardians[name] = row.id, guardian.id
    return row.id


def in_force(town: Town, document: dict[str, Any]) -> str:
    """A rule set drafted, reviewed and activated over HTTP; its version."""
    body = {"document": document, "reason": "For the autumn term."}
    drafted = town.district.post("/interventions/rules", json=body)
    assert drafted.status_code == 201, drafted.text
    version_id: str = drafted.json()["version"]["id"]
    for step, person in (("submit", ADMIN), ("approve", LEADER), ("activate", ADMIN)):
        answer = town.district.post(f"/interventions/rules/{version_id}/{step}", person, json={"reason": "Agreed."})
        assert answer.status_code == 200, answer.text
    return version_id
