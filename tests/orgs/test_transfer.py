"""Offering ownership, from the pages: who may, who is shown what, and how an offer ends."""

import uuid

import pytest

from models import OwnershipOffer, Role, transaction
from tests.factories import PASSWORD

TRANSFER = "/orgs/northfield/settings/transfer"
EVERYBODY = ["owner", "admin", "operator", "viewer", "guest", "stranger"]


@pytest.fixture
def offer(as_, northfield):
    """offer(by="owner", to="viewer", hx=False, **fields) -> the answer to an offer from the page."""

    def make(by="owner", to="viewer", **fields):
        given = {"member": northfield.member(to).id, "role": "ADMIN", "current_password": PASSWORD, **fields}
        return as_(by).post(TRANSFER, **given)

    return make


@pytest.fixture
def roles(query):
    """roles() -> who is what in Northfield, by first name."""
    statement = (
        "SELECT split_part(u.name, ' ', 1), m.role::text FROM organization_members m JOIN users u ON u.id = user_id "
        "JOIN organizations o ON o.id = organization_id WHERE slug = 'northfield'"
    )
    return lambda: dict(query(statement))


def end_of(query):
    return query(
        "SELECT accepted_at IS NOT NULL, declined_at IS NOT NULL, cancelled_at IS NOT NULL FROM ownership_offers"
    )


# --- choosing and offering --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status"), [("owner", 200), *((n, 403) for n in EVERYBODY[1:4]), ("guest", 404), ("stranger", 404)]
)
def test_only_an_owner_offers(as_, offer, query, name, status):
    assert as_(name).get(TRANSFER).status_code == status
    if name != "owner":
        assert offer(by=name).status_code == status
        assert end_of(query) == []


def test_the_page_offers_every_member_who_is_no_owner(as_, northfield, query, second_owner):
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.operator.id)
    page = as_("owner").get(TRANSFER).text
    assert f"{TRANSFER}?member={northfield.member('viewer').id}" in page
    for name in ("owner", "admin", "operator"):
        assert f"member={northfield.member(name).id}" not in page


def test_people_are_searched_and_paged(as_, crowd):
    owner = as_("owner")
    assert 'name="q"' not in owner.get(TRANSFER).text
    crowd(60)
    page = owner.get(TRANSFER).text
    assert 'name="q"' in page
    assert "Showing 1–50 of 63 members" in page
    assert "Person 060" in owner.get(f"{TRANSFER}?page=2").text
    assert owner.get(f"{TRANSFER}?page=9").location.endswith("/transfer?page=2")
    found = owner.get(f"{TRANSFER}?q=person+007", hx=True).text
    assert "Person 007" in found
    assert "Person 008" not in found
    assert found.startswith('<div class="region" id="nominees"')
    assert "No one matches “zzz”." in owner.get(f"{TRANSFER}?q=zzz").text


@pytest.mark.parametrize("q", ["%", "_", "\\", "%00", "%ff", "x" * 5000])
def test_a_search_may_be_anything(as_, q):
    assert as_("owner").get(f"{TRANSFER}?q={q}").status_code in (200, 400, 414)


def test_who_is_alone_is_led_to_inviting(as_):
    page = as_("stranger").get("/orgs/harbour-labs/settings/transfer").text
    assert "/orgs/harbour-labs/people/invite" in page


def test_a_chosen_member_leads_to_the_form(as_, northfield):
    page = as_("owner").get(f"{TRANSFER}?member={northfield.member('viewer').id}").text
    assert "Hana Reyes" in page
    assert page.count('name="role"') == 4
    assert " checked" not in page
    assert "Your role afterwards" in page


def test_offering_asks_and_changes_nothing_yet(offer, roles):
    before = roles()
    answer = offer()
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield/settings")
    assert roles() == before
    assert offer(hx=True, to="operator").status_code == 422


def test_with_htmx_the_whole_page_moves_on(offer):
    assert offer(hx=True).headers["HX-Redirect"] == "/orgs/northfield/settings"


