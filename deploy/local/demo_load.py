"""Generates the demo district once and loads it: `python -m deploy.local.demo_load`, a step of `up --demo`, idempotent.

A process of its own, so that the supervisor stays small. The last line of its output is for the person who waits.
"""

import asyncio
import os
import shutil
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.local.demo_district import DEFAULT_STUDENTS, generate
from gateways.keyring import MasterKeyRing
from models.session import Sessions, engine_for
from rules.errors import DomainError
from rules.ids import TenantId
from services import demo
from services.audit_keys import sessions_with
from services.demo import LoadDemo, Standing
from settings import Settings, parse_keys, secret

ZONE = ZoneInfo("Europe/London")
# In the environment, because the step is told everything there; `handrail demo --once` sets them.
STUDENTS, SEED, TODAY, UNDO_SECONDS, WAIT = "DEMO_STUDENTS", "DEMO_SEED", "DEMO_TODAY", "DEMO_UNDO", "DEMO_WAIT"
DEFAULT_SEED = 1
DEFAULT_WAIT = 90.0
PAUSE = 0.5


def district_folder(data_dir: Path) -> Path:
    """Where the generated district lies; a complete one is never written again."""
    return data_dir / "demo"


def ensure_district(data_dir: Path, *, anew: bool) -> Path:
    """The district's folder, generated now where there is none, or `anew` where it no longer belongs to any tenant."""
    place = district_folder(data_dir)
    if anew:
        shutil.rmtree(place, ignore_errors=True)
    if not place.exists():
        making = data_dir / "demo.new"
        shutil.rmtree(making, ignore_errors=True)  # left by a kill in the middle of writing
        told = os.environ
        generate(
            making,
            today=date.fromisoformat(told[TODAY]) if TODAY in told else datetime.now(ZONE).date(),
            students=int(told.get(STUDENTS, DEFAULT_STUDENTS)),
            seed=int(told.get(SEED, DEFAULT_SEED)),
        )
        making.rename(place)
    return place


async def load() -> str:
    """Load what is missing, wait for the first queue, and say where the demo stands."""
    settings = Settings.load(attach=False).require("database_url", "master_keys")
    assert settings.master_keys is not None
    masters = parse_keys(settings.master_keys)
    engine = engine_for(secret(settings.database_url), pool_size=2)
    try:
        sessions = sessions_with(engine, MasterKeyRing(masters, next(iter(masters))))
        known = await demo.find(sessions)
        if known is not None and demo.is_loaded(known):
            return _sentence(await _settled(sessions, TenantId(known.id), 0))
        folder = ensure_district(settings.data_dir, anew=known is None)
        undo = os.environ.get(UNDO_SECONDS)
        command = LoadDemo(folder, {"ladder": {"undo_seconds": int(undo)}} if undo else {})
        tenant_id = await demo.load(sessions, command, now=datetime.now(UTC), tell=_say)
        found = await _settled(sessions, tenant_id, float(os.environ.get(WAIT, DEFAULT_WAIT)))
    finally:
        await engine.dispose()
    return _sentence(found)


async def _settled(sessions: Sessions, tenant_id: TenantId, patience: float) -> Standing:
    """Wait until the first evaluation is through; after `patience` it goes on by itself."""
    end = time.monotonic() + patience
    while True:
        async with sessions.tenant(tenant_id) as session:
            found = await demo.standing(session)
        if found.settled or time.monotonic() > end:
            return found
        await asyncio.sleep(PAUSE)


def _sentence(found: Standing) -> str:
    so_far = f"{found.students} students, {found.proposals} steps wait in the queue"
    return so_far if found.settled else f"{so_far}; the evaluation goes on in the background"


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    try:
        _say(asyncio.run(load()))
    except DomainError as refusal:
        _say(refusal.message)
        sys.exit(1)


if __name__ == "__main__":
    main()
