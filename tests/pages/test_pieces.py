"""The pieces that are written in Python let nothing through that they were given as text."""

import inspect
import re

import pytest
from markupsafe import Markup

from blueprints import pieces
from models import Role

HOSTILE = "\"'><script>alert(1)</script>&amp;"
BUTTONS = [pieces.button, pieces.link_button, pieces.dialog_link]
GIVEN = {"you": True, "org": True, "icon": "users"}


@pytest.mark.parametrize("piece", [*BUTTONS, pieces.avatar, pieces.who, pieces.tag], ids=lambda piece: piece.__name__)
def test_a_piece_escapes_each_of_its_texts(app, piece):
    texts = [name for name, p in inspect.signature(piece).parameters.items() if p.kind != p.VAR_KEYWORD]
    given = {name: GIVEN.get(name, HOSTILE) for name in texts}
    more = {"data_name": HOSTILE} if piece in BUTTONS else {}
    with app.test_request_context("/"):
        drawn = piece(**given, **more)
    assert isinstance(drawn, Markup)
    assert "<script" not in drawn
    assert "'" not in drawn
    assert "<" not in re.sub(r'</?[a-z]+( [a-z-]+(="[^"<>]*")?)*/?>', "", drawn)


def test_attributes_are_escaped_and_what_is_not_there_is_not_printed(app):
    with app.test_request_context("/"):
        drawn = pieces.attributes({"hx_get": HOSTILE, "open": True, "id": None, "hidden": False, "autofocus": True})
    assert drawn == ' hx-get="&#34;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" open autofocus'
    with app.test_request_context("/", headers={"X-Refresh": "1"}):
        assert pieces.attributes({"autofocus": True}) == ""


@pytest.mark.parametrize("role", Role)
def test_a_role_has_a_solid_edge_or_a_dashed_one(role):
    assert "inherited" not in pieces.role_badge(role)
    assert 'data-from="inherited"' in pieces.role_badge(role, inherited=True)
