"""The nightly pass of one tenant and time zone: due dates, summaries, then every version over every due school."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from rules.ids import TenantId
from workflows.ports.nightly import (
    DueSchool,
    Evaluated,
    EvaluateOrder,
    NightlyOrder,
    RefreshOrder,
    Version,
    due_schools,
    evaluate_batch,
    refresh_summaries,
    remind_of_duties,
    versions_to_run,
)
from workflows.retry import NIGHTLY, READ, shown

DUTIES = "2026-11-duties"
"""Passes that began before duties were built remind of none."""


class NightlyStart(BaseModel):
    """One tenant and one time zone; a schedule per pair, and once more after each import."""

    model_config = ConfigDict(frozen=True)

    tenant_id: TenantId
    time_zone: str
    schools_per_batch: int = 20


class NightlyReport(BaseModel):
    """What the pass came to."""

    model_config = ConfigDict(frozen=True)

    schools: int = 0
    versions: int = 0
    batches: int = 0
    students: int = 0
    changed: int = 0
    opened: int = 0
    signalled: int = 0

    def plus(self, batch: Evaluated) -> "NightlyReport":
        """With one batch more."""
        counts = {name: getattr(self, name) + value for name, value in batch.model_dump().items()}
        return self.model_copy(update={**counts, "batches": self.batches + 1})


@workflow.defn(name="NightlyEvaluation")
class NightlyEvaluation:
    """Idempotent by school, date and digest: a second pass finds its rows and changes nothing."""

    @workflow.init
    def __init__(self, start: NightlyStart) -> None:
        self._start = start
        self._failed: list[str] = []

    @workflow.run
    async def run(self, start: NightlyStart) -> NightlyReport:
        """A batch that fails for good does not keep the others from being evaluated; the pass then fails, by name."""
        report = await self._evaluated(start)
        if workflow.patched(DUTIES):  # also in the holidays, when nothing is due
            await workflow.execute_activity(remind_of_duties, args=[self._asking()], **shown(READ, "duties"))
        if self._failed:
            raise ApplicationError(
                f"{len(self._failed)} batches failed: {', '.join(self._failed)}. Mend them and run it again.",
                report,
                type="nightly_incomplete",
                non_retryable=True,
            )
        return report

    async def _evaluated(self, start: NightlyStart) -> NightlyReport:
        due = await workflow.execute_activity(due_schools, args=[self._asking()], **shown(READ, "due schools"))
        if not due.schools:
            return NightlyReport()
        refresh = RefreshOrder(**self._asking().model_dump(), schools=due.schools)
        await workflow.execute_activity(refresh_summaries, args=[refresh], **shown(NIGHTLY, "summaries"))
        found = await workflow.execute_activity(versions_to_run, args=[self._asking()], **shown(READ, "versions"))
        report = NightlyReport(schools=len({one.school_id for one in due.schools}), versions=len(found.versions))
        for version in found.versions:
            for first in range(0, len(due.schools), start.schools_per_batch):
                batch = due.schools[first : first + start.schools_per_batch]
                report = report.plus(await self._evaluate(version, batch))
        return report

    def _asking(self) -> NightlyOrder:
        now: datetime = workflow.now()
        return NightlyOrder(tenant_id=self._start.tenant_id, time_zone=self._start.time_zone, now=now)

    async def _evaluate(self, version: Version, schools: tuple[DueSchool, ...]) -> Evaluated:
        first = schools[0]
        key = f"{self._start.tenant_id}/{self._start.time_zone}/{first.on}/{version.digest}/{first.school_id}"
        order = EvaluateOrder(**self._asking().model_dump(), version=version, schools=schools, key=key)
        summary = f"{version.digest[:12]} from {first.on}, {len(schools)} schools"
        try:
            return await workflow.execute_activity(evaluate_batch, args=[order], **shown(NIGHTLY, summary))
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._failed.append(f"{version.digest[:12]}/{first.school_id}")
            return Evaluated()
