"""`evaluate` says exactly what the slow, independent oracle says: byte for byte, on shared and on fresh districts."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bulk.evaluation import Mode
from cli.evaluate import command
from tests.shared_data import needs_shared, shared

pytestmark = needs_shared
FILES = ("summaries.csv", "decisions.csv", "issues.csv")
SEED = int(os.environ.get("HANDRAIL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


def oracle(data: Path, out: Path, *options: str) -> None:
    program = [sys.executable, str(shared("tools", "oracle.py")), "--data", str(data), "--out", str(out), *options]
    subprocess.run(program, check=True, capture_output=True)


def generated(folder: Path, *options: str) -> Path:
    print(f"HANDRAIL_SEED={SEED}")
    program = [sys.executable, str(shared("tools", "gen.py")), "--out", str(folder), "--seed", str(SEED), *options]
    subprocess.run(program, check=True, capture_output=True)
    return folder


def assert_same(data: Path, tmp_path: Path, mode: Mode, *options: str, students: str | None = None) -> None:
    chosen = ["--students", students] if students else []
    oracle(data, tmp_path / "oracle", "--mode", mode, *chosen, *options)
    command(data, tmp_path / "ours", mode=mode, students=students)
    for name in FILES:
        assert (tmp_path / "ours" / name).read_bytes() == (tmp_path / "oracle" / name).read_bytes(), name


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("folder", ["planted", "nasty/canon"])
def test_the_shared_cases_come_out_as_the_oracle_says(folder: str, mode: Mode, tmp_path: Path) -> None:
    assert_same(shared("data", *folder.split("/")), tmp_path, mode)


@pytest.mark.parametrize("folder", ["edfi", "oea"])
def test_the_real_world_districts_come_out_as_their_published_answers(folder: str, tmp_path: Path) -> None:
    data = shared("data", folder, "canonical")
    command(data, tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (data / "expected" / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("folder", ["edfi", "oea"])
def test_the_real_world_districts_come_out_as_the_oracle_says(folder: str, mode: Mode, tmp_path: Path) -> None:
    assert_same(shared("data", folder, "canonical"), tmp_path, mode)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("country", [(), ("--country", "US", "--marks", "exceptions")], ids=["uk", "us"])
def test_a_fresh_dirty_school_comes_out_as_the_oracle_says(
    country: tuple[str, ...], mode: Mode, tmp_path: Path
) -> None:
    data = generated(tmp_path / "data", "--students", "25", "--dirty", "0.01", *country)
    assert_same(data, tmp_path, mode)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", Mode)
def test_a_fresh_district_of_3000_comes_out_as_the_oracle_says_for_a_sample(mode: Mode, tmp_path: Path) -> None:
    data = generated(tmp_path / "data", "--students", "3000", "--dirty", "0.002", "--plant", "3")
    ids = [line.split(",")[0] for line in (data / "students.csv").read_text(encoding="utf-8").splitlines()[1:]]
    sample = random.Random(SEED).sample(ids, 60)
    assert_same(data, tmp_path, mode, students=",".join(sample))
    assert_same(data / "planted", tmp_path / "planted", mode)


def test_as_of_and_known_at_cut_as_the_oracle_cuts(tmp_path: Path) -> None:
    data = shared("data", "planted")
    oracle(data, tmp_path / "oracle", "--as-of", "2024-12-10", "--known-at", "2024-12-09T12:00:00Z")
    command(data, tmp_path / "ours", as_of="2024-12-10", known_at="2024-12-09T12:00:00Z")
    for name in FILES:
        assert (tmp_path / "ours" / name).read_bytes() == (tmp_path / "oracle" / name).read_bytes(), name
