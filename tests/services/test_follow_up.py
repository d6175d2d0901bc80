"""After the exit: good news once, weeks judged by the rule set, figures over equal windows."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from models.delivery import Message
from models.instances import Event, Instance
from models.letters import LetterTemplateVersion
from models.rulesets import Evaluation
from rules.ladder.follow_up import WeekFinding
from services import follow_up
from services.follow_up import BeforeAndAfter
from tests.servers.kinds import MailServer
from tests.services.seeding import DIGEST, NOW, Family, World, grace, henry

pytestmark = pytest.mark.servers


def test_each_entitled_guardian_hears_the_good_news_once(world: World, smtp: MailServer) -> None:
    family = world.family(grace(), henry(may_receive_letters=False))
    for _ in range(2):
        assert world.run(follow_up.tell_family(world.means, family.case("w/4"))) == 1
    (mail,) = smtp.messages()
    assert mail.recipients == ("grace.canaryone@example.org",)


def test_good_news_that_cannot_be_written_is_a_task_and_never_an_error(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    world.change(family, update(LetterTemplateVersion).values(status="RETIRED"))
    assert world.run(follow_up.tell_family(world.means, family.case("w/4"))) == 0
    assert world.task_kinds(family) == ["tell_family_of_exit"]
    assert smtp.messages() == []


def test_good_news_under_a_contact_stop_is_withheld_and_recorded(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    world.stop_contact(family, "HOUSEHOLD", family.student_id)
    world.run(follow_up.tell_family(world.means, family.case("w/4")))
    assert [row.status for row in world.rows(family, Message)] == ["WITHHELD"]
    assert smtp.messages() == []


def checked(world: World, family: Family, first: date, last: date) -> WeekFinding:
    async def check() -> WeekFinding:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await follow_up.check_week(session, family.case("w/5"), DIGEST, first, last)

    return world.run(check())


def test_a_week_is_judged_on_its_last_school_day_by_a_stored_evaluation(world: World) -> None:
    family = world.family(grace())
    found = checked(world, family, date(2026, 11, 9), date(2026, 11, 15))
    assert found.possible_sessions == 10
    assert found.relapse is not None
    assert found == checked(world, family, date(2026, 11, 9), date(2026, 11, 15))
    (row,) = world.rows(family, Evaluation)
    assert (row.id, row.date, row.instance_id) == (found.basis.evaluation_id, date(2026, 11, 13), family.instance_id)
    assert found.basis.fired == ("follow_up:relapse",)


def test_a_week_without_open_sessions_has_nothing_to_say(world: World) -> None:
    family = world.family(grace())
    assert checked(world, family, date(2027, 8, 2), date(2027, 8, 8)) == WeekFinding()


def test_figures_compare_equal_windows_of_school_days_and_stay_as_they_were(world: World) -> None:
    family = world.family(grace())
    world.change(family, update(Instance).values(entry_date=date(2026, 11, 11)))
    started = datetime(2026, 11, 13, 9, 0, tzinfo=UTC)

    async def figures() -> BeforeAndAfter:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await follow_up.figures(session, family.case("w/6"), started, date(2026, 11, 20))

    found = world.run(figures())
    assert found == BeforeAndAfter(before=6000, after=8000, school_days=5)  # 5-11 Nov: 6 of 10; 16-20 Nov: 8 of 10
    world.change(family, update(Instance).values(entry_date=date(2026, 10, 1)))
    assert world.run(figures()) == found
    assert [(row.type, row.occurred_at) for row in world.rows(family, Event)] == [("FIGURES", NOW)]
