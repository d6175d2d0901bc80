"""Writes result files all or none: into a hidden folder beside the target, then moved into place."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def publish(folder: Path, files: Mapping[str, Iterable[str]]) -> None:
    """Write every file as UTF-8 text exactly as given; on any failure the folder is left as it was."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".handrail-", dir=folder))
    try:
        for name, pieces in files.items():
            with (draft / name).open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(pieces)
        for name in files:
            (draft / name).replace(folder / name)
    finally:
        shutil.rmtree(draft)
