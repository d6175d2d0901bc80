"""`handrail evaluate` on a million marks beside `pandas.read_csv`, each a whole process, median of three."""

import json
import resource
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

STUDENTS, DAYS, RUNS, BAR = 2_640, 190, 3, 6.0
CODES = "/" * 180 + "IIIIIIIMCLLLOOU"


def district(folder: Path) -> int:
    """One large year: every student has a mark for each half day."""
    random = Random(1)
    days = [date(2024, 9, 2) + timedelta(days=n) for n in range(2 * DAYS)]
    days = [day for day in days if day.weekday() < 5][:DAYS]
    schools = [f"S{n}" for n in range(4)]
    header = "school_id,name,code_set,missing_mark_policy,sessions_per_day,year_start,day_basis"
    _write(folder / "schools.csv", header, [f"{school},{school},UK,EXCLUDE,2,08-01," for school in schools])
    slots = [f"{school},{day},{half}" for school in schools for day in days for half in ("AM", "PM")]
    _write(folder / "calendar.csv", "school_id,date,session", slots)
    pairs = [(f"{schools[n % 4]}-{n:05}", schools[n % 4]) for n in range(STUDENTS)]
    spans = [f"{student},{school},{days[0]},,AM|PM" for student, school in pairs]
    _write(folder / "enrolments.csv", "student_id,school_id,start_date,end_date,attends", spans)
    marks = [
        f"{n},{student},{school},{day},{half},{random.choice(CODES)},{day}T{at}:00Z,,0"
        for n, (student, school) in enumerate(pairs)
        for day in days
        for half, at in (("AM", "09:15"), ("PM", "13:30"))
    ]
    _write(folder / "marks.csv", "mark_id,student_id,school_id,date,session,code,recorded_at,register,deleted", marks)
    return len(marks)


def _write(file: Path, header: str, rows: list[str]) -> None:
    file.write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def seconds(*program: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *program], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        marks = district(folder)
        read = f"import pandas; pandas.read_csv({str(folder / 'marks.csv')!r}, dtype=str)"
        ours = f"import cli; cli.main(['evaluate', '--data', {place!r}, '--out', {str(folder / 'out')!r}])"
        times = [(seconds("-c", read), seconds("-c", ours)) for _ in range(RUNS)]
    baseline, measured = (statistics.median(column) for column in zip(*times, strict=True))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    figures = {
        "bench": "evaluate",
        "marks": marks,
        "seconds": round(measured, 2),
        "baseline_seconds": round(baseline, 2),
    }
    ratio = {"ratio": round(measured / baseline, 2), "bar": BAR, "peak_mb": peak}
    print(json.dumps(figures | ratio))


if __name__ == "__main__":
    main()
