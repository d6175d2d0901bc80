"""Puts a canary into every text of every row about a student, and looks for canaries in everything that is stored."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CheckConstraint, Column, Table
from temporalio.client import Client

from deploy.local.postgres import Server, binaries
from models.base import Base
from orchestration.handles import CaseAddress
from tests.servers.kinds import Store

WORD: Final = "Canaryword of Zebulon"
PATTERN: Final = re.compile(rb"canary|zebulon", re.IGNORECASE)
# How a row is about the student; `alone` are guardians of nobody else, `accounts` the persons they and the child are.
ABOUT: Final = {
    "student_id": "student_id = any(%(mine)s)",
    "instance_id": "instance_id = any(%(walks)s)",
    "meeting_id": "meeting_id in (select id from meeting where student_id = any(%(mine)s))",
    "message_id": "message_id in (select id from message where student_id = any(%(mine)s))",
    "guardian_id": "guardian_id = any(%(alone)s)",
}
ALSO: Final = {
    "student": "id = any(%(mine)s)",
    "guardian": "id = any(%(alone)s)",
    "person": "id = any(%(accounts)s)",
    "person_identity": "person_id = any(%(accounts)s)",
    "contact_stop": "subject_id = any(%(mine)s || %(alone)s)",
    "outbox": "kind <> 'event' and subject = any(array(select unnest(%(walks)s)::text))",
}
# Texts that rules, code or the machine choose: nobody types them, so no name can stand in them.
_CODES: Final = """
    amendment_request.regime disclosure.party disclosure.purpose disclosure.request_id
    care_flag.kind contact_stop.reason_code exemption.kind guardian_link.order_kind kinship.relation
    duty.cite duty.closed_role duty.digest duty.duty_key duty.event duty.metrics duty.report_to
    duty.rule_set_key duty.title
    entry_state.digest entry_state.rule_set_key evaluation.decision evaluation.digest evaluation.leaves_known
    evaluation.leaves_true evaluation.metrics evaluation.facts
    decision.action decision.digest decision.facts decision.fired decision.held_back decision.leaves
    decision.leaves_known decision.leaves_true decision.metrics decision.position decision.rule decision.sentence
    decision.spans decision.stage_key
    late_trip.digest late_trip.metrics late_trip.rule_set_key
    shadow_difference.change shadow_difference.metrics
    evidence_pack.engine evidence_pack.parts evidence_pack.register_digest evidence_pack.register_until
    evidence_pack.sha256 evidence_pack.storage_path evidence_pack.stored_sha256
    event.actor_role event.dedupe_key event.stage_key event.stage_type event.type
    escalation.effect_key escalation.stage_key
    instance.digest instance.rule_set_key instance.school_year instance.stage_key instance.stage_type
    instance.workflow_id
    letter_artifact.effect_key letter_artifact.engine letter_artifact.language letter_artifact.sha256
    letter_artifact.stage_key letter_artifact.storage_path letter_artifact.stored_sha256
    mark.code mark.mark_id mark.row_key mark.source mark.register meeting.effect_key meeting.ics_uid meeting.mode
    meeting.stage_key message.channel message.dedupe_key message.kind message.stage_key message.withheld_reason
    message_attempt.provider
    proposal.approval proposal.decided_role proposal.kind proposal.stage_key proposal.stage_type
    pointer.token_hash pointer_visit.code_hash pointer_visit.value_hash
    outbox.kind outbox.subject session_fact.code
    student.year_group student_attribute.kind student_key.record_class student_key.tenant_key_id
    referral.effect_key referral.stage_key
    support_plan.effect_key support_plan.stage_key
    summary.am_code summary.pm_code summary.am_status summary.pm_status
    student_view.actor_display student_view.actor_role student_view.operation student_view.request_id
    task.dedupe_key task.kind task.role incident.recalled transfer.chosen_role year_end.chosen_role
    year_end.summary
"""
CODES: Final = frozenset(_CODES.split())


def plant(connection: psycopg.Connection[Any], mine: UUID, alone: list[UUID], accounts: list[UUID]) -> list[str]:
    """Write the canary into every text about the student that somebody may have typed; the columns, by name."""
    walks = [row[0] for row in connection.execute("select id from instance where student_id = %s", [mine]).fetchall()]
    known = {"mine": [mine], "alone": alone, "accounts": accounts, "walks": walks}
    planted = []
    for table in Base.metadata.sorted_tables:
        where = ALSO.get(table.name) or next((ABOUT[name] for name in ABOUT if name in table.columns), None)
        if where is None or table.name.startswith("audit_"):
            continue
        for column in _typed(table):
            changed = connection.execute(_statement(table, column, where), known | {"word": _word(column)}).rowcount
            if changed > 0:
                planted.append(f"{table.name}.{column.name}")
    return planted


def _statement(table: Table, column: Column[Any], where: str) -> sql.Composed:
    value = sql.SQL("%(word)s || id" if column.name in {"source_id", "subject"} else "%(word)s")
    set_to = sql.SQL("update {} set {} = ").format(sql.Identifier(table.name), sql.Identifier(column.name))
    return set_to + value + sql.SQL(" where " + where)


def _word(column: Column[Any]) -> Any:
    if not isinstance(column.type, JSONB):
        return WORD
    listed = column.server_default is not None and "[]" in str(getattr(column.server_default, "arg", ""))
    return Jsonb([WORD] if listed else {"said": WORD, "merge": {"name": WORD}, "count": 3})


def _typed(table: Table) -> Iterator[Column[Any]]:
    held = {
        name
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
        for name in re.findall(r"^(\w+) in ", str(constraint.sqltext))
    }
    for column in table.columns:
        if (
            isinstance(column.type, String | JSONB)
            and column.name not in held
            and f"{table.name}.{column.name}" not in CODES
        ):
            yield column


async def running(client: Client, address: CaseAddress) -> str:
    """The id of a case whose history holds somebody's words; no worker needs to take it on."""
    queue = f"nobody-{uuid4()}"
    await client.start_workflow("StudentIntervention", {"words": WORD}, id=address.workflow_id, task_queue=queue)
    return address.workflow_id


def dumped(postgres: Server, database: str) -> bytes:
    """The whole database as pg_dump writes it, with bytes spelled out as well."""
    command = [str(binaries() / "pg_dump"), "--inserts", f"--dbname={postgres.dsn(database)}"]
    text = subprocess.run(command, check=True, capture_output=True).stdout
    spelled = [bytes.fromhex(found.decode()) for found in re.findall(rb"'\\x([0-9a-f]+)'", text)]
    return b"\n".join([text, *spelled])


def objects(store: Store) -> dict[str, bytes]:
    """Every object of the bucket, old versions too."""
    found = {}
    for page in store.client.get_paginator("list_object_versions").paginate(Bucket=store.bucket):
        for version in page.get("Versions", []):
            key, number = version["Key"], version["VersionId"]
            body = store.client.get_object(Bucket=store.bucket, Key=key, VersionId=number)["Body"]
            found[f"{key}@{number}"] = body.read()
    return found


def lines_with_canaries(dump: bytes) -> list[str]:
    """The lines that hold one: what a failing test shows."""
    found = ((line, PATTERN.search(line)) for line in dump.splitlines())
    return [f"{line[:60]!r} ... {line[max(at.start() - 300, 0) : at.end()]!r}" for line, at in found if at]
