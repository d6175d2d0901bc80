"""Finds the shared specification data beside the repository; tests that need it are skipped where it is absent."""

from pathlib import Path

import pytest


def _find() -> Path | None:
    for parent in Path(__file__).resolve().parents:
        if (parent / "shared" / "design").is_dir():
            return parent / "shared"
    return None


SHARED: Path | None = _find()

needs_shared = pytest.mark.skipif(SHARED is None, reason="no shared/design folder above the repository")


def shared(*parts: str) -> Path:
    """A path inside the shared folder; skips the calling test where the folder is absent."""
    if SHARED is None:
        pytest.skip("no shared/design folder above the repository")
    return SHARED.joinpath(*parts)
