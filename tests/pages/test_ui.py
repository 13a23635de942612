"""The page of all components shows each one in each of its states; every test of pages looks at it."""

import inspect
from collections.abc import Callable

import pytest
from jinja2 import Environment, nodes

from blueprints import pieces
from tests.test_architecture import ROOT

# Without a look of their own: what is sent but not shown, and where an answer goes.
UNSEEN = {"csrf", "hidden"}
WIRING = {"id", "target", "swap", "live", "address"}
TEMPLATES = ROOT / "templates"
JINJA = Environment(autoescape=True)  # it only parses


def parse(path):
    return JINJA.parse((TEMPLATES / path).read_text())


COMPONENTS = {
    macro.name: macro
    for path in sorted((TEMPLATES / "components").glob("[!_]*.html"))
    for macro in parse(path).find_all(nodes.Macro)
    if not macro.name.startswith("_") and macro.name not in UNSEEN
}


PIECES: list[Callable[..., object]] = [
    pieces.button,
    pieces.link_button,
    pieces.dialog_link,
    pieces.icon,
    pieces.avatar,
    pieces.who,
    pieces.tag,
    pieces.role_badge,
]
TAKES = {name: [arg.name for arg in macro.args] for name, macro in COMPONENTS.items()} | {
    piece.__name__: [p.name for p in inspect.signature(piece).parameters.values() if p.kind != p.VAR_KEYWORD]
    for piece in PIECES
}


def given_on_the_page(component):
    """The parameters that the page gives a component, in all its calls; None where it is not there."""
    calls = [call for call in parse("dev/ui.html").find_all(nodes.Call) if getattr(call.node, "name", "") == component]
    names = TAKES[component]
    given = {name for call in calls for name in [*names[: len(call.args)], *(kw.key for kw in call.kwargs)]}
    return given if calls else None


@pytest.mark.parametrize("name", TAKES)
def test_the_page_shows_a_component_with_all_that_it_can_be_given(name):
    given = given_on_the_page(name)
    assert given is not None, "it is not there"
    assert set(TAKES[name]) - given - WIRING == set()
