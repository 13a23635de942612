import re

import pytest

from tests.browser_like import without_tokens
from tests.factories import PASSWORD

SETTINGS = "/orgs/northfield/settings"


@pytest.fixture
def here(northfield, query):
    """here() -> name, slug and whether Northfield is deleted."""
    return lambda: query(
        "SELECT name, slug, deleted_at IS NOT NULL FROM organizations WHERE id = %(id)s",
        id=northfield.organization.id,
    )[0]


@pytest.mark.parametrize("name", ["owner", "admin", "operator", "viewer"])
def test_every_member_finds_the_way_out(as_, name):
    page = as_(name).get(SETTINGS).text
    assert "Leave Northfield…" in page
    assert ('name="slug"' in page) == (name in ("owner", "admin"))
    assert ("Delete Northfield…" in page) == (name == "owner")


@pytest.mark.parametrize("name", ["guest", "stranger"])
@pytest.mark.parametrize("path", ["", "/leave", "/delete", "/transfer"])
def test_nobody_else_is_let_in(as_, name, path):
    assert as_(name).get(SETTINGS + path).status_code == 404
    assert as_(name).post(SETTINGS + path, name="Mine", slug="mine").status_code == 404


@pytest.mark.parametrize(("path", "count"), [("", 2), ("/leave", 4), ("/delete", 2), ("/transfer", 3)])
def test_the_pages_stay_within_their_statements(as_, statements, path, count):
    owner = as_("owner")
    with statements() as sent:
        owner.get(SETTINGS + path)
    assert len(sent) == count
    assert not sent.writes


@pytest.mark.parametrize("path", ["", "/leave", "/delete", "/transfer"])
def test_the_fragment_is_part_of_the_page(as_, path):
    owner = as_("owner")
    fragment, page = (without_tokens(owner.get(SETTINGS + path, hx=hx).text) for hx in (True, False))
    assert fragment.strip() in page


# --- name and address -------------------------------------------------------------------------------------------


def test_an_admin_renames(as_, here):
    admin = as_("admin")
    answer = admin.post(SETTINGS, name=" Southfield ", slug=" Southfield ")
    assert (answer.status_code, answer.location) == (303, "/orgs/southfield/settings")
    assert here() == ("Southfield", "southfield", False)
    assert "Name and address were saved." in admin.get(answer.location).text
    assert admin.post("/orgs/southfield/settings", hx=True, name="S", slug="southfield").headers["HX-Redirect"]


@pytest.mark.parametrize("name", ["operator", "viewer"])
def test_lower_roles_do_not(as_, here, name):
    assert as_(name).post(SETTINGS, name="Mine", slug="mine").status_code == 403
    assert here()[0] == "Northfield"


def test_a_former_address_leads_members_on_and_nobody_else(as_):
    as_("owner").post(SETTINGS, name="Northfield", slug="southfield")
    for name in ("viewer", "guest"):
        assert as_(name).get("/orgs/northfield").location == "/orgs/southfield"
    assert as_("viewer").get("/orgs/northfield/people?page=1").location.startswith("/orgs/southfield/people")
    assert as_("stranger").get("/orgs/northfield").status_code == 404


@pytest.mark.parametrize("hx", [True, False])
def test_an_address_that_is_taken_is_refused(as_, here, hx):
    answer = as_("owner").post(SETTINGS, hx=hx, name="Kept", slug="harbour-labs")
    assert answer.status_code == 422
    assert "uses the address <em>harbour-labs</em>. Try <em>harbour-labs-2</em>." in answer.text
    assert 'value="Kept"' in answer.text
    assert here() == ("Northfield", "northfield", False)


def test_one_may_go_back_to_ones_former_address(as_, here):
    owner = as_("owner")
    owner.post(SETTINGS, name="Northfield", slug="southfield")
    assert owner.post("/orgs/southfield/settings", name="Northfield", slug="northfield").status_code == 303
    assert here()[1] == "northfield"


@pytest.mark.parametrize("slug", ["", "-a", "a", "a" * 51, "orgs", "new", "ä b", "a\0b", "\ufffd"])
def test_an_address_that_cannot_be_is_refused(as_, here, slug):
    assert as_("owner").post(SETTINGS, name="Northfield", slug=slug).status_code == 422
    assert here()[1] == "northfield"


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\0b", "a\r\nb", "\ufffd", "\u2066x"])
def test_a_name_that_cannot_be_is_refused(as_, here, name):
    assert as_("owner").post(SETTINGS, name=name, slug="northfield").status_code == 422
    assert here()[0] == "Northfield"


@pytest.mark.parametrize("hx", [True, False])
def test_who_is_late_sees_both_and_may_insist(as_, here, hx):
    owner = as_("owner")
    as_("admin").post(SETTINGS, name="First", slug="northfield", version="1")
    late = owner.post(SETTINGS, hx=hx, name="Second", slug="northfield", version="1")
    assert late.status_code == 409
    assert "Sven Weber changed this" in late.text
    assert "<dt>Name is now</dt><dd>First</dd>" in late.text
    assert "<dt>You typed</dt><dd>Second</dd>" in late.text
    assert 'value="Second"' in late.text
    assert 'name="version" value="2"' in late.text
    assert "Save mine" in late.text
    assert here()[0] == "First"
    assert owner.post(SETTINGS, name="Second", slug="northfield", version="2").status_code == 303
    assert here()[0] == "Second"


