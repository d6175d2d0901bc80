"""Draws docs/licences.md: every pinned package, its version and its licence. `make licences` writes it."""

import re
import sys
from importlib import metadata

from tests.architecture.source import ROOT

TARGET = ROOT / "docs" / "licences.md"
LOCK = ROOT / "requirements.lock"
ELSEWHERE = "not needed on this system"
HEAD = """# Licences of what Handrail is built with

Drawn from `requirements.lock` and the packages' own metadata by `make licences`, compared by
`tests/architecture/test_licences.py`: do not edit by hand. Handrail itself is under Apache-2.0. Development tools are
listed too; what a product image installs is the list without the extra `dev`.

| package | version | licence |
|---|---|---|
"""
# what classifiers and texts say, in one word each
_WORDS = (
    (r"apache", "Apache-2.0"),
    (r"mozilla|mpl", "MPL-2.0"),
    (r"lesser general public|lgpl", "LGPL"),
    (r"affero|agpl", "AGPL"),
    (r"general public license|\bgpl", "GPL"),
    (r"bsd", "BSD"),
    (r"\bmit\b|mit license|^mit", "MIT"),
    (r"isc", "ISC"),
    (r"python software foundation|psf", "PSF"),
    (r"unlicense|public domain|cc0", "public domain"),
    (r"postgresql", "PostgreSQL"),
    (r"ofl|open font", "OFL"),
    (r"zpl|zope", "ZPL"),
)


def pinned() -> dict[str, str]:
    """Name and version of every package in the lock; of several versions (by marker) the one that is here."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", LOCK.read_text(), re.MULTILINE):
        if name not in found or _installed(name) == version:
            found[name] = version
    return found


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def licence(name: str) -> str | None:
    """What the installed package says of its licence; None when it is not installed here."""
    if _installed(name) is None:
        return None
    said = metadata.metadata(name)
    if "License-Expression" in said:
        return str(said["License-Expression"])
    classified = [one.rsplit("::", 1)[-1].strip() for one in said.get_all("Classifier") or [] if "License ::" in one]
    named = str(said["License"])[:200] if "License" in said else ""
    text = " ".join(one for one in classified if one != "OSI Approved") or named
    return next((word for pattern, word in _WORDS if re.search(pattern, text.lower())), "unknown")


def listed() -> dict[str, tuple[str, str]]:
    """What the document says now."""
    if not TARGET.exists():
        return {}
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", TARGET.read_text(), re.MULTILINE)
    return {name: (version, words) for name, version, words in rows if name != "package"}


def drawn() -> str:
    """The whole text; a package that other systems need keeps the licence that was seen there."""
    before, lines = listed(), []
    for name, version in sorted(pinned().items()):
        seen = before.get(name, ("", ELSEWHERE))
        known = licence(name) or (seen[1] if seen[0] == version else ELSEWHERE)
        lines.append(f"| {name} | {version} | {known} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(drawn())
    sys.stdout.write(f"{TARGET.name} written\n")
