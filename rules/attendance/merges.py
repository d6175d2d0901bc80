"""Merged student ids: where the chain old -> new of each ends (attendance.md S3.7)."""

from collections.abc import Mapping


def chain_ends(merges: Mapping[str, str]) -> dict[str, str]:
    """For each merged id the id at the end of its chain; a cycle stops at the first repeat."""
    return {old: _end(merges, old) for old in merges}


def _end(merges: Mapping[str, str], student_id: str) -> str:
    seen: set[str] = set()
    while student_id in merges and student_id not in seen:
        seen.add(student_id)
        student_id = merges[student_id]
    return student_id
