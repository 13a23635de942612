"""The shape of the code, kept true by tests."""

import ast
import re
from pathlib import Path

import pytest

from app import create_app
from blueprints.gate import refuse_undeclared_routes

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ["app", "demo", "blueprints", "emails", "runtime", "access", "models", "config"]  # each imports rightwards
SOURCES = [p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0].removesuffix(".py") in LAYERS]
TEMPLATES = list((ROOT / "templates").rglob("*.html"))
LONGEST_FILE, LONGEST_VIEW = 275, 25  # lines


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_flow_one_way(path):
    own = layer_of(path)
    for name in imports(ast.parse(path.read_text())):
        layer = name.split(".")[0]
        if layer in LAYERS:
            assert LAYERS.index(layer) >= LAYERS.index(own), f"{own} may not import {name}"


@pytest.mark.parametrize("path", [p for p in SOURCES if layer_of(p) == "blueprints"], ids=name_of)
def test_sibling_blueprints_do_not_import_each_other(path):
    areas = {p.name for p in (ROOT / "blueprints").iterdir() if p.is_dir()}
    own = path.relative_to(ROOT).parts[1]
    for name in imports(ast.parse(path.read_text())):
        parts = name.split(".")
        if own in areas and parts[0] == "blueprints" and parts[1] in areas:
            assert parts[1] == own, f"{own} may not import {name}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_imported_inside_a_function(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            assert not [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)], node.name


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", [p for p in SOURCES if layer_of(p) == "blueprints"], ids=name_of)
def test_views_stay_short(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and any("bp." in ast.unparse(d) for d in node.decorator_list):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_VIEW, node.name


def test_one_file_speaks_htmx():
    assert [name_of(p) for p in SOURCES if "HX-" in p.read_text()] == ["blueprints/fragments.py"]


def test_an_undeclared_route_stops_the_application(settings):
    app = create_app(settings)
    app.add_url_rule("/forgotten", "forgotten", lambda: "open to all")
    with pytest.raises(RuntimeError, match="forgotten"):
        refuse_undeclared_routes(app)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_never_compare_roles(path):
    for code in re.findall(r"\{[%{].*?[%}]\}", path.read_text(), flags=re.S):
        assert not re.search(r"role(\.name)?\s*(==|!=|>=|<=|<|>)|role\.value", code), code


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_hold_to_the_interaction_rules(path):
    """UX.md check 12, and the content security policy."""
    text = path.read_text()
    for banned in ("user-scalable", "hx-on", " style=", "hx-confirm", "javascript:", 'maxlength="'):
        assert banned not in text, banned


@pytest.mark.parametrize("path", [ROOT / "static" / name for name in ("app.js", "forms.js", "ui.css")], ids=name_of)
def test_scripts_and_styles_hold_to_the_interaction_rules(path):
    """UX.md check 12: the focus is always shown, and nothing is asked in a window of the browser's own."""
    assert not re.search(r"outline: *(none|0)|\b(confirm|alert|prompt)\(|\.style\b|innerHTML *=", path.read_text())
