"""Projects: the list, the page, details, archiving and deleting."""

import pytest

import access
from models import Project, Role, db, transaction
from models.project import OPEN, RESTRICTED
from tests.browser_like import without_tokens, words


@pytest.fixture
def many(app, northfield):
    """Sixty more projects; Project 01 to Project 60."""
    with northfield.inside(app), transaction():
        rows = [Project(organization_id=northfield.organization.id, name=f"Project {n:02}") for n in range(1, 61)]
        db.session.add_all(rows)


def test_the_list_shows_what_exists_for_each(browser, northfield, at):
    assert "Payroll" in browser(northfield.admin).get(at()).text
    page = browser(northfield.viewer).get(at()).text
    assert "Billing pipeline" in page
    assert "Payroll" not in page


def test_the_list_is_one_statement_behind_the_gate(browser, northfield, at, statements, many):
    visitor = browser(northfield.viewer)
    with statements() as sent:
        visitor.get(at())
    assert len(sent) == 2
    assert sent.writes == []


def test_a_badge_tells_where_the_role_comes_from(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    assert '<span class="role" data-role="admin">Admin' in browser(northfield.viewer).get(at()).text
    assert 'data-role="operator" data-from="inherited"' in browser(northfield.operator).get(at()).text


def test_the_list_has_pages(browser, northfield, at, many):
    visitor = browser(northfield.viewer)
    first = visitor.get(at()).text
    assert "Showing 1–50 of 61 projects" in first
    assert "Project 49" in first
    assert "Project 50" not in first
    assert "Project 50" in visitor.get(f"{at()}?page=2").text


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "9" * 30, "²", ""])
def test_a_page_that_cannot_be_is_another(page, browser, northfield, at, many):
    assert "of 61 projects" in browser(northfield.viewer).get(f"{at()}?page={page}").text


def test_the_search_appears_above_seven(browser, northfield, at, many):
    assert 'type="search"' in browser(northfield.viewer).get(at()).text


def test_few_projects_need_no_search(browser, northfield, at):
    assert 'type="search"' not in browser(northfield.viewer).get(at()).text


def test_the_search_ignores_case_and_accents(browser, northfield, at):
    assert "1 project matches “bÍLLing”." in browser(northfield.viewer).get(f"{at()}?q=bÍLLing").text


@pytest.mark.parametrize("q", ["%", "_", "\\", "zzz", "x" * 300])
def test_the_search_takes_signs_as_they_are(q, browser, northfield, at):
    response = browser(northfield.viewer).get(at(), query_string={"q": q})
    assert response.status_code == 200
    assert "No project matches" in response.text


def test_a_nul_byte_in_the_search_is_no_fault(browser, northfield, at):
    assert browser(northfield.viewer).get(f"{at()}?q=%00").status_code == 400


def test_archived_projects_come_last(browser, northfield, at, archive, many):
    archive(northfield.project)
    page = browser(northfield.viewer).get(f"{at()}?page=2").text
    assert page.index("Project 60") < page.index("Billing pipeline")
    assert "Archived" in page


def test_an_empty_list_says_who_can_help(browser, northfield):
    admins = browser(northfield.stranger)
    admins.post(f"/orgs/harbour-labs/projects/{northfield.harbour_project.id}/delete", confirm="Lighthouse")
    page = admins.get("/orgs/harbour-labs/projects").text
    assert "No projects yet" in page
    assert "A project is where roles apply." in page


def test_an_empty_list_for_a_viewer(browser, northfield, at):
    browser(northfield.owner).post(at(northfield.project, "delete"), confirm="Billing pipeline")
    assert "Admins can create them." in browser(northfield.viewer).get(at()).text


@pytest.mark.parametrize("access", [OPEN, RESTRICTED])
def test_creating_leads_to_the_project(access, browser, northfield, at, query):
    visitor = browser(northfield.admin)
    response = visitor.post(f"{at()}/new", name="  Atlas ", description="Maps", access=access)
    [(id, *values)] = query("SELECT id, name, description, access FROM projects WHERE name = 'Atlas'")
    assert values == ["Atlas", "Maps", access]
    assert response.location == at(id)
    assert "Atlas was created." in visitor.get(response.location).text


