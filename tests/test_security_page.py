"""docs/security.md names nothing that is not there."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "security.md"
LINES = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and re.match(r"\| \d", line)]
STATES = {"met", "not met", "not here"}


def test_every_file_that_it_links_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert len(links) > 50
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[1].strip())
def test_every_test_that_it_names_is_in_a_file_of_its_line(line):
    files = [(PAGE.parent / link).read_text() for link in re.findall(r"\]\((\.\./tests/[^)]+)\)", line)]
    earlier = PAGE.parent.parent / "tests" / "test_https.py"  # "the same test"
    for name in re.findall(r"`(test_\w+)`", line):
        assert any(re.search(rf"def {name}\b", text) for text in [*files, earlier.read_text()]), name


def test_every_line_has_a_state_and_what_is_not_met_is_gathered():
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES]
    assert len(cells) > 70
    assert {cell[2] for cell in cells} == STATES
    gathered = PAGE.read_text().split("## What is not met")[1]
    assert [cell[0] for cell in cells if cell[2] == "not met"] == re.findall(r"\*\*(\d[\d.]+)\*\*", gathered)