BAD = {
    "no member": ({"member": ""}, "Choose a member whose account is active and who is no Owner yet."),
    "no key": ({"member": "hana"}, "Choose a member"),
    "nobody's key": ({"member": uuid.uuid4()}, "Choose a member"),
    "no role": ({"role": ""}, "Choose a role"),
    "no such role": ({"role": "KING"}, "Choose a role"),
    "no password": ({"current_password": ""}, "Enter your password"),
    "wrong password": ({"current_password": "not my password"}, "The password is not right."),
    "long password": ({"current_password": "x" * 2000}, "The password is not right."),
    "stale token": ({"token": "old"}, "This page was open for a long time"),
}


@pytest.mark.parametrize(("fields", "words"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("hx", [True, False])
def test_bad_input_offers_nothing(offer, query, fields, words, hx):
    answer = offer(hx=hx, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert "There is a problem" in answer.text
    assert (fields.get("current_password") or PASSWORD) not in answer.text
    assert end_of(query) == []


def test_nobody_of_another_organization_is_offered_it(offer, northfield, query):
    assert offer(member=northfield.harbour_member.id).status_code == 422
    assert end_of(query) == []


@pytest.mark.parametrize("to", ["owner", "admin"])
def test_nor_is_an_owner(offer, to, second_owner, query):
    assert offer(to=to).status_code == 422
    assert end_of(query) == []


def test_while_one_is_open_the_page_shows_it_and_no_other_can_be_made(as_, offer, second_owner):
    offer()
    page = as_("admin").get(TRANSFER).text
    assert "Waiting for" in page
    assert "Cancel transfer" in page
    assert "Choose<" not in page
    answer = offer(by="admin", to="operator")
    assert answer.status_code == 422
    assert "Ownership is offered to somebody already. Cancel that first." in answer.text


# --- who is shown what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/settings"])
def test_both_are_told_and_nobody_else(as_, offer, second_owner, path):
    offer()
    pages = {name: as_(name).get(f"/orgs/northfield{path}").text for name in EVERYBODY[:4]}
    assert "Waiting for <strong><bdi>Hana Reyes</bdi></strong> to accept. You are still an Owner." in pages["owner"]
    assert "Cancel transfer" in pages["owner"]
    words = "<strong><bdi>Amara Okafor</bdi> wants to make you Owner of Northfield.</strong>"
    assert f"{words} You will be able to delete it and manage everyone." in pages["viewer"]
    assert "Accept<" in pages["viewer"]
    assert "Decline<" in pages["viewer"]
    for name in ("admin", "operator"):
        assert 'id="offer"' not in pages[name]


def test_a_lone_owner_finds_the_way(as_):
    assert f'<a href="{TRANSFER}">Make someone else an Owner</a>' in as_("owner").get("/orgs/northfield").text
    assert f'href="{TRANSFER}"' in as_("owner").get("/orgs/northfield/settings").text
    assert TRANSFER not in as_("admin").get("/orgs/northfield/settings").text


@pytest.mark.parametrize(
    ("name", "path", "count"),
    [("owner", "", 4), ("viewer", "", 3), ("owner", "/settings", 2), ("owner", "/settings/transfer", 2)],
)
def test_an_open_offer_costs_no_more_than_four_statements(as_, offer, statements, name, path, count):
    offer()
    person = as_(name)
    with statements() as sent:
        person.get(f"/orgs/northfield{path}")
    assert len(sent) == count
    assert not sent.writes


# --- accepting, declining, cancelling ---------------------------------------------------------------------------


def test_the_nominee_accepts(as_, offer, roles):
    offer()
    hana = as_("viewer")
    answer = hana.post(f"{TRANSFER}/accept")
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield")
    assert "You are now an Owner of Northfield." in hana.get("/orgs/northfield").text
    assert (roles()["Hana"], roles()["Amara"]) == ("OWNER", "ADMIN")
    assert hana.get(TRANSFER).status_code == 200
    assert as_("owner").get(TRANSFER).status_code == 403


def test_the_nominee_declines(as_, offer, roles, query):
    before = roles()
    offer()
    hana = as_("viewer")
    assert hana.post(f"{TRANSFER}/decline", hx=True).headers["HX-Redirect"] == "/orgs/northfield"
    assert "wants to make you Owner" not in hana.get("/orgs/northfield").text
    assert end_of(query) == [(False, True, False)]
    assert roles() == before


@pytest.mark.parametrize("name", ["owner", "admin"])
def test_any_owner_cancels(as_, offer, second_owner, query, name):
    offer()
    answer = as_(name).post(f"{TRANSFER}/cancel")
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield/settings")
    assert end_of(query) == [(False, False, True)]
    assert "wants to make you Owner" not in as_("viewer").get("/orgs/northfield").text


STATES = ["none", "open", "accepted", "declined", "cancelled", "nominee left", "sender demoted", "deleted"]


@pytest.fixture
def bring_to(as_, offer, query, northfield):
    """bring_to(state) -> Northfield with an offer from Amara to Hana, in that state; Sven is an Owner too."""

    def change(state):
        ids = {"hana": northfield.viewer.id, "amara": northfield.owner.id}
        query("UPDATE organization_members SET role = 'OWNER' WHERE user_id = %(id)s", id=northfield.admin.id)
        if state == "none":
            return
        assert offer().status_code == 303
        if state in ("accepted", "declined"):
            as_("viewer").post(f"{TRANSFER}/{state.removesuffix('ed').replace('declin', 'decline')}")
        elif state == "cancelled":
            as_("owner").post(f"{TRANSFER}/cancel")
        elif state == "nominee left":
            as_("viewer").post("/orgs/northfield/settings/leave")
        elif state == "sender demoted":
            query("UPDATE organization_members SET role = 'ADMIN' WHERE user_id = %(amara)s", amara=ids["amara"])
        elif state == "deleted":
            query("UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'")

    return change


def expected(verb, state, name):
    """The status for one's role and the offer's state: 303 done, 410 over, 403 role too low, 404 nothing for them."""
    if state == "deleted" or name in ("guest", "stranger") or (state == "nominee left" and name == "viewer"):
        return 404
    if verb == "cancel":
        owners = {"admin", "owner"} - ({"owner"} if state in ("accepted", "sender demoted") else set())
        owners |= {"viewer"} if state == "accepted" else set()
        if name not in owners:
            return 403
        return {"none": 404, "nominee left": 404, "open": 303}.get(state, 410)
    if name != "viewer" or state == "none":
        return 404
    return 303 if state == "open" else 410


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", EVERYBODY)
@pytest.mark.parametrize("verb", ["accept", "decline", "cancel"])
def test_every_role_in_every_state(as_, bring_to, roles, query, verb, name, state):
    bring_to(state)
    before, rows = roles(), end_of(query)
    answer = as_(name).post(f"{TRANSFER}/{verb}")
    assert answer.status_code == expected(verb, state, name)
    if answer.status_code != 303:
        assert (roles(), end_of(query)) == (before, rows)


@pytest.mark.parametrize("verb", ["accept", "decline", "cancel"])
def test_a_button_without_its_token_does_nothing(as_, offer, query, verb):
    offer()
    assert as_("owner" if verb == "cancel" else "viewer").post(f"{TRANSFER}/{verb}", token="old").status_code == 422
    assert end_of(query) == [(False, False, False)]


def test_a_button_speaks_of_the_offer_that_its_page_showed(app, as_, offer, northfield, query):
    offer()
    [(shown,)] = query("SELECT id FROM ownership_offers")
    assert f'name="offer" value="{shown}"' in as_("viewer").get("/orgs/northfield").text
    as_("owner").post(f"{TRANSFER}/cancel")
    with northfield.inside(app), transaction():
        OwnershipOffer.offer(
            northfield.organization.id, northfield.member("viewer").id, Role.VIEWER, northfield.owner.id
        )
    assert as_("viewer").post(f"{TRANSFER}/accept", offer=shown).status_code == 404
    assert as_("viewer").post(f"{TRANSFER}/accept").status_code == 303


def test_an_offer_in_another_organization_is_none_here(as_, offer):
    offer()
    for verb in ("accept", "decline", "cancel"):
        assert as_("viewer").post(f"/orgs/harbour-labs/settings/transfer/{verb}").status_code == 404
    assert as_("stranger").post("/orgs/harbour-labs/settings/transfer/cancel").status_code == 404


def test_names_are_text(as_, offer, query):
    query("UPDATE users SET name = '<b>Bold</b>'")
    offer()
    for name in ("owner", "viewer"):
        assert "<b>Bold" not in as_(name).get("/orgs/northfield").text
