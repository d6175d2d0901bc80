"""Take a recorded decision again and tell whether the same comes out."""

import json
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from cli._database import operator, the_tenant, with_sessions
from models.session import Sessions
from rules.rulesets.messages import SOURCE, Language
from services import decision_log
from services.decision_log import Replayed

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
DIFFERS = 1


@app.callback()
def group() -> None:
    """Take a recorded decision again and tell whether the same comes out."""


@app.command(name="decision")
def decision_(
    decision_id: Annotated[UUID, typer.Argument(metavar="ID", help="Of a decision, or of the evaluation it rests on.")],
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant; needed when there are several.")] = None,
    language: Annotated[
        Language, typer.Option(help="Of the sentence; all but English are machine translations.")
    ] = SOURCE,
) -> None:
    """Decide again with the stored rule-set version on what was stored; status 1 if anything differs.

    Each difference stands on a line of its own; the last line is the decision as JSON.
    """

    async def work(sessions: Sessions) -> Replayed:
        actor = operator(await the_tenant(sessions, tenant))
        async with sessions.tenant(actor.tenant_id) as session:
            return await decision_log.replay(session, await decision_log.get(session, decision_id), language)

    found = with_sessions(work)
    for one in found.differences:
        print(f"DIFFERS {one.what}: recorded {_text(one.recorded)}, now {_text(one.now)}")
    print(json.dumps(_line(found), ensure_ascii=False))
    if found.differences:
        raise typer.Exit(DIFFERS)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _line(found: Replayed) -> dict[str, str | bool | list[str] | None]:
    row = found.row
    known_at: datetime = row.known_at
    return {
        "decision_id": str(row.id),
        "date": row.date.isoformat(),
        "known_at": known_at.isoformat(),
        "digest": row.digest,
        "action": row.action,
        "stage": row.stage_key,
        "by": row.rule,
        "fired": list(row.fired),
        "sentence": found.told.sentence if found.told else row.sentence,
        "same": not found.differences,
    }
