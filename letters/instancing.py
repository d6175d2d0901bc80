"""Takes one weight of a variable font. Apart, because little else needs these tools: 145 modules, 14 MB of memory."""

import tempfile
from pathlib import Path

from fontTools.ttLib import TTFont
from fontTools.varLib import instancer


def instantiate(variable: Path, weight: int, static: Path) -> None:
    """Written beside its place and moved: another process never sees half a font."""
    font = TTFont(variable, recalcTimestamp=False)
    place = {"wght": weight, "wdth": 100}
    made = instancer.instantiateVariableFont(font, place, updateFontNames=True)
    with tempfile.NamedTemporaryFile(dir=static.parent, suffix=".part", delete=False) as part:
        made.save(part)
    Path(part.name).replace(static)
