"""Live pages: what one person changes, the others who may see it see within a second (DESIGN.md section 7)."""

import re

from playwright.sync_api import expect

from models import Role
from tests.browser.live import SECOND


def test_a_changed_role_is_seen_by_everybody_who_has_the_list_open(cast):
    amara, hana = cast.page("amara", "/people"), cast.page("hana", "/people")
    row = hana.get_by_role("row", name=re.compile("Kofi Mensah"))
    expect(row).to_contain_text("Operator")
    cast.change_role(amara, "Kofi Mensah", Role.ADMIN)
    expect(row.get_by_text("Admin", exact=True)).to_be_visible(timeout=SECOND)
