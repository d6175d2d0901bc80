"""The compiled decision statement over a million metric rows beside a count that reads the same columns.

Run: python -m tests.performance.bench_nightly_decisions [rows]. Prints one JSON line; the bar is 5 times the count.
"""

import json
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from deploy.local.postgres import Credentials, Postgres, Server
from deploy.local.processes import free_port
from models.queries.decisions import decision_query
from rules.rulesets.metrics import MetricKey
from rules.rulesets.ruleset import parse_ruleset

ROUNDS = 5


def leaf(name: str, **params: Any) -> dict[str, Any]:
    return {"type": name, "params": params}


ABSENT = [leaf("AbsenceCountThreshold", count=count, window=30) for count in (3, 5, 8, 12)]
PERCENT = [leaf("AttendancePercentThreshold", below=below) for below in (92, 90, 85, 80)]
EIGHT_RULES = parse_ruleset(
    {
        "key": "bench",
        "title": "Eight rules",
        "entry": {"any": [ABSENT[1], PERCENT[1], leaf("ConsecutiveAbsenceDays", n=3)]},
        "stages": [
            {"key": "contact", "type": "CONTACT", "when": {"any": [ABSENT[0], PERCENT[0]]}},
            {"key": "letter-1", "type": "LETTER", "template": "L1", "when": {"any": [ABSENT[1], PERCENT[1]]}},
            {"key": "letter-2", "type": "LETTER", "template": "L2", "when": {"any": [ABSENT[2], PERCENT[2]]}},
            {"key": "meeting", "type": "MEETING", "when": {"all": [ABSENT[2], PERCENT[2]]}},
            {"key": "escalation", "type": "ESCALATION", "when": {"any": [ABSENT[3], PERCENT[3]]}},
        ],
        "escalate": [{"key": "sudden", "when": leaf("ConsecutiveAbsenceDays", n=8), "to": "meeting"}],
        "stop": [
            {"key": "back", "when": {"not": leaf("AbsenceCountThreshold", count=0.5, window=20, unit="SCHOOL")}},
            {
                "key": "punctual",
                "when": {"all": [{"not": PERCENT[0]}, {"not": leaf("TardyCountThreshold", count=5, window=20)}]},
            },
        ],
    }
)


def fill(connection: Connection, columns: dict[MetricKey, str], rows: int) -> None:
    """Metric rows as the nightly statement gives them; two in a hundred values are unknown."""
    listed = ", ".join(f"{name} int" for name in columns.values())
    drawn = ", ".join(f"case when random() > 0.02 then {_value(key)} end" for key in columns)
    connection.execute(f"create unlogged table metric_row (student int, {listed})".encode())
    connection.execute(f"insert into metric_row select n, {drawn} from generate_series(1, {rows}) n".encode())
    connection.execute("vacuum analyze metric_row")


def _value(key: MetricKey) -> str:
    most = {"possible_sessions": 180, "attended_sessions": 180, "possible_days": 90, "counted_sessions": 180}
    low = 140 if key.measure == "attended_sessions" else 0
    return f"{low} + floor(random() * {most.get(str(key.measure), 25) - low})::int"


def timed(connection: Connection, statement: str) -> float:
    began = time.perf_counter()
    connection.execute(statement.encode()).fetchall()
    return time.perf_counter() - began


def measured(connection: Connection, rows: int) -> dict[str, Any]:
    """Median of alternating rounds."""
    columns = {key: f"m{n}" for n, key in enumerate(EIGHT_RULES.metric_keys())}
    fill(connection, columns, rows)
    source = "select * from metric_row"
    plain = decision_query(EIGHT_RULES, source, columns, bitmaps=False).sql
    mapped = decision_query(EIGHT_RULES, source, columns).sql
    statements = {
        "count": f"select {', '.join(f'count({name})' for name in columns.values())} from metric_row",
        "decisions": f"select count(*) filter (where entry), sum(fired) from ({plain}) q",
        "with_bitmaps": f"select sum(fired), max(leaves_true), max(leaves_known) from ({mapped}) q",
    }
    taken: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(ROUNDS):
        for name, statement in statements.items():
            taken[name].append(timed(connection, statement))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    ratios = {f"{name}_ratio": round(medians[name] / medians["count"], 2) for name in ("decisions", "with_bitmaps")}
    seconds = {f"{name}_seconds": round(value, 3) for name, value in medians.items()}
    return {"rows": rows, "metrics": len(columns), **seconds, **ratios, "bar": 5}


def main(rows: int) -> None:
    """On a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Server(free_port(), Credentials(*(secrets.token_hex(8) for _ in range(3))))
        postgres = Postgres(folder / "postgres", server)
        postgres.initialise()
        postgres.start()
        try:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                print(json.dumps(measured(connection, rows)))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
