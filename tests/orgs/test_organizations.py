"""One's organizations: the list, a new one, restoring a deleted one, and invitations that wait."""

import pytest

from models import Invitation, Offer, Organization, db, transaction
from tests.factories import make_user

ORGS = "/orgs"


def deleted(app, northfield, days=0):
    with northfield.inside(app), transaction():
        db.session.get_one(Organization, northfield.organization.id).delete()
        db.session.flush()
        db.session.execute(db.text(f"UPDATE organizations SET deleted_at = deleted_at - interval '{days} days'"))


def restore_path(northfield):
    return f"/orgs/deleted/{northfield.organization.id}/restore"


def test_a_visitor_logs_in_first(browser, northfield):
    for path in ("/orgs", "/orgs/new", "/orgs/switcher", "/orgs/northfield"):
        assert browser().get(path).location.startswith("/login?next=")


def test_the_list_shows_ones_own_organizations_with_role_and_members(as_):
    page = as_("viewer").get(ORGS).text
    assert "Northfield" in page
    assert 'data-role="viewer"' in page
    assert "4 members" in page
    assert "Harbour Labs" not in page


def test_the_list_shows_a_guest_where_they_are_one(as_):
    page = as_("guest").get(ORGS).text
    assert "Guest" in page
    assert "on 1 project" in page
    assert "4 members" not in page


def test_somebody_new_is_told_how_to_start(app, browser):
    with app.app_context():
        nia = make_user("Nia New")
    page = browser(nia).get(ORGS).text
    assert "Start with an organization" in page
    assert "An organization holds your people and projects" in page
    assert "nia.new@example.org" in page


def test_the_list_takes_three_statements(as_, statements):
    owner = as_("owner")
    with statements() as sent:
        owner.get(ORGS)
    assert len(sent) == 3
    assert not sent.writes


def test_the_fragment_is_part_of_the_page(as_):
    owner = as_("owner")
    assert owner.get(ORGS, hx=True).text.strip() in owner.get(ORGS).text


@pytest.mark.parametrize("page", ["0", "-1", "2", "x", "99999999999999999999", "%00"])
def test_a_page_that_does_not_exist_is_no_fault(as_, page):
    assert as_("owner").get(f"/orgs?page={page}").status_code in (200, 303)


def test_the_switcher_lists_the_first_ten(app, browser, northfield):
    with northfield.inside(app), transaction():
        for n in range(12):
            Organization.create(f"Place {n:02}", f"place-{n:02}", northfield.owner.id)
    owner = browser(northfield.owner)
    part, page = owner.get("/orgs/switcher", hx=True).text, owner.get("/orgs/switcher").text
    assert part.count("<a ") == 10
    assert part.strip() in page


# --- creating ---------------------------------------------------------------------------------------------------


def test_an_organization_is_created_with_an_address_from_its_name(as_, query, northfield):
    answer = as_("stranger").post("/orgs/new", name="  Nørth & Söns ", slug="")
    assert (answer.status_code, answer.location) == (303, "/orgs/nrth-sons")
    assert query("SELECT name, slug FROM organizations WHERE slug = 'nrth-sons'") == [("Nørth & Söns", "nrth-sons")]
    assert query(
        "SELECT m.role::text FROM organization_members m JOIN organizations o ON o.id = m.organization_id "
        "WHERE o.slug = 'nrth-sons' AND m.user_id = %(user)s",
        user=northfield.stranger.id,
    ) == [("OWNER",)]


def test_htmx_is_moved_to_the_new_organization(as_):
    answer = as_("stranger").post("/orgs/new", hx=True, name="Quay", slug="quay")
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/orgs/quay")


def test_a_name_that_is_taken_gets_another_address(as_):
    assert as_("stranger").post("/orgs/new", name="Northfield").location == "/orgs/northfield-2"


def test_a_name_that_hundreds_have_gets_the_next_number(as_, query, northfield):
    query(
        "INSERT INTO organization_slugs (slug, organization_id) SELECT 'acme' || suffix, %(id)s"
        " FROM (SELECT '' UNION SELECT '-' || n FROM generate_series(2, 250) n) t (suffix)",
        id=northfield.organization.id,
    )
    assert as_("stranger").post("/orgs/new", name="Acme").location == "/orgs/acme-251"


def test_an_address_that_is_taken_is_refused_with_one_that_is_free(as_):
    answer = as_("stranger").post("/orgs/new", name="Mine", slug=" Northfield ")
    assert answer.status_code == 422
    words = "Another organization already uses the address <em>northfield</em>. Try <em>northfield-2</em>."
    assert words in answer.text
    assert 'value="Mine"' in answer.text


def test_a_former_address_stays_taken(as_):
    as_("owner").post("/orgs/northfield/settings", name="Northfield", slug="southfield")
    assert as_("stranger").post("/orgs/new", name="Mine", slug="northfield").status_code == 422


BAD_SLUGS = ["-a", "a-", "a", "a" * 51, "a b", "ä", "a_b", "a.b", "../x", "settings", "new", "static", "a\0b", "\ufffd"]


@pytest.mark.parametrize("slug", BAD_SLUGS)
def test_an_address_that_cannot_be_is_refused(as_, query, slug):
    answer = as_("stranger").post("/orgs/new", name="Mine", slug=slug)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert query("SELECT count(*) FROM organizations") == [(2,)]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b", "a\nb", "\ufffd", "\u202eabc"])
