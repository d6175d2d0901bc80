"""Everything of a tenant as one zip: tables as CSV, audit values opened, documents as PDF, and a manifest with hashes.

Streamed: memory holds one document or some hundred rows. What was erased stays erased; keys and secrets stay here.
"""

import hashlib
import json
import zipfile
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import WrongKey
from models.audit import AuditDetail
from models.letters import LetterArtifact
from models.queries.tenant_export import columns_of, exported_tables, rows_of
from models.tenants import Tenant
from rules.csv_lines import line
from rules.errors import Conflict, NotFound
from services import artifacts, audit
from services.audit import Act
from services.context import Actor
from services.means import Means

WHY: Final = "export of the tenant"
TAKEN_OUT: Final = "finish_tenant_export"
README: Final = "See manifest.json: every file with its SHA-256, and what could not be taken out with the reason.\n"


class _Pipe:
    """What the zip writes to: bytes wait here until they are handed on."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._waiting.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing to do: what was written is there."""

    def close(self) -> None:
        """Nothing to do: what was written is still handed on."""

    def taken(self) -> bytes:
        """Everything written since the last time."""
        part, self._waiting = b"".join(self._waiting), []
        return part


class Archive:
    """A zip under way and the list of what is in it."""

    def __init__(self, made_at: datetime) -> None:
        self._pipe = _Pipe()
        self._zip = zipfile.ZipFile(self._pipe, "w", zipfile.ZIP_DEFLATED)
        self._at = made_at.timetuple()[:6]
        self.files: list[dict[str, Any]] = []
        self.missing: list[dict[str, str]] = []

    async def add(self, name: str, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """One file from its parts; what the zip has ready is handed on as it comes."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(zipfile.ZipInfo(name, self._at), "w", force_zip64=True) as entry:
            async for part in parts:
                entry.write(part)
                digest.update(part)
                size += len(part)
                yield self._pipe.taken()
        self.files.append({"name": name, "sha256": digest.hexdigest(), "bytes": size})
        yield self._pipe.taken()

    def end(self) -> bytes:
        """The end of the zip."""
        self._zip.close()
        return self._pipe.taken()


async def exported(means: Means, actor: Actor, *, now: datetime) -> AsyncIterator[bytes]:
    """The tenant's zip, piece by piece; the audit says that it began, and its SHA-256 once the last piece was taken."""
    digest, size = hashlib.sha256(), 0
    async for piece in _pieces(means, actor, now=now):
        digest.update(piece)
        size += len(piece)
        yield piece
    async with means.sessions.tenant(actor.tenant_id) as session:
        told = {"sha256": digest.hexdigest(), "bytes": size}
        await audit.record(session, actor, Act(TAKEN_OUT, "tenant", actor.tenant_id, after=told), now=now)


async def _pieces(means: Means, actor: Actor, *, now: datetime) -> AsyncIterator[bytes]:
    async with means.sessions.tenant(actor.tenant_id) as session:
        tenant = await session.get_one(Tenant, actor.tenant_id)
        about = {"id": str(tenant.id), "key": tenant.key, "name": tenant.name, "settings": tenant.settings}
        await audit.record(session, actor, Act("export_tenant", "tenant", tenant.id), now=now)
    archive = Archive(now)
    async for piece in archive.add("README.txt", _whole(README.encode())):
        yield piece
    async for piece in archive.add("tenant.json", _whole(_json(about))):
        yield piece
    async with means.sessions.tenant(actor.tenant_id) as session:
        for table in exported_tables():
            async for piece in archive.add(f"tables/{table.name}.csv", _table(session, table)):
                yield piece
        async for piece in archive.add("audit_details.jsonl", _details(session, actor)):
            yield piece
    async for piece in _documents(means, actor, archive, now):
        yield piece
    manifest = {"made_at": now.isoformat(), "tenant": about["key"], "files": archive.files, "missing": archive.missing}
    async for piece in archive.add("manifest.json", _whole(_json(manifest))):
        yield piece
    yield archive.end()


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n").encode()


async def _table(session: AsyncSession, table: Table) -> AsyncIterator[bytes]:
    yield line(column.name for column in columns_of(table)).encode()
    async for rows in rows_of(session, table):
        yield "".join(line(_cells(row)) for row in rows).encode()


def _cells(row: Iterable[Any]) -> list[object]:
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value for value in row]


async def _details(session: AsyncSession, actor: Actor) -> AsyncIterator[bytes]:
    """The values before and after of every audit entry, one JSON object a line; erased ones say so."""
    for row in await session.scalars(select(AuditDetail).order_by(AuditDetail.id)):
        said = await audit.opened(session, actor.tenant_id, row)
        values = {"erased": True} if said is None else {"before": said.before, "after": said.after}
        yield (json.dumps({"id": str(row.id), **values}, ensure_ascii=False, default=str) + "\n").encode()


async def _documents(means: Means, actor: Actor, archive: Archive, now: datetime) -> AsyncIterator[bytes]:
    async with means.sessions.tenant(actor.tenant_id) as session:
        ids = (await session.scalars(select(LetterArtifact.id).order_by(LetterArtifact.id))).all()
    for artifact_id in ids:
        try:
            content = await artifacts.content(means, actor, artifact_id, now=now, why=WHY)
        except (Conflict, NotFound, WrongKey) as closed:
            archive.missing.append({"document": str(artifact_id), "problem": str(closed)})
            continue
        async for piece in archive.add(f"documents/{artifact_id}.pdf", _whole(content)):
            yield piece


def named(tenant_id: UUID) -> str:
    """The file's name."""
    return f"handrail-{tenant_id}.zip"
