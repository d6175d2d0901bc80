"""The nightly pass: due schools, current summaries, then each version over each due school, one transaction apiece."""

from dataclasses import asdict

from temporalio import activity

from models.session import Sessions
from services import attendance_summaries, duty_pass, nightly
from services.context import Actor, system
from workflows.ports.nightly import (
    DueSchool,
    DueSchools,
    Evaluated,
    EvaluateOrder,
    NightlyOrder,
    RefreshOrder,
    Reminded,
    Version,
    Versions,
)


class NightlyActivities:
    """Set-based SQL under the tenant's row-level security; every school is its own transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def due_schools(self, order: NightlyOrder) -> DueSchools:
        async with self._sessions.tenant(order.tenant_id) as session:
            await nightly.judge_held(session, _actor(order), order.time_zone, now=order.now)
            due = await nightly.due_schools(session, order.time_zone, now=order.now)
        return DueSchools(schools=tuple(DueSchool.model_validate(asdict(one)) for one in due))

    @activity.defn
    async def remind_of_duties(self, order: NightlyOrder) -> Reminded:
        async with self._sessions.tenant(order.tenant_id) as session:
            schools = await nightly.schools_of(session, order.time_zone)
            return Reminded(reminders=await duty_pass.reminded(session, _actor(order), schools, now=order.now))

    @activity.defn
    async def refresh_summaries(self, order: RefreshOrder) -> Evaluated:
        students = await attendance_summaries.refresh(self._sessions, _actor(order), now=order.now)
        due = [nightly.Due(one.school_id, one.on, one.catching_up) for one in order.schools]
        await nightly.judge(self._sessions, _actor(order), due, known_at=order.now, now=order.now)
        return Evaluated(students=students)

    @activity.defn
    async def versions_to_run(self, order: NightlyOrder) -> Versions:
        async with self._sessions.tenant(order.tenant_id) as session:
            found = await nightly.versions_to_run(session)
        return Versions(versions=tuple(Version.model_validate(asdict(one)) for one in found))

    @activity.defn
    async def evaluate_batch(self, order: EvaluateOrder) -> Evaluated:
        done = nightly.Evaluated()
        version = nightly.VersionToRun(**order.version.model_dump())
        for school in order.schools:
            wanted = nightly.Pass(version, school.school_id, school.on, order.now, school.catching_up)
            async with self._sessions.tenant(order.tenant_id) as session:
                found = await nightly.evaluate_school(session, _actor(order), wanted, now=order.now)
            done = done.plus(found)
        return Evaluated(students=done.students, changed=done.changed, opened=done.opened, signalled=done.signalled)


def _actor(order: NightlyOrder) -> Actor:
    return system(order.tenant_id, "workflow", activity.info().workflow_id or "nightly")
