"""One student's metrics and bitmaps at (date, known at): the nightly statement, for a list of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.decisions import DecisionColumns, decision_query
from models.queries.metrics import LISTED, MetricQuery, metric_query
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import digest


@dataclass(frozen=True, slots=True)
class Moment:
    """Which truth: the register of `on` and before, as it was known at `known_at`; `since` = the last step's day."""

    on: date
    known_at: datetime
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What SQL says of one student: the metrics, and the metric leaves that are true and known, in stable order."""

    metrics: Mapping[MetricKey, int | None]
    leaves_true: str
    leaves_known: str


_statements: dict[str, tuple[MetricQuery, DecisionColumns]] = {}


def _compiled(ruleset: RuleSet) -> tuple[MetricQuery, DecisionColumns]:
    name = digest(ruleset)
    if name not in _statements:
        metrics = metric_query(ruleset.metric_keys(), subjects=LISTED)
        _statements[name] = (metrics, decision_query(ruleset, metrics.sql, metrics.columns))
    return _statements[name]


async def measure_student(
    session: AsyncSession, ruleset: RuleSet, who: tuple[UUID, UUID, UUID], moment: Moment
) -> Measured:
    """Metrics of (tenant, student, school) at a moment; every metric of the version, null = unknown."""
    query, decided = _compiled(ruleset)
    params = {
        **query.params,
        "tenant_id": who[0],
        "students": [who[1]],
        "schools": [who[2]],
        "steps": [moment.since],
        "day": moment.on,
        "known_at": moment.known_at,
    }
    row = (await session.execute(text(decided.sql), params)).mappings().one()
    metrics = {key: row[name] for key, name in query.columns.items()}
    return Measured(metrics, row["leaves_true"], row["leaves_known"])
