"""Fonts are static files made once, known by what they are made from."""

from pathlib import Path

import pytest

from letters.fonts import SOURCES, STACKS, cache_folder, face, static_file


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
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_folder().is_dir()


@pytest.mark.slow
def test_a_font_made_again_is_the_same_file(tmp_path: Path) -> None:
    made = static_file("Hebrew", tmp_path)
    assert made.read_bytes() == static_file("Hebrew").read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == [made.name]