@pytest.mark.parametrize("hx", [True, False])
def test_a_name_that_cannot_be_is_refused_with_the_form(as_, name, hx):
    answer = as_("stranger").post("/orgs/new", hx=hx, name=name, slug="kept-here")
    assert answer.status_code == 422
    assert 'value="kept-here"' in answer.text
    assert ("<title>Error: " in answer.text) is not hx


@pytest.mark.parametrize(
    "path", ["/orgs?page=%ff", "/orgs/northfield/people?q=%ff", "/orgs/northfield/people?q=%ed%a0%80"]
)
def test_an_address_that_is_no_text_is_refused(as_, path):
    assert as_("owner").get(path).status_code == 400


def test_bytes_that_are_no_text_are_refused(as_):
    stranger = as_("stranger")
    body = f"csrf_token={stranger.token()}&name=%ff%fe&slug=%ff".encode()
    answer = stranger.client.post("/orgs/new", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400


def test_a_stale_token_keeps_what_was_typed(as_, query):
    answer = as_("stranger").post("/orgs/new", token="old", name="Kept", slug="kept")
    assert answer.status_code == 422
    assert "This page was open for a long time" in answer.text
    assert 'value="Kept"' in answer.text
    assert query("SELECT count(*) FROM organizations") == [(2,)]


def test_where_only_the_host_creates_there_is_no_button_and_no_way(app_with, browser, northfield):
    person = browser(northfield.owner, app=app_with(org_creation="host"))
    refused = [person.get("/orgs/new"), person.post("/orgs/new", name="Mine")]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert "organizations are created by whoever runs it" in refused[0].text
    assert "Create an organization" not in person.get(ORGS, hx=True).text


# --- restoring --------------------------------------------------------------------------------------------------


def test_an_owner_restores_a_deleted_organization(app, as_, northfield):
    deleted(app, northfield, days=29)
    owner = as_("owner")
    assert "You can restore it within 30 days" in owner.get(ORGS).text
    answer = owner.post(restore_path(northfield))
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield")
    assert "Northfield was restored." in owner.get("/orgs/northfield").text


@pytest.mark.parametrize("name", ["admin", "operator", "viewer", "guest", "stranger"])
def test_nobody_else_sees_or_restores_it(app, as_, northfield, name):
    deleted(app, northfield)
    person = as_(name)
    assert "Northfield" not in person.get(ORGS).text
    assert person.post(restore_path(northfield)).status_code == 404
    assert person.get("/orgs/northfield").status_code == 404


def test_after_thirty_days_it_is_gone(app, as_, northfield):
    deleted(app, northfield, days=31)
    assert "Northfield" not in as_("owner").get(ORGS).text
    assert as_("owner").post(restore_path(northfield)).status_code == 404


def test_what_was_not_deleted_is_not_restored(as_, northfield):
    assert as_("owner").post(restore_path(northfield)).status_code == 404


# --- invitations that wait --------------------------------------------------------------------------------------


def test_an_invitation_that_waits_is_accepted(as_, invited, northfield):
    path = f"/orgs/invitations/{invited(northfield.stranger.email, 'OPERATOR', message='Welcome aboard')}"
    stranger = as_("stranger")
    page = stranger.get(ORGS).text
    assert "invited you" in page
    assert "Welcome aboard" in page
    answer = stranger.post(f"{path}/accept")
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield")
    assert "You joined Northfield as Operator." in stranger.get("/orgs/northfield").text
    assert stranger.post(f"{path}/accept").status_code == 410


def test_who_became_a_member_in_that_moment_is_led_in(as_, invited, northfield, query, meanwhile):
    row = "INSERT INTO organization_members (organization_id, user_id, role) VALUES (%(here)s, %(who)s, 'VIEWER')"
    who = {"here": northfield.organization.id, "who": northfield.stranger.id}
    invitation, stranger = invited(northfield.stranger.email), as_("stranger")
    meanwhile(Offer, "accept", lambda: query(row, **who))
    answer = stranger.post(f"/orgs/invitations/{invitation}/accept")
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield")
    assert "You are a member of Northfield already." in stranger.get(answer.location).text


def test_an_invitation_that_waits_is_declined(as_, invited, northfield):
    path = f"/orgs/invitations/{invited(northfield.stranger.email)}"
    stranger = as_("stranger")
    answer = stranger.post(f"{path}/decline", hx=True)
    assert 'id="organizations"' in answer.text
    assert "You declined the invitation to Northfield." in answer.text
    assert "invited you" not in stranger.get(ORGS).text
    assert stranger.post(f"{path}/decline").status_code == 410


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_somebody_elses_invitation_does_not_exist(as_, invited, verb):
    path = f"/orgs/invitations/{invited('ana@example.org')}/{verb}"
    assert as_("stranger").post(path).status_code == 404


def test_an_unproven_address_is_shown_no_invitation(app, as_, invited, northfield, query):
    id = invited(northfield.stranger.email)
    query("UPDATE users SET email_verified_at = NULL WHERE id = %(id)s", id=northfield.stranger.id)
    assert "invited you" not in as_("stranger").get(ORGS).text
    assert as_("stranger").post(f"/orgs/invitations/{id}/accept").status_code == 404


def test_an_invitation_that_was_withdrawn_meanwhile_is_gone(app, as_, invited, northfield):
    id = invited(northfield.stranger.email)
    with northfield.inside(app), transaction():
        db.session.get_one(Invitation, id).revoke()
    assert as_("stranger").post(f"/orgs/invitations/{id}/accept").status_code == 410