def test_creating_by_htmx_moves_the_browser(browser, northfield, at):
    response = browser(northfield.admin).post(f"{at()}/new", hx=True, name="Atlas")
    assert (response.status_code, response.headers["HX-Redirect"][:26]) == (200, at() + "/")


def test_who_creates_a_restricted_project_is_on_it(browser, northfield, at, query):
    browser(northfield.admin).post(f"{at()}/new", name="Atlas", access=RESTRICTED)
    rows = query(
        "SELECT m.user_id, m.role FROM project_members m JOIN projects p ON p.id = project_id AND name = 'Atlas'"
    )
    assert [tuple(row) for row in rows] == [(northfield.admin.id, None)]


@pytest.mark.parametrize("name", ["billing PIPELINE", " Billing pipeline "])
def test_a_name_is_taken_once(name, browser, northfield, at):
    response = browser(northfield.admin).post(f"{at()}/new", name=name, description="Mine")
    assert response.status_code == 422
    assert "Another project of this organization has this name." in response.text
    assert "Mine" in response.text


def test_two_organizations_may_use_one_name(browser, northfield):
    visitor = browser(northfield.stranger)
    assert visitor.post("/orgs/harbour-labs/projects/new", name="Billing pipeline").status_code == 303


BAD = {
    "no name": {"name": ""},
    "only spaces": {"name": " \t "},
    "a long name": {"name": "x" * 101},
    "a NUL byte": {"name": "At\0las"},
    "a line break": {"name": "At\nlas"},
    "broken UTF-8": {"name": "At\ufffdlas"},
    "a reversed name": {"name": "At\u202elas"},
    "a long description": {"name": "Atlas", "description": "x" * 501},
    "a NUL byte below": {"name": "Atlas", "description": "x\0"},
    "an unknown access": {"name": "Atlas", "access": "everyone"},
    "an empty access": {"name": "Atlas", "access": ""},
    "a stale token": {"name": "Atlas", "token": "0" * 64},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
@pytest.mark.parametrize("page", ["new", "edit"])
def test_bad_input_is_told_at_the_form(page, fields, browser, northfield, at, state):
    before = state()
    url = f"{at()}/new" if page == "new" else at(northfield.project, "edit")
    response = browser(northfield.admin).post(url, **fields)
    assert response.status_code == 422
    assert "There is a problem" in response.text
    assert "<title>Error: " in response.text
    assert state() == before


@pytest.mark.parametrize("name", ["At%FFlas", "At%ED%A0%80las", "At%00las"])
def test_bytes_that_are_no_text_are_no_fault(name, browser, northfield, at, state):
    visitor, before = browser(northfield.admin), state()
    body, kind = f"csrf_token={visitor.token()}&name={name}", "application/x-www-form-urlencoded"
    response = visitor.client.post(f"{at()}/new", data=body, content_type=kind)
    assert response.status_code in (400, 422)
    assert state() == before


def test_a_stale_token_keeps_what_was_typed(browser, northfield, at):
    response = browser(northfield.admin).post(f"{at()}/new", name="Atlas", description="Maps", token="stale")
    assert "This page was open for a long time." in response.text
    assert 'value="Atlas"' in response.text
    assert "Maps" in response.text


def test_names_are_text(browser, northfield, at):
    visitor = browser(northfield.admin)
    response = visitor.post(f"{at()}/new", name="<script>alert(1)</script>", description="<b>bold</b>")
    page = visitor.get(response.location).text
    assert "<script>alert" not in page
    assert "<b>bold" not in page


def test_the_page_tells_ones_role_and_why(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    page = words(browser(northfield.viewer).get(at(northfield.project)).text)
    assert "Set on this project by Hana Reyes" in page
    assert "Northfield role: Viewer" in page


def test_the_page_of_a_guest(browser, northfield, at):
    page = browser(northfield.guest).get(at(northfield.restricted)).text
    assert "Guest: not a member of Northfield" in page
    assert f'href="{at()}"' not in page


@pytest.mark.parametrize("who", ["operator", "guest"])
def test_an_operator_is_offered_no_access(who, browser, northfield, at, query):
    project = northfield.restricted if who == "guest" else northfield.project
    visitor = browser(northfield.person(who))
    assert 'name="access"' not in visitor.get(at(project, "edit")).text
    assert visitor.post(at(project, "edit"), name="Atlas", description="", access=project.access).status_code == 303
    assert query("SELECT access FROM projects WHERE name = 'Atlas'")[0][0] == project.access


def test_restricting_takes_effect_at_once(browser, northfield, at):
    browser(northfield.admin).post(at(northfield.project, "edit"), name="Billing pipeline", access=RESTRICTED)
    assert browser(northfield.operator).get(at(northfield.project)).status_code == 404


def test_two_who_edit_at_once_are_told(browser, northfield, at, query):
    visitor, url = browser(northfield.operator), at(northfield.project, "edit")
    assert browser(northfield.admin).post(url, name="Atlas", description="", version="1").status_code == 303
    second = visitor.post(url, name="Globe", description="", version="1")
    assert second.status_code == 409
    assert "Sven Weber changed this" in second.text
    assert "<dt>Name</dt><dd>Atlas</dd>" in second.text
    assert 'value="Globe"' in second.text
    assert 'name="version" value="2"' in second.text
    link = second.text.split("Keep theirs")[0].rpartition('href="')[2].split('"')[0]
    assert "Atlas" in visitor.get(link).text
    assert "Save mine" in second.text
    assert visitor.post(url, name="Globe", description="", version="2").status_code == 303
    assert query("SELECT count(*) FROM projects WHERE name = 'Globe'")[0][0] == 1


def test_who_may_only_use_a_project_by_now_opens_it_to_nobody(browser, northfield, at, query, give, meanwhile):
    """It was restricted, and its Admin demoted, while they saved the form that said what it was before."""

    def restrict():
        query("UPDATE projects SET access = 'restricted' WHERE id = %(id)s", id=northfield.project.id)
        query("UPDATE organization_members SET role = 'OPERATOR' WHERE user_id = %(id)s", id=northfield.admin.id)

    give(northfield.project, northfield.admin, Role.OPERATOR)
    admin = browser(northfield.admin)
    meanwhile(access, "confirm_on", restrict)
    saved = {"name": "Billing pipeline", "description": "New", "access": OPEN, "version": ""}
    assert admin.post(at(northfield.project, "edit"), **saved).status_code == 403
    assert query("SELECT access FROM projects WHERE id = %(id)s", id=northfield.project.id) == [("restricted",)]


def test_saving_the_same_twice_is_no_conflict(browser, northfield, at):
    visitor = browser(northfield.operator)
    fields = {"name": "Atlas", "description": "", "version": "1"}
    assert [visitor.post(at(northfield.project, "edit"), **fields).status_code for _ in range(2)] == [303, 303]


def test_archiving_redraws_the_page(browser, northfield, at):
    visitor = browser(northfield.admin)
    fragment = visitor.post(at(northfield.project, "archive"), hx=True).text
    assert "This project is archived." in fragment
    assert "Billing pipeline was archived at " in fragment
    assert "Archive Billing pipeline" in visitor.post(at(northfield.project, "restore"), hx=True).text


def test_archiving_twice_keeps_the_time(browser, northfield, at, query):
    visitor, times = browser(northfield.admin), "SELECT archived_at FROM projects WHERE name = 'Billing pipeline'"
    visitor.post(at(northfield.project, "archive"))
    first = query(times)
    visitor.post(at(northfield.project, "archive"))
    assert query(times) == first


def test_an_archived_project_offers_nothing(browser, northfield, at, archive):
    archive(northfield.project)
    page = browser(northfield.viewer).get(at(northfield.project)).text
    assert "This project is archived." in page
    assert "<button" not in page.split("<main")[1].split("</main>")[0]


@pytest.mark.parametrize("typed", ["Billing pipeline", " billing PIPELINE "])
def test_deleting_takes_the_name(typed, browser, northfield, at, query):
    response = browser(northfield.admin).post(at(northfield.project, "delete"), confirm=typed)
    assert (response.status_code, response.location) == (303, at())
    assert query("SELECT count(*) FROM projects WHERE id = %(id)s", id=northfield.project.id)[0][0] == 0


@pytest.mark.parametrize("typed", ["", "Billing", "Payroll", "Billing\0pipeline"])
def test_another_name_deletes_nothing(typed, browser, northfield, at, state):
    before = state()
    response = browser(northfield.admin).post(at(northfield.project, "delete"), confirm=typed)
    assert response.status_code == 422
    assert "Type Billing pipeline to confirm." in response.text
    assert state() == before


def test_deleting_says_what_goes(browser, northfield, at):
    assert "set on it for 2 people" in browser(northfield.owner).get(at(northfield.restricted, "delete")).text


def test_a_guest_who_deletes_comes_home(browser, northfield, at, give):
    give(northfield.restricted, northfield.guest, Role.ADMIN)
    response = browser(northfield.guest).post(at(northfield.restricted, "delete"), confirm="Payroll")
    assert (response.status_code, response.location) == (303, "/orgs")


IMPOSSIBLE = ["nonsense", "00000000-0000-0000-0000-000000000000", "%00", "../people", "1"]


@pytest.mark.parametrize("id", IMPOSSIBLE)
def test_an_impossible_project_is_not_found(id, browser, northfield, at):
    assert browser(northfield.owner).get(at(id)).status_code == 404


def test_another_tenants_project_looks_like_none(browser, northfield, at):
    visitor = browser(northfield.owner)
    foreign = visitor.get(at(northfield.harbour_project))
    unknown = visitor.get(at("00000000-0000-0000-0000-000000000000"))
    assert (foreign.status_code, words(foreign.text)) == (404, words(unknown.text))
    assert visitor.post(at(northfield.harbour_project, "archive")).status_code == 404


PAGES = ["", "/new", "/{}", "/{}/edit", "/{}/delete"]


@pytest.mark.parametrize("page", PAGES)
def test_a_fragment_is_a_part_of_its_page(page, browser, northfield, at):
    visitor, url = browser(northfield.owner), at() + page.format(northfield.project.id)
    fragment = visitor.get(url, hx=True)
    assert without_tokens(fragment.text).strip() in without_tokens(visitor.get(url).text)
    assert "HX-Request" in fragment.headers["Vary"]
    assert "<html" not in fragment.text


@pytest.mark.parametrize(
    ("page", "count"), [("", 2), ("/new", 1), ("/{}", 3), ("/{}/edit", 3), ("/{}/archive", 3), ("/{}/delete", 3)]
)
def test_pages_stay_in_their_budget(page, count, browser, northfield, at, statements):
    visitor, url = browser(northfield.owner), at() + page.format(northfield.project.id)
    with statements() as sent:
        visitor.get(url)
    assert len(sent) == count
    assert sent.writes == []


def test_signed_out_htmx_is_sent_to_log_in(browser, northfield, at):
    response = browser().post(at(northfield.project, "archive"), hx=True)
    assert response.status_code == 401
    assert response.headers["HX-Redirect"].startswith("/login?next=")


def test_a_stale_button_can_be_pressed_again(browser, northfield, at, state):
    before = state()
    response = browser(northfield.admin).post(at(northfield.project, "archive"), token="stale")
    assert response.status_code == 422
    assert "This page was open for a long time" in response.text
    assert state() == before
