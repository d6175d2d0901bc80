"""Loading the demo: as any district is loaded, once, and completed after being killed anywhere."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.local.demo.stories import SMALLEST_DISTRICT
from deploy.local.demo_district import DemoDistrict, generate
from deploy.local.postgres import Server
from models.session import Sessions, engine_for
from rules.ids import TenantId
from services import demo, nightly
from services.context import system
from services.demo import LoadDemo
from tests.keys import opened_on
from tests.servers.kinds import Database
from tests.servers.template import cloned

pytestmark = pytest.mark.servers
TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
COUNTED = (
    "student", "guardian", "guardian_link", "mark", "person", "role_assignment", "school_scope", "care_flag",
    "exemption", "rule_set_version", "letter_template_version", "import_run", "outbox", "audit_entry",
)  # fmt: skip


class Killed(Exception):
    """The process ends here."""


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> DemoDistrict:
    return generate(tmp_path_factory.mktemp("demo") / "d", today=TODAY, students=SMALLEST_DISTRICT, seed=3)


def told(database: Database, story: Callable[[Sessions], Awaitable[None]]) -> None:
    async def tell() -> None:
        engine = engine_for(database.app_url)
        try:
            await story(opened_on(engine))
        finally:
            await engine.dispose()

    asyncio.run(tell())


async def rows(sessions: Sessions, query: str) -> list[tuple[object, ...]]:
    tenant = await demo.find(sessions)
    assert tenant is not None
    async with sessions.tenant(tenant.id) as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def counts(sessions: Sessions) -> dict[str, object]:
    return {table: (await rows(sessions, f"select count(*) from {table}"))[0][0] for table in COUNTED}


async def loaded(sessions: Sessions, folder: Path) -> dict[str, object]:
    await demo.load(sessions, LoadDemo(folder, {"ladder": {"undo_seconds": 1}}), now=NOW)
    return await counts(sessions)


def test_everything_of_the_folder_is_in_and_a_second_load_changes_nothing(
    database: Database, district: DemoDistrict
) -> None:
    async def story(sessions: Sessions) -> None:
        first = await loaded(sessions, district.folder)
        written = {"student": "students", "mark": "marks", "person": "staff", "care_flag": "care_flags"}
        for table, file in written.items():
            assert first[table] == district.rows[file], table
        again = await loaded(sessions, district.folder)
        assert again | {"audit_entry": 0} == first | {"audit_entry": 0}

    told(database, story)


def test_one_school_begins_with_letters_and_the_others_with_a_contact(
    database: Database, district: DemoDistrict
) -> None:
    async def story(sessions: Sessions) -> None:
        await loaded(sessions, district.folder)
        found = await rows(
            sessions,
            "select r.key, v.content->'stages'->0->>'type', array(select s.source_id from school s where "
            "s.id::text in (select jsonb_array_elements_text(v.content->'scope'->'schools')) order by 1) "
            "from rule_set_version v join rule_set r on r.id = v.rule_set_id where v.status = 'ACTIVE' order by r.key",
        )
        first, *others = district.schools
        assert found == [("general", "CONTACT", others), ("general-letters-first", "LETTER", [first])]

    told(database, story)


def test_what_protects_a_family_is_there_before_the_register_is(database: Database, district: DemoDistrict) -> None:
    async def story(sessions: Sessions) -> None:
        await loaded(sessions, district.folder)
        [apart], [exempt] = district.stories["separated_parents"], district.stories["exempt"]
        links = "select bool_or(address_confidential) from guardian_link l join student s on s.id = l.student_id "
        assert await rows(sessions, links + f"where s.source_id = '{apart}'") == [(True,)]
        held = "select scope, kind from exemption e join student s on s.id = e.student_id where withdrawn_at is null "
        assert await rows(sessions, held + f"and s.source_id = '{exempt}'") == [("stop", "MEDICAL")]
        phones = await rows(sessions, "select count(*) from school where settings->>'phone' like '01632 960%'")
        assert phones == [(len(district.schools),)]
        kinds = await rows(
            sessions, "select payload->>'import_id' from outbox where kind = 'import.finished' order by seq"
        )
        [(last,)] = await rows(sessions, "select id::text from import_run order by number desc limit 1")
        assert kinds[-1] == (last,)

    told(database, story)


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_a_load_killed_after_any_step_is_completed_by_the_next(
    postgres: Server, district: DemoDistrict, killed_at: int
) -> None:
    async def story(sessions: Sessions) -> None:
        steps: list[str] = []

        def die_at(line: str) -> None:
            steps.append(line)
            if len(steps) == killed_at:
                raise Killed

        with pytest.raises(Killed):
            await demo.load(sessions, LoadDemo(district.folder), now=NOW, tell=die_at)
        tenant = await demo.find(sessions)
        assert tenant is not None
        assert not demo.is_loaded(tenant)
        done = await loaded(sessions, district.folder)
        assert (done["mark"], done["person"]) == (district.rows["marks"], district.rows["staff"])
        assert done["import_run"] == 2
        tenant = await demo.find(sessions)
        assert tenant is not None
        assert demo.is_loaded(tenant)

    with cloned(postgres) as fresh:
        told(fresh, story)


def test_no_day_of_the_demo_is_suspect_on_its_first_morning(database: Database, district: DemoDistrict) -> None:
    async def story(sessions: Sessions) -> None:
        await loaded(sessions, district.folder)
        tenant = await demo.find(sessions)
        assert tenant
        actor = system(TenantId(tenant.id), "cli", "first morning")
        async with sessions.tenant(actor.tenant_id) as session:
            due = await nightly.due_schools(session, "Europe/London", now=NOW)
        assert len(due) == len(district.schools)
        assert (await nightly.run_nightly(sessions, actor, due, known_at=NOW, now=NOW)).opened > 0
        assert await rows(sessions, "select kind, date from breaker") == []
        # the secondary's contacts are one batch too many for a first morning: a leader looks, the others' flow at once
        many = "select s.source_id, count(*) from instance i join school s on s.id = i.lead_school_id "
        held = await rows(sessions, many + "group by 1 having count(*) > 20")
        assert [school for school, _ in held] == ["S004"]

    told(database, story)
