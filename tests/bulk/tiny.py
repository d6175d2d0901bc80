"""Tiny districts with everything that can go wrong in them, from a source of randomness."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

FIRST = date(2024, 7, 22)
CODES = ["/", "\\", "L", "I", "O", "U", "N", "X", "-", "", " I ", "zz", "M", 'Excused, "late"']
ZONE = UTC


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def day(random: Random, days: int = 30) -> date:
    return FIRST + timedelta(days=random.randrange(days))


def district(folder: Path, random: Random, days: int = 30, most_marks: int = 160) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    schools = ["S1", "S2"]
    write(
        folder,
        "schools",
        [
            {
                "school_id": school,
                "name": school,
                "code_set": "UK",
                "missing_mark_policy": random.choice(["EXCLUDE", "PRESENT"]),
                "sessions_per_day": random.choice([1, 2]),
                "year_start": random.choice(["08-01", ""]),
                "day_basis": random.choice(["", "DAYS_50PCT"]),
            }
            for school in schools
        ],
    )
    slots = [
        (school, FIRST + timedelta(days=n), half) for school in schools for n in range(days) for half in ("AM", "PM")
    ]
    kept = [slot for slot in slots if random.random() < 0.7] or slots[:1]
    names = ("school_id", "date", "session")
    write(folder, "calendar", [dict(zip(names, slot, strict=True)) for slot in kept])
    write(folder, "enrolments", [span(random, days) for _ in range(5)])
    write(folder, "marks", [mark(random, number, days) for number in range(random.randrange(1, most_marks))])
    write(folder, "student_merges", [{"old_id": "c", "new_id": "a"}, {"old_id": "d", "new_id": "c"}])
    return folder


def span(random: Random, days: int) -> dict[str, object]:
    return {
        "student_id": random.choice("abd"),
        "school_id": random.choice(["S1", "S2"]),
        "start_date": random.choice([FIRST, day(random, days)]),
        "end_date": random.choice(["", day(random, days)]),
        "attends": random.choice(["AM|PM", "AM|PM", "AM", "PM", ""]),
    }


def mark(random: Random, number: int, days: int) -> dict[str, object]:
    on = day(random, days)
    at = datetime(on.year, on.month, on.day, random.choice([8, 9]), tzinfo=ZONE) + timedelta(
        days=random.randrange(-1, 5)
    )
    return {
        "mark_id": number,
        "student_id": random.choice("abcde"),
        "school_id": random.choice(["S1", "S2"]),
        "date": on,
        "session": random.choice(["AM", "PM", "AM", "PM", "DAY"]),
        "code": random.choice(CODES),
        "recorded_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "register": random.choice(["", "", "maths"]),
        "deleted": random.choice(["0", "0", "0", "1"]),
        "minutes_missed": random.choice(["", "", "0", "20", "45", "200", "360"]),
    }
