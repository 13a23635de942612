"""The pictures of the documents: each is there, is small, and can be taken anew by bin/screenshots."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "screenshots"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
LARGEST = 150_000  # bytes


def shown(document: Path) -> set[Path]:
    names = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", document.read_text())
    return {(document.parent / name).resolve() for name in names}


def test_every_picture_that_a_document_shows_is_there_and_small():
    pictures = set().union(*map(shown, DOCUMENTS))
    assert len(pictures) > 10
    assert {picture.name for picture in pictures if not picture.is_file()} == set()
    assert {picture.name for picture in pictures if picture.stat().st_size > LARGEST} == set()


def test_all_screenshots_are_shown_and_can_be_taken_anew():
    take = pytest.importorskip("docs.screenshots.take")
    there = {picture.stem for picture in PICTURES.glob("*.png")}
    assert there == set(take.SHOTS)
    assert there == {picture.stem for picture in shown(PICTURES / "README.md")}
