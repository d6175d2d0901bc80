"""A freshly generated district, dirt included: after an import, SQL says what the slow oracle says, on its dates."""

import asyncio
import csv
import json
from collections import defaultdict
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from sqlalchemy import select, update

from models.people import School
from models.session import Sessions, engine_for
from models.tenants import Tenant
from services.context import Actor
from services.nightly import Due, run_nightly
from tests.bulk.test_oracle import generated, oracle
from tests.keys import opened_on
from tests.servers.kinds import Database
from tests.services.districts import a_tenant, expected, summaries, take_in
from tests.services.test_nightly import activate, starts
from tests.shared_data import needs_shared

pytestmark = [pytest.mark.servers, pytest.mark.slow, needs_shared]
RULES = [
    {"rule_id": "ABS5_30C", "type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30, "unit": "CALENDAR"}},
    {"rule_id": "PCT_LT90", "type": "AttendancePercentThreshold", "params": {"below": 90, "window": "YTD"}},
    {"rule_id": "CONS3", "type": "ConsecutiveAbsenceDays", "params": {"n": 3}},
]


def key_of(rule: str) -> str:
    return rule.lower().replace("_", "-")


def trips(decisions: Path) -> dict[tuple[str, str], list[str]]:
    """(rule, student) -> every date on which the oracle sees the rule begin to hold, over all schools."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    with decisions.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["first_trip_date"]:
                found[key_of(row["rule_id"]), row["student_id"]] += row["all_rising_edges"].split(";")
    return {key: sorted(dates) for key, dates in found.items()}


def deleted(data: Path) -> set[str]:
    """Whom the register has deleted: the oracle reads marks alone, but nobody is to be written to about them."""
    with (data / "students.csv").open(encoding="utf-8", newline="") as stream:
        return {row["student_id"] for row in csv.DictReader(stream) if row["deleted_at"]}


async def every_evening(sessions: Sessions, actor: Actor, folder: Path) -> None:
    with (folder / "calendar.csv").open(encoding="utf-8", newline="") as stream:
        days = sorted({(date.fromisoformat(row["date"]), row["school_id"]) for row in csv.DictReader(stream)})
    async with sessions.tenant(actor.tenant_id) as session:
        ids = {source: school for school, source in await session.execute(select(School.id, School.source_id))}
    due: dict[date, list[Due]] = defaultdict(list)
    for day, school in days:
        due[day].append(Due(ids[school], day))
    for day, schools in due.items():
        known_at = datetime.combine(day, time(23, 59, 59), UTC)
        await run_nightly(sessions, actor, schools, known_at=known_at, now=known_at)


@pytest.mark.timeout(900)
def test_summaries_and_the_nights_trips_of_a_fresh_dirty_district_are_the_oracles(
    database: Database, tmp_path: Path
) -> None:
    data = generated(tmp_path / "data", "--students", "25", "--dirty", "0.01")
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES))
    oracle(data, tmp_path / "final", "--rules", str(rules))
    oracle(data, tmp_path / "nightly", "--rules", str(rules), "--mode", "nightly")

    async def story() -> None:
        sessions = opened_on(engine_for(database.app_url, pool_size=3))
        actor = await a_tenant(sessions)
        async with sessions.tenant(actor.tenant_id) as session:  # the oracle knows no breakers: its dirty days pass
            await session.execute(update(Tenant).values(settings={"breakers": {"fewest_students": 100}}))
        await take_in(sessions, actor, data)
        assert await summaries(sessions, actor) == expected(tmp_path / "final" / "summaries.csv")
        for rule in RULES:
            await activate(sessions, actor, key_of(str(rule["rule_id"])), {k: rule[k] for k in ("type", "params")})
        await every_evening(sessions, actor, data)
        found = {key: sorted(dates) for key, dates in (await starts(sessions, actor)).items()}
        gone = deleted(data)
        wanted = {key: on for key, on in trips(tmp_path / "nightly" / "decisions.csv").items() if key[1] not in gone}
        assert wanted, "a district in which nothing happens shows nothing"
        assert found == wanted
        await sessions.engine.dispose()

    asyncio.run(story())
