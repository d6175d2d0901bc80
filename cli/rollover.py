"""Say what is not ready for the next school year: calendars, enrolments, rule sets, open steps."""

import json
from datetime import datetime
from typing import Annotated

import typer

from cli._database import now, refuse, the_tenant, with_sessions
from models.session import Sessions
from services import rollover
from services.rollover import WHAT_TO_DO, SchoolYear

NOT_READY = 1


def command(
    check: Annotated[bool, typer.Option("--check", help="Look and say; nothing is changed.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant; needed when there are several.")] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As of this day; today unless told.")
    ] = None,
) -> None:
    """One line per finding with what to do, then one line of JSON; status 1 when a school is not ready. A school is
    looked at from 45 days before its next year.
    """
    if not check:
        refuse("handrail rollover only looks: write `handrail rollover --check`.")
    day = (on or now()).date()

    async def work(sessions: Sessions) -> list[SchoolYear]:
        found = await the_tenant(sessions, tenant)
        async with sessions.tenant(found.id) as session:
            return await rollover.check(session, on=day)

    schools = with_sessions(work)
    for school in schools:
        _show(school)
    ready = not any(school.findings for school in schools)
    early = sum(school.early for school in schools)
    print(json.dumps({"on": day.isoformat(), "schools": len(schools), "early": early, "ready": ready}))
    if not ready:
        raise typer.Exit(NOT_READY)


def _show(school: SchoolYear) -> None:
    if school.early:
        print(f"{school.school}: begins {school.begins}, looked at from {rollover.FROM_DAYS_BEFORE} days before")
        return
    print(f"{school.school}: begins {school.begins}, {school.open_cases} open cases, {school.leaving} students leave")
    for finding in school.findings:
        print(f"  {finding.kind.value:<19} {finding.detail}: {WHAT_TO_DO[finding.kind]}")
