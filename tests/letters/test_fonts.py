"""Fonts are static files made once, known by what they are made from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from letters.fonts import SOURCES, STACKS, cache_folder, face, static_file

HOME = Path(__file__).parents[2]


def test_every_stack_is_made_of_known_faces() -> None:
    assert {name for stack in STACKS.values() for name in stack} == set(SOURCES)


def test_weights_have_names_of_their_own() -> None:
    names = {face(name).font.face.name for name in ("Sans", "Sans-Bold", "Sans-Italic")}
    assert len(names) == 3


def test_a_face_is_loaded_once() -> None:
    assert face("Sans") is face("Sans")


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "handrail" / "fonts"


ASKS = "from letters.fonts import cache_folder; place = cache_folder(); assert place.is_dir(); print(place)"


def test_where_the_user_has_no_cache_a_process_takes_its_own_away_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    asked = subprocess.run([sys.executable, "-c", ASKS], env=told, cwd=HOME, capture_output=True, text=True, check=True)
    assert Path(asked.stdout.strip()).parent == tmp_path
    assert not Path(asked.stdout.strip()).exists()


@pytest.mark.slow
def test_a_font_made_again_is_the_same_file(tmp_path: Path) -> None:
    made = static_file("Hebrew", tmp_path)
    assert made.read_bytes() == static_file("Hebrew").read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == [made.name]


def test_the_tools_that_make_a_face_are_not_loaded_to_use_one() -> None:
    asks = "import sys, letters.fonts; print('fontTools' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asks], cwd=HOME, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
