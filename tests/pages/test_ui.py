"""The page of all components shows each one in each of its states; every test of pages looks at it."""

import pytest
from jinja2 import Environment, nodes

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


def given_on_the_page(macro):
    """The parameters that the page gives a component, in all its calls; None where it is not there."""
    calls = [call for call in parse("dev/ui.html").find_all(nodes.Call) if getattr(call.node, "name", "") == macro.name]
    names = [arg.name for arg in macro.args]
    given = {name for call in calls for name in [*names[: len(call.args)], *(kw.key for kw in call.kwargs)]}
    return given if calls else None


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_page_shows_a_component_with_all_that_it_can_be_given(name):
    macro = COMPONENTS[name]
    given = given_on_the_page(macro)
    assert given is not None, "it is not there"
    assert {arg.name for arg in macro.args} - given - WIRING == set()
