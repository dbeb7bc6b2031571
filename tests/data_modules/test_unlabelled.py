"""Photographs without labels: all below a folder, each once."""

from pathlib import Path

import pytest
from made_up_photographs import touch

from data_modules.photographs.unlabelled import UnlabelledPhotographs
from painlit.errors import PainlitError
from painlit.images.source import Note, Record


def listed(root: Path) -> list[str]:
    return [item.path for item in UnlabelledPhotographs(root, "faces").records() if isinstance(item, Record)]


def test_images_at_any_depth_in_order(tmp_path):
    touch(tmp_path, "b/deep/2.png", "1.jpg", "b/3.JPG", "a/.hidden.jpg", "a/notes.txt", "b/old.tar")
    assert listed(tmp_path) == ["1.jpg", "b/3.JPG", "b/deep/2.png"]
    notes = [item.text for item in UnlabelledPhotographs(tmp_path, "faces").records() if isinstance(item, Note)]
    assert any("2 files that are no images" in note for note in notes)


def test_links_are_followed_and_lead_nowhere_twice(tmp_path):
    touch(tmp_path, "faces/a/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "faces/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "faces/again").symlink_to(tmp_path / "faces/a")
    (tmp_path / "faces/a/up").symlink_to("..")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "faces")
    assert listed(tmp_path / "faces") == ["a/1.jpg", "b/2.jpg"]


def test_another_image_changes_the_stamp(tmp_path):
    touch(tmp_path, "a/1.jpg")
    before = UnlabelledPhotographs(tmp_path, "faces").stamp()
    touch(tmp_path, "a/2.jpg")
    assert UnlabelledPhotographs(tmp_path, "faces").stamp() != before


def test_no_images_and_no_folder_are_refused(tmp_path):
    touch(tmp_path, "a/notes.txt")
    with pytest.raises(PainlitError, match="has no images that are read"):
        listed(tmp_path)
    with pytest.raises(PainlitError, match="does not exist"):
        listed(tmp_path / "none")
