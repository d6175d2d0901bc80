"""fpdf2's bidirectional algorithm without the rest of fpdf2.

Its package imports a whole PDF writer with numpy and font tools: over a second of every start and 14 MB of every
process, for one function. The two modules are loaded as a package of our own that has no such beginning.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fpdf.bidi import BidiParagraph
    from fpdf.enums import TextDirection
else:
    OURS = "letters._fpdf"
    if OURS not in sys.modules:
        found = find_spec("fpdf")
        if found is None or not found.submodule_search_locations:
            raise ImportError("fpdf2 is not installed: install requirements.lock")
        bare = ModuleSpec(OURS, None, is_package=True)
        bare.submodule_search_locations = list(found.submodule_search_locations)
        sys.modules[OURS] = module_from_spec(bare)
    BidiParagraph = import_module(f"{OURS}.bidi").BidiParagraph
    TextDirection = import_module(f"{OURS}.enums").TextDirection

__all__ = ["BidiParagraph", "TextDirection"]
