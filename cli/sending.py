"""Stop every outgoing message of a tenant, a school or a channel at once, or let them flow again."""

import json
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from cli._database import now, operator, the_tenant, with_sessions
from models.delivery import SendingSwitch
from models.restores import RestoreHold
from models.session import Sessions
from services import restores, schools, sending
from services.sending import TurnSwitch

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


class Channel(StrEnum):
    """A way out."""

    EMAIL = "email"
    POST = "post"
    SMS = "sms"
    PUSH = "push"


Tenant = Annotated[str | None, typer.Option("--tenant", help="Key of the tenant; needed when there are several.")]
School = Annotated[str | None, typer.Option("--school", help="Id of one school, ours or the source's.")]
OneChannel = Annotated[Channel | None, typer.Option("--channel", help="One channel only.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit.")]


@app.command()
def pause(reason: Reason, tenant: Tenant = None, school: School = None, channel: OneChannel = None) -> None:
    """Nothing leaves from now on; what would have left waits."""
    _turn(tenant, school, channel, reason, enabled=False)


@app.command()
def resume(reason: Reason, tenant: Tenant = None, school: School = None, channel: OneChannel = None) -> None:
    """Let what waited leave; every message is looked at again in the second it leaves."""
    _turn(tenant, school, channel, reason, enabled=True)


@app.command()
def status(tenant: Tenant = None) -> None:
    """One line of JSON for each switch that was ever turned, and for each class that a restore holds back."""

    async def work(sessions: Sessions) -> list[dict[str, Any]]:
        found = await the_tenant(sessions, tenant)
        async with sessions.tenant(found.id) as session:
            switches = [_line(switch) for switch in await sending.switches(session)]
            return switches + [_held(hold) for hold in await restores.held(session)]

    for line in with_sessions(work):
        print(json.dumps(line))


def _turn(tenant: str | None, school: str | None, channel: Channel | None, reason: str, *, enabled: bool) -> None:
    async def work(sessions: Sessions) -> dict[str, Any]:
        found = await the_tenant(sessions, tenant)
        async with sessions.tenant(found.id) as session:
            school_id: UUID | None = None if school is None else (await schools.named(session, school)).id
            wish = TurnSwitch(school_id, channel.value.upper() if channel else None, enabled, reason)
            return _line(await sending.turn(session, operator(found), wish, now=now()))

    print(json.dumps(with_sessions(work)))


def _line(switch: SendingSwitch) -> dict[str, Any]:
    return {
        "school_id": str(switch.school_id) if switch.school_id else None,
        "channel": switch.channel,
        "sending": switch.enabled,
        "reason": switch.reason,
        "changed_at": switch.changed_at.isoformat(),
    }


def _held(hold: RestoreHold) -> dict[str, Any]:
    found = {"held_after_restore": hold.kind, "cause": hold.cause, "detail": hold.detail}
    return {**found, "sending": False, "found_at": hold.found_at.isoformat()}
