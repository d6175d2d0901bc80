"""Asks an advisory source about every pinned package, when one is reachable. `make audit` runs it."""

import json
import subprocess
import sys

from tests.architecture.source import ROOT

AUDITOR = "pip-audit==2.9.0"  # run beside the product, from its own environment


def main() -> int:
    """0 when nothing is known against any package, 1 with what is, 3 when nobody could be asked."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    lock = ["--requirement", str(ROOT / "requirements.lock")]
    uv = str(ROOT / ".venv" / "bin" / "uv")
    ran = subprocess.run([uv, "tool", "run", AUDITOR, *options, *lock], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(ran.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        sys.stderr.write(f"pip-audit did not run, nothing was audited:\n{ran.stderr[-2000:]}\n")
        return 3
    asked = [one for one in packages if "vulns" in one]
    if not asked:
        sys.stderr.write(f"No advisory source knows any of the {len(packages)} packages: nothing was audited.\n")
        return 3
    known = [(one["name"], one["version"], found["id"]) for one in asked for found in one["vulns"]]
    for name, version, advisory in known:
        sys.stdout.write(f"{name} {version}: {advisory}\n")
    sys.stdout.write(f"{len(asked)} of {len(packages)} packages audited, {len(known)} advisories\n")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
