"""Import a district folder, or one file of a declared feed, into the database."""

import asyncio
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli._database import opened_on
from gateways.district_folder import Chunk, read_feed
from gateways.source_declaration import CANONICAL, SourceDeclaration, parse_declaration
from models.session import Sessions
from rules.errors import DomainError
from rules.ids import TenantId
from services import attendance_feed, tenants
from services import attendance_import as importing
from services.attendance_import import Imported, OpenImport
from services.context import Actor, system
from services.tenants import NewTenant
from settings import Settings

REFUSED = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line as given."""

    path: Path
    table: str | None
    source: Path | None
    tenant: str | None
    resume: UUID | None

    @property
    def files(self) -> list[Path]:
        return sorted(self.path.glob("*.csv")) if self.path.is_dir() else [self.path]


def command(
    path: Annotated[Path | None, typer.Argument(help="A district folder, or with --as one CSV file.")] = None,
    table: Annotated[str | None, typer.Option("--as", help="What one file holds: marks, calendar, ...")] = None,
    source: Annotated[Path | None, typer.Option(help="SOURCE.json: how the source writes its files.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant; made by its first district folder.")] = None,
    resume: Annotated[UUID | None, typer.Option(help="Go on with an interrupted import of the same files.")] = None,
    roll_back: Annotated[UUID | None, typer.Option(help="Take back the marks of this import.")] = None,
) -> None:
    """Import a district folder, or one file of a declared feed, into the database."""
    settings = Settings.load().require("database_url", "master_keys")
    try:
        if roll_back:
            gone = asyncio.run(_roll_back(settings, tenant, roll_back))
            print(json.dumps({"import_id": str(roll_back), "status": "ROLLED_BACK", "marks_removed": gone}))
        elif path is None or not path.exists():
            _refuse(f"{path or 'PATH'}: no such file or folder; give a district folder, or a file with --as.")
        elif path.is_dir() and not any((path / f"{name}.csv").exists() for name in importing.ORDER):
            _refuse(f"{path}: holds none of {', '.join(f'{name}.csv' for name in importing.ORDER)}.")
        elif path.is_file() and table not in importing.ORDER:
            _refuse(f"{path}: say what the file holds by --as, one of {', '.join(importing.ORDER)}.")
        else:
            report = asyncio.run(_import(settings, Wanted(path, table, source, tenant, resume)))
            _advise(report)
            print(json.dumps(_line(report)))
    except DomainError as error:
        _refuse(error.message)


def _refuse(message: str) -> None:
    print(message, file=sys.stderr)
    raise typer.Exit(REFUSED)


def _advise(report: Imported) -> None:
    """What a person should do about what came."""
    for kind, found in report.issues.items():
        print(f"{kind} ({found['count']}): {found['advice']}", file=sys.stderr)
    if report.quarantined:
        where = f"GET /api/v1/attendance/quarantine?import_id={report.import_id}"
        print(f"{report.quarantined} rows were not taken in; each says what to do: {where}", file=sys.stderr)


def _line(report: Imported) -> dict[str, Any]:
    return {
        "import_id": str(report.import_id),
        "status": report.status,
        "rows": report.rows_read,
        "accepted": report.accepted,
        "duplicate": report.duplicate,
        "quarantined": report.quarantined,
        "students_recomputed": report.students_recomputed,
        "counts": report.counts,
        "issues": {kind: found["count"] for kind, found in report.issues.items()},
    }


async def _roll_back(settings: Settings, tenant: str | None, import_id: UUID) -> int:
    sessions = opened_on(settings)
    try:
        async with sessions.untenanted() as session:
            found = await tenants.require(session, tenant)
        return await importing.roll_back(sessions, _actor(found.id), import_id, now=datetime.now(UTC))
    finally:
        await sessions.engine.dispose()


async def _import(settings: Settings, wanted: Wanted) -> Imported:
    sessions, now = opened_on(settings), datetime.now(UTC)
    try:
        async with sessions.untenanted() as session:
            found = await tenants.find(session, wanted.tenant)
            if found is None:
                wish = NewTenant(wanted.tenant or "district", wanted.path.resolve().name)
                found, _ = await tenants.establish(session, wish, str(uuid4()), now=now)
        actor = _actor(found.id)
        source = await _declaration(sessions, actor, wanted, now)
        order = OpenImport(
            wanted.table or "district", wanted.path.name, _fingerprint(wanted), wanted.resume, found.timezone
        )
        with _bar() as bar:
            task = bar.add_task("reading", total=_rows(wanted))
            return await importing.import_feed(
                sessions,
                actor,
                order,
                _feed(wanted, source, now),
                now=now,
                tell=lambda so_far: bar.update(task, completed=so_far.rows, description=so_far.step),
            )
    finally:
        await sessions.engine.dispose()


async def _declaration(sessions: Sessions, actor: Actor, wanted: Wanted, now: datetime) -> SourceDeclaration:
    if wanted.source is None:
        return CANONICAL
    source = parse_declaration(json.loads(wanted.source.read_text(encoding="utf-8")))
    async with sessions.tenant(actor.tenant_id) as session:
        await attendance_feed.declare(session, actor, wanted.table or "district", source, now=now)
    return source


def _feed(wanted: Wanted, source: SourceDeclaration, now: datetime) -> Iterator[Chunk]:
    if wanted.path.is_dir():
        return importing.district_feed(wanted.path, source, received_at=now)
    return read_feed(wanted.path, wanted.table or "marks", source, received_at=now)


def _actor(tenant_id: UUID) -> Actor:
    return system(TenantId(tenant_id), "cli", str(uuid4()))


def _fingerprint(wanted: Wanted) -> str:
    """The files' content: only the same files can be gone on with."""
    digest = hashlib.sha256()
    for file in wanted.files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _rows(wanted: Wanted) -> int:
    """About how many rows there are: line ends, the headers apart."""
    read = [file for file in wanted.files if wanted.path.is_file() or file.stem.startswith(importing.ORDER)]
    return sum(max(0, _line_ends(file) - 1) for file in read)


def _line_ends(file: Path) -> int:
    with file.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
