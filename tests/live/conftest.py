"""One live stack for the whole run: started once, shared by every module of this folder."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from api.app import create_app
from deploy.local.bucket import ensure_bucket
from deploy.local.postgres import Server
from deploy.local.storage import StorePlan
from tests.api.district import District, settle
from tests.live.stack import Loop, Servers, product
from tests.live.town import BY_POST, LEAVING, ORDINARY, Town, in_force, ladder, settle_in, today
from tests.servers.kinds import MailServer, Store, TemporalDev
from tests.servers.template import cloned

AWAY, AWAY_AT_ELM, POSTED, LEAVERS, CALM = 48, 2, 2, 6, 4


def pupils() -> tuple[dict[str, str], dict[str, str]]:
    """Names and years of those who have been away, and of those nobody worries about."""
    away = {f"away{n}": ORDINARY for n in range(AWAY)} | {f"elm{n}": ORDINARY for n in range(AWAY_AT_ELM)}
    away |= {f"post{n}": BY_POST for n in range(POSTED)} | {f"leaver{n}": LEAVING for n in range(LEAVERS)}
    return away, {f"calm{n}": "6" for n in range(CALM)}


@pytest.fixture(scope="session")
def town(postgres: Server, s3_server: StorePlan, temporal_dev: TemporalDev) -> Iterator[Town]:
    store, mail = Store(s3_server, f"live-{secrets.token_hex(6)}"), MailServer().start()
    ensure_bucket(store.client, store.bucket)
    loop = Loop()
    with cloned(postgres) as database:
        running = product(Servers(database, temporal_dev, store, mail))
        parts = loop.run(running.__aenter__())
        try:
            began = today() - timedelta(days=90)
            ours = loop.run(settle(parts.sessions, f"ours-{uuid4().hex[:6]}", today(), began))
            theirs = loop.run(settle(parts.sessions, f"theirs-{uuid4().hex[:6]}", today(), began))
            district = District(create_app(parts), parts.sessions, loop, ours, theirs)
            yield peopled(Town(district, database.owner_dsn))
        finally:
            loop.run(running.__aexit__(None, None, None))
            mail.stop()
            loop.close()


def peopled(town: Town) -> Town:
    """Students, rules in force, and a register by which the first step of everybody away waits."""
    away, calm = pupils()
    town.district.run(settle_in(town.district, away | calm))
    town.take_schools()
    town.rules = in_force(town, ladder())
    town.take_register(away, calm)
    return town
