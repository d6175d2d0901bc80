"""Fonts from pinned packages as static TrueType files: instantiated once into a cache, known by their SHA-256.

reportlab embeds static glyf fonts only, and takes two weights for one face unless their names are updated.
"""

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

import uharfbuzz
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

UNITS = 1000  # PDF measures glyphs in thousandths of the font size


@dataclass(frozen=True)
class Source:
    """A variable font in a package, and the weight we take of it."""

    package: str
    file: str
    weight: int


SOURCES: Mapping[str, Source] = {
    "Sans": Source("fontpkg_noto_sans", "NotoSans[wdth,wght].ttf", 400),
    "Sans-Bold": Source("fontpkg_noto_sans", "NotoSans[wdth,wght].ttf", 700),
    "Sans-Italic": Source("fontpkg_noto_sans", "NotoSans-Italic[wdth,wght].ttf", 400),
    "Sans-BoldItalic": Source("fontpkg_noto_sans", "NotoSans-Italic[wdth,wght].ttf", 700),
    "Arabic": Source("fontpkg_noto_sans_arabic", "NotoSansArabic[wdth,wght].ttf", 400),
    "Arabic-Bold": Source("fontpkg_noto_sans_arabic", "NotoSansArabic[wdth,wght].ttf", 700),
    "Hebrew": Source("fontpkg_open_sans", "OpenSans[wdth,wght].ttf", 400),
    "Hebrew-Bold": Source("fontpkg_open_sans", "OpenSans[wdth,wght].ttf", 700),
}
STACKS: Mapping[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): ("Sans", "Arabic", "Hebrew"),
    (True, False): ("Sans-Bold", "Arabic-Bold", "Hebrew-Bold"),
    (False, True): ("Sans-Italic", "Arabic", "Hebrew"),
    (True, True): ("Sans-BoldItalic", "Arabic-Bold", "Hebrew-Bold"),
}
"""(strong, emphasis) -> faces, the first that has a character draws it; Arabic and Hebrew have no italics."""


class Face:
    """One static font, loaded for shaping (HarfBuzz) and for drawing (reportlab)."""

    def __init__(self, name: str, file: Path) -> None:
        content = file.read_bytes()
        self.name = f"Handrail-{name}"
        self.sha256 = sha256(content).hexdigest()
        self.font = TTFont(self.name, str(file))
        self.shaper = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(content)))
        self.scale = UNITS / self.font.face.unitsPerEm
        pdfmetrics.registerFont(self.font)

    @property
    def glyphs(self) -> dict[int, int]:
        """Code point -> glyph."""
        found: dict[int, int] = self.font.face.charToGlyph
        return found

    def has(self, point: str) -> bool:
        return ord(point) in self.font.face.charToGlyph


_FACES: dict[str, Face] = {}
_LOADING = threading.Lock()


def face(name: str) -> Face:
    """A face by its name in SOURCES; made on first use, since most letters need two of the eight.

    Loaded under a lock: two threads at once would leave us with one object and reportlab with the other.
    """
    found = _FACES.get(name)
    if found is None:
        with _LOADING:
            found = _FACES.get(name) or Face(name, static_file(name))
            _FACES[name] = found
    return found


def cache_folder() -> Path:
    """Where static fonts are kept: the user's own cache, else a fresh folder of this process alone."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(home) / "handrail" / "fonts"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        own = Path(tempfile.mkdtemp(prefix="handrail-fonts-"))
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return own
    return folder


@cache
def _folder() -> Path:
    return cache_folder()


def static_file(name: str, folder: Path | None = None) -> Path:
    """The static TrueType file of a face; its name carries versions and content, so an upgrade makes a new one."""
    source = SOURCES[name]
    spec = find_spec(source.package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"font package {source.package} is not installed: install requirements.lock")
    variable = Path(spec.origin).parent / "files" / source.file
    tools = metadata.version("fonttools")
    mark = sha256(variable.read_bytes() + f"{tools}:{source.weight}".encode()).hexdigest()[:16]
    static = (folder or _folder()) / f"{name}-{mark}.ttf"
    if not static.exists():
        # Loaded here and not above: a face is made once on a machine, and no process after that needs the tools.
        import_module("letters.instancing").instantiate(variable, source.weight, static)
    return static


def prepare_fonts(folder: Path | None = None) -> dict[str, Path]:
    """Make every static font now, for an image build or a first start; the first letter then need not wait."""
    return {name: static_file(name, folder) for name in SOURCES}