def test_who_is_late_may_keep_the_others(as_, here):
    as_("admin").post(SETTINGS, name="First", slug="southfield", version="1")
    late = as_("owner").post("/orgs/southfield/settings", name="Second", slug="northfield", version="1")
    link = late.text.split("Keep theirs")[0].rpartition('href="')[2].split('"')[0]
    assert 'value="First"' in as_("owner").get(link).text
    assert here()[:2] == ("First", "southfield")


def test_who_saves_the_same_is_not_late(as_, query):
    for name in ("admin", "owner"):
        assert as_(name).post(SETTINGS, name="First", slug="northfield", version="1").status_code == 303
    changed = "SELECT u.name, o.version FROM organizations o JOIN users u ON u.id = o.updated_by"
    assert query(changed) == [("Sven Weber", 2)]


def test_a_stale_token_keeps_what_was_typed(as_, here):
    answer = as_("owner").post(SETTINGS, token="old", name="Kept", slug="kept")
    assert answer.status_code == 422
    assert "This page was open for a long time" in answer.text
    assert 'value="Kept"' in answer.text
    assert here()[0] == "Northfield"


# --- leaving ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["admin", "operator", "viewer"])
def test_anyone_may_leave(as_, name):
    one, two = "You lose access to 1 project (Billing pipeline).", "2 projects (Billing pipeline and Payroll)."
    usable = {"admin": two, "operator": one, "viewer": one}
    person = as_(name)
    assert usable[name] in person.get(f"{SETTINGS}/leave").text
    answer = person.post(f"{SETTINGS}/leave")
    assert (answer.status_code, answer.location) == (303, "/orgs")
    assert "You left Northfield at " in person.get("/orgs").text
    assert person.get("/orgs/northfield").status_code == 404


def test_leaving_says_what_ends_and_ended(as_, invited):
    invited("ana@example.org", by="admin")
    admin = as_("admin")
    review = admin.get(f"{SETTINGS}/leave").text
    assert "1 pending invitation (ana@example.org) you sent is revoked." in review
    assert "Pages you have open stop working at once." in review
    admin.post(f"{SETTINGS}/leave")
    assert re.search("at [0-9:]{8} UTC[.] Ended: 1 invitation you sent[.]", admin.get("/orgs").text)


@pytest.mark.usefixtures("second_owner")
def test_the_only_owner_is_told_beforehand_why_they_stay(as_, northfield, query):
    owner = as_("owner")
    assert 'id="leave-now"' in owner.get(f"{SETTINGS}/leave").text
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.admin.id)
    page = owner.get(f"{SETTINGS}/leave").text
    assert "You are the only Owner.</strong> Northfield needs at least one Owner. Make someone else" in page
    assert f'href="{SETTINGS}/transfer"' in page
    assert 'id="leave-now"' not in page


def test_leaving_with_a_stale_token_is_not_leaving(as_):
    viewer = as_("viewer")
    assert viewer.post(f"{SETTINGS}/leave", token="old").status_code == 422
    assert viewer.get("/orgs/northfield").status_code == 200


# --- deleting ---------------------------------------------------------------------------------------------------


def delete(person, **fields):
    return person.post(f"{SETTINGS}/delete", **{"confirm": "northfield", "current_password": PASSWORD, **fields})


def test_deleting_says_what_it_ends(as_, invited):
    invited("ana@example.org")
    page = as_("owner").get(f"{SETTINGS}/delete").text
    assert "4 memberships · 1 guest · 2 projects · 1 pending invitation" in page


def test_an_owner_deletes(as_, here):
    owner = as_("owner")
    answer = delete(owner, confirm="  NorthField ")
    assert (answer.status_code, answer.location) == (303, "/orgs")
    assert here()[2]
    assert re.search("deleted at [0-9:]{8} UTC[.] Its Owners can restore it until", owner.get("/orgs").text)
    for name in ("owner", "viewer", "guest", "stranger"):
        assert as_(name).get("/orgs/northfield").status_code == 404


@pytest.mark.parametrize("name", ["admin", "operator", "viewer"])
def test_nobody_else_deletes(as_, here, name):
    assert as_(name).get(f"{SETTINGS}/delete").status_code == 403
    assert delete(as_(name)).status_code == 403
    assert not here()[2]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"confirm": "Northfild"}, "Type northfield to confirm. You typed Northfild."),
        ({"confirm": "<b>"}, "You typed &lt;b&gt;."),
        ({"confirm": ""}, "Type northfield to confirm."),
        ({"confirm": "\0"}, "Type northfield to confirm."),
        ({"current_password": "not my password"}, "The password is not right."),
        ({"current_password": ""}, "Enter your password"),
        ({"current_password": "x" * 2000}, "The password is not right."),
        ({"token": "old"}, "This page was open for a long time"),
    ],
)
@pytest.mark.parametrize("hx", [True, False])
def test_a_wrong_confirmation_deletes_nothing(as_, here, fields, words, hx):
    answer = delete(as_("owner"), hx=hx, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert (fields.get("current_password") or PASSWORD) not in answer.text
    assert not here()[2]


def test_what_was_deleted_keeps_its_address(as_):
    delete(as_("owner"))
    assert as_("stranger").post("/orgs/new", name="Mine", slug="northfield").status_code == 422


def test_an_invitation_to_what_was_deleted_does_not_wait(as_, invited, northfield):
    invited(northfield.stranger.email)
    delete(as_("owner"))
    assert "invited you" not in as_("stranger").get("/orgs").text
