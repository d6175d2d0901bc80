"""Draws docs/map.md from the code: capability x layer, then every module with its purpose. `make map` writes it."""

import ast
import sys
from collections import defaultdict

from tests.architecture import draw_permissions
from tests.architecture.source import LAYERS, ROOT, python_files

TARGET = ROOT / "docs" / "map.md"
HEAD = """# Map

**Rules decide, workflows sequence, activities act, services transact, models remember, letters render,
gateways reach out, api asks.**

Drawn from the code by `make map` and compared by `tests/architecture/test_documents.py`: do not edit by hand.

## Capability x layer
The same word is the file (or folder) name in every layer that has a part in it.

"""


def capabilities() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for source in python_files():
        parts = source.name.removesuffix(".py").split("/")
        if len(parts) < 2 or source.layer not in LAYERS:
            continue
        folder = parts[0] == "rules" and len(parts) > 2
        stem = parts[1] if folder else parts[-1]
        if stem != "__init__" and source.name not in found[stem][source.layer]:
            found[stem][source.layer].append(source.name)
    return {word: cells for word, cells in sorted(found.items()) if len(cells) > 1}


def drawn() -> str:
    """The whole text of docs/map.md as the code stands now."""
    words = capabilities()
    layers = [layer for layer in LAYERS if any(layer in cells for cells in words.values())]
    lines = [HEAD + "| capability | " + " | ".join(layers) + " |", "|---" * (len(layers) + 1) + "|"]
    for word, cells in words.items():
        row = ["`" + "`, `".join(n.split("/", 1)[1] for n in cells[x]) + "`" if x in cells else "" for x in layers]
        lines.append(f"| {word} | " + " | ".join(row) + " |")
    current = ""
    for source in sorted(python_files(), key=lambda s: ("/" in s.name, s.name)):
        folder = source.name.rsplit("/", 1)[0] if "/" in source.name else "composition roots"
        if folder != current:
            lines += ["", f"## {folder}", "| module | purpose |", "|---|---|"]
            current = folder
        purpose = (ast.get_docstring(source.tree) or "").split("\n\n", 1)[0].replace("\n", " ").replace("|", "\\|")
        lines.append(f"| `{source.name.rsplit('/', 1)[-1]}` | {purpose} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(drawn())
    draw_permissions.TARGET.write_text(draw_permissions.drawn())
    sys.stdout.write(f"{TARGET.name} and {draw_permissions.TARGET.name} written\n")
