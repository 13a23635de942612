"""What the browser loads on every page is what the pages need: no rule, colour or sign that none of them uses."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CSS = re.sub(r"/\*.*?\*/", "", (ROOT / "static" / "ui.css").read_text(), flags=re.S)
SYMBOLS = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static" / "icons.svg").read_text()))
PAGES = [path for path in (ROOT / "templates").rglob("*.html") if path.parent.name not in ("dev", "emails")]
CODE = [*PAGES, ROOT / "static" / "app.js", ROOT / "static" / "forms.js", *(ROOT / "blueprints").rglob("*.py")]


def quoted() -> set[str]:
    """Every word that stands in quotation marks in a template, a script or a view."""
    found: set[str] = set()
    for path in CODE:
        for text in re.findall(r'"([^"\n]*)"|\'([^\'\n]*)\'|`([^`]*)`', _without_comments(path.read_text())):
            found.update(re.findall(r"[\w-]+", " ".join(text)))
    return found


def _without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.S)


def test_every_class_has_a_page_that_uses_it():
    selectors = re.sub(r"@layer[^;{]*[;{]|\{[^{}]*\}", "", CSS)
    classes = set(re.findall(r"\.([a-z][\w-]*)", selectors))
    assert len(classes) > 50
    assert classes - quoted() == set()


def test_every_token_is_used():
    declared, used = set(re.findall(r"(--[\w-]+):", CSS)), set(re.findall(r"var\((--[\w-]+)", CSS))
    assert len(used) > 40
    assert declared == used


def test_every_sign_is_used_and_there():
    named = re.compile(r'icon\("([\w-]+)"|icon="([\w-]+)"')
    wanted = {name for path in PAGES for names in named.findall(path.read_text()) for name in names if name}
    assert len(wanted) > 10
    assert wanted - SYMBOLS == set()
    assert SYMBOLS - quoted() == set()
