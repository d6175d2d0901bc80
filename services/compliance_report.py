"""The compliance report as a document: short answers first, then the tables behind them."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from letters.chronology import Fact
from letters.report import Report, Section
from rules.letters.wording import NBSP, said_date
from services.audit_verification import ChainReport
from services.compliance import Compliance, Owed, Tally

LANGUAGE: Final = "en"
MOST: Final = 150  # rows of a list; all of them are in the CSV
MOST_FAULTS: Final = 30


def report(made: Compliance, house: str, zone: ZoneInfo) -> Report:
    """What a governor or auditor reads; it names staff and cases, no student."""
    wanted = made.wanted
    facts = [
        Fact("Period", f"{said_date(wanted.first, LANGUAGE)} to {said_date(wanted.last, LANGUAGE)}"),
        Fact("Done", _counted(len(made.done), len(made.late), "after its due day")),
        Fact("Open now", _counted(len(made.open), len(made.overdue), "overdue")),
        Fact("Audit trail", _trail(made.chain)),
    ]
    return Report(
        title="Compliance report",
        house=house,
        reference=f"Compliance {wanted.first} to {wanted.last}",
        prepared_on=made.prepared_at.astimezone(zone).date(),
        facts=facts,
        sections=[*_done(made), *_lists(made), _chain(made.chain)],
    )


def _counted(many: int, late: int, word: str) -> str:
    return f"{many}, {late or 'none'} of them {word}" if many else "nothing"


def _trail(chain: ChainReport | None) -> str:
    if chain is None:
        return "not verified for this report"
    if not chain.whole:
        return f"NOT as it was sealed: {len(chain.findings)} faults, listed at the end"
    lost = "".join(
        f"; entries {one.agrees_to + 1} to {one.lost_last} lost with a restore that was acknowledged"
        for one in chain.restores
    )
    waiting = chain.unsealed or "none"
    return f"as it was sealed: {chain.checked} entries in one chain, {waiting} waiting for a seal{lost}"


def _done(made: Compliance) -> list[Section]:
    nothing = "Nothing was decided or done in this period."
    how = "Days run from the day a step was proposed, or a task opened, to the day it was decided on or done."
    return [
        Section("What was done, and within which time", (how,), _columns("What"), _tallies(made.by_kind()), nothing),
        Section("By whom", (), _columns("Who"), _tallies(made.by_person()), nothing),
    ]


def _columns(first: str) -> tuple[str, ...]:
    return (first, "Done", "In time", "Late", "No due day", f"Median{NBSP}days")


def _tallies(tallies: Sequence[Tally]) -> list[tuple[str, ...]]:
    return [
        (
            one.name,
            str(one.done),
            str(one.done - one.late - one.without_due),
            str(one.late),
            str(one.without_due),
            f"{one.median_days:g}",
        )
        for one in tallies
    ]


def _lists(made: Compliance) -> list[Section]:
    overdue = {id(one) for one in made.overdue}
    others = [one for one in made.open if id(one) not in overdue]
    return [
        _listed("Still open", [*made.overdue, *others], "Nothing is open.", done=False),
        _listed("Done after the due day", made.late, "Nothing was done late.", done=True),
    ]


def _listed(heading: str, owed: Sequence[Owed], nothing: str, *, done: bool) -> Section:
    columns = ("What", "School", "By" if done else "With", "Due", "Late by", "Case")
    rows = [
        (
            one.what,
            one.school,
            one.who or (one.role.replace("_", " ") or "nobody yet"),
            said_date(one.due_on, LANGUAGE) if one.due_on else "-",
            f"{one.late_by}{NBSP}{'day' if one.late_by == 1 else 'days'}" if one.late_by else "-",
            str(one.instance_id)[-8:] if one.instance_id else "-",
        )
        for one in owed[:MOST]
    ]
    more = len(owed) - len(rows)
    said = (f"{more} more are in the CSV of this report.",) if more else ()
    return Section(heading, said, columns, rows, nothing)


def _chain(chain: ChainReport | None) -> Section:
    if chain is None:
        return Section("Audit trail", ("The chain of the audit trail was not verified for this report.",))
    checked = f"{chain.checked} sealed entries were checked against their chain"
    head = f"The last one is at position {chain.head.position}, hash {chain.head.hash[:16]}."
    said = [
        f"{checked} and {chain.anchors} anchors in write-once storage. {head}",
        f"{chain.unsealed or 'No'} entries wait for their seal.",
    ]
    if chain.oldest_unsealed is not None:
        said[1] += f" The oldest has waited since {chain.oldest_unsealed:%Y-%m-%d %H:%M} UTC."
    rows = [
        (one.fault.value, str(one.position or "-"), str(one.entry_id or "-")) for one in chain.findings[:MOST_FAULTS]
    ]
    more = len(chain.findings) - len(rows)
    if more:
        said.append(f"{more} more faults are in the CSV of this report.")
    return Section("Audit trail", said, ("Fault", "Position", "Entry"), rows, "Nothing in it was touched.")
