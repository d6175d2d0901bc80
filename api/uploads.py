"""Uploaded registers: spooled to disk after the caller was let in, unpacked under our own names, imported."""

import asyncio
import hashlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from fastapi import Request, UploadFile
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as Spooled

from api.dependencies import ApiDependencies, Caller
from gateways.district_archive import unpack
from gateways.district_folder import Chunk, read_feed
from gateways.source_declaration import CANONICAL, SourceDeclaration, parse_declaration
from rules.errors import Invalid
from services import attendance_feed, people
from services import attendance_import as importing
from services.attendance_import import Imported, OpenImport

ZIP: Final = b"PK\x03\x04"
BLOCK: Final = 1024 * 1024
_FIELDS: Final[dict[str, Any]] = {
    "file": {"type": "string", "format": "binary", "description": "A zip of a district folder, or one CSV."},
    "as": {"type": "string", "enum": list(importing.ORDER), "description": "What one CSV holds."},
    "source": {"type": "string", "description": "JSON: how the source writes its files, as in SOURCE.json."},
    "resume": {"type": "string", "format": "uuid", "description": "Go on with an interrupted import of this file."},
}
FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": _FIELDS,
                },
                "examples": {"feed": {"value": {"file": "marks.csv", "as": "marks"}}},
            }
        },
    }
}


@dataclass(frozen=True)
class Upload:
    """What was sent: the file on disk in a folder of its own, and what it says of itself."""

    folder: Path
    path: Path
    name: str
    table: str | None
    source: SourceDeclaration
    fingerprint: str
    resume: UUID | None


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Upload]:
    """Read the form, keep its file in a folder that is gone afterwards."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="handrail-import-"))
    try:
        async with request.form(max_files=1, max_fields=4) as form:
            yield await _kept(form, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _kept(form: FormData, folder: Path) -> Upload:
    strangers = dict.fromkeys((f"body.{name}" for name in form.keys() - _FIELDS.keys()), "no such field")
    file = form.get("file")
    if strangers or not isinstance(file, Spooled | UploadFile):
        fields = strangers or {"body.file": "send a zip of a district folder, or one CSV"}
        raise Invalid("invalid_request", "The form does not have the documented shape.", fields=fields)
    path = folder / "upload"
    fingerprint = await asyncio.to_thread(_copied, file, path)
    table = _text(form, "as")
    zipped = await asyncio.to_thread(_is_zip, path)
    if not zipped and table not in importing.ORDER:
        raise Invalid("table_missing", "Say what the CSV holds.", fields={"body.as": ", ".join(importing.ORDER)})
    return Upload(
        folder,
        path,
        (file.filename or "upload")[:200],
        None if zipped else table,
        _declared(_text(form, "source")),
        fingerprint,
        _resumed(_text(form, "resume")),
    )


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) and value else None


def _copied(file: UploadFile | Spooled, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        while block := file.file.read(BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def _declared(text: str | None) -> SourceDeclaration:
    if text is None:
        return CANONICAL
    try:
        return parse_declaration(json.loads(text))
    except json.JSONDecodeError as error:
        raise Invalid("source_invalid", "The declaration is not JSON.", fields={"body.source": str(error)}) from error


def _resumed(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError as error:
        raise Invalid("invalid_request", "resume is not an id.", fields={"body.resume": "not an id"}) from error


async def imported(parts: ApiDependencies, caller: Caller, upload: Upload) -> Imported:
    """Import what was sent, as one run that can be resumed."""
    async with parts.sessions.tenant(caller.actor.tenant_id) as session:
        zone = await people.time_zone(session, caller.actor.tenant_id)
        if upload.source is not CANONICAL:
            kind = upload.table or "district"
            await attendance_feed.declare(session, caller.actor, kind, upload.source, now=caller.now)
    order = OpenImport(upload.table or "district", upload.name, upload.fingerprint, upload.resume, zone)
    feed = await asyncio.to_thread(_feed, upload, caller)
    return await importing.import_feed(parts.sessions, caller.actor, order, feed, now=caller.now)


def _feed(upload: Upload, caller: Caller) -> Iterator[Chunk]:
    if upload.table is not None:
        return read_feed(upload.path, upload.table, upload.source, received_at=caller.now, file=f"{upload.table}.csv")
    folder = upload.folder / "district"
    folder.mkdir()
    with upload.path.open("rb") as archive:
        unpack(archive, folder, importing.ORDER)
    return importing.district_feed(folder, upload.source, received_at=caller.now)
