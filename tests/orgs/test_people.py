import re

import pytest

from tests.auth.test_passkeys import turn_on

PEOPLE = "/orgs/northfield/people"


def names(page):
    return re.findall(r"<bdi>([^<]+)</bdi>", page.text.split("<tbody>")[-1].split("</tbody>")[0])


@pytest.mark.parametrize("name", ["owner", "admin", "operator", "viewer"])
def test_every_member_sees_the_people(as_, name):
    page = as_(name).get(PEOPLE)
    assert names(page) == ["Amara Okafor", "Hana Reyes", "Kofi Mensah", "Sven Weber"]
    assert "4 members" in page.text


@pytest.mark.parametrize("name", ["guest", "stranger"])
def test_nobody_else_does(as_, name):
    assert as_(name).get(PEOPLE).status_code == 404


@pytest.mark.parametrize("name", ["owner", "viewer"])
@pytest.mark.parametrize("query", ["", "?q=zzz", "?q=kofi&role=OPERATOR&sort=-joined"])
def test_the_page_takes_two_statements(as_, statements, invited, name, query):
    invited("ana@example.org")
    person = as_(name)
    with statements() as sent:
        person.get(PEOPLE + query)
    assert len(sent) == 2
    assert not sent.writes
    assert sent.transactions == 0


def test_pending_invitations_are_counted_for_those_who_manage_people(as_, invited):
    invited("ana@example.org")
    assert "1 pending invitation" in as_("admin").get(PEOPLE).text
    assert "1 pending invitation" in as_("admin").get(f"{PEOPLE}?q=zzz").text
    assert "pending invitation" not in as_("operator").get(PEOPLE).text


def test_actions_are_shown_to_those_who_have_them(as_):
    admin, viewer = as_("admin").get(PEOPLE).text, as_("viewer").get(PEOPLE).text
    assert (admin.count("Change…"), admin.count("Leave…")) == (3, 1)
    assert (viewer.count("Change…"), viewer.count("Leave…")) == (0, 1)
    assert "Invite people" in admin
    assert "Invite people" not in viewer


def test_the_fragment_is_part_of_the_page(as_, crowd):
    crowd(60)
    person = as_("admin")
    for query in ("", "?q=person&page=2", "?q=zzz", "?sort=-role"):
        assert person.get(PEOPLE + query, hx=True).text.strip() in person.get(PEOPLE + query).text


# --- searching --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", ["kofi", "KOFI", "Köfí", "mensah", "kofi.mensah@", "i  men"])
def test_a_search_knows_neither_case_nor_accents(as_, q):
    assert names(as_("viewer").get(PEOPLE, query_string={"q": q})) == ["Kofi Mensah"]


def test_a_search_says_how_many_match(as_):
    assert "2 people match “an”." not in as_("viewer").get(f"{PEOPLE}?q=an").text
    assert "1 person matches “kofi”." in as_("viewer").get(f"{PEOPLE}?q=kofi").text
    page = as_("viewer").get(f"{PEOPLE}?q=zzz&role=OPERATOR").text
    assert "No one matches “zzz” with role Operator." in page
    assert "Clear filters" in page


@pytest.mark.parametrize("q", ["%", "_", "\\", "％", "＿", "%%", "a%"])
def test_the_signs_of_like_are_ordinary_ones(as_, q):
    assert "No one matches" in as_("viewer").get(PEOPLE, query_string={"q": q}).text


def test_they_are_found_where_they_are(as_, join):
    join("Per_Cent 100%", email="odd@example.org")
    join("PerXCent 1000", email="even@example.org")
    for q in ("per_c", "100%", "％"):
        assert names(as_("viewer").get(PEOPLE, query_string={"q": q})) == ["Per_Cent 100%"]


@pytest.mark.parametrize("q", ["%00", "%EF%BF%BD", "a" * 300, "%E2%80%AE", "'%22%3Cscript%3E"])
def test_a_search_that_nothing_can_match_is_no_fault(as_, q):
    assert "No one matches" in as_("viewer").get(f"{PEOPLE}?q={q}").text


def test_a_role_filters(as_):
    assert names(as_("viewer").get(f"{PEOPLE}?role=ADMIN")) == ["Sven Weber"]
    assert len(names(as_("viewer").get(f"{PEOPLE}?role=SUPER"))) == 4


def test_a_filter_never_reaches_into_another_organization(as_):
    assert "No one matches" in as_("owner").get(f"{PEOPLE}?q=mateo").text


def test_managers_see_whose_two_step_verification_is_on_and_nobody_else_does(app, as_, northfield):
    turn_on(app, northfield.viewer)
    rows = as_("admin").get(PEOPLE).text.split("<tbody>")[1].split('<tr id="m-')[1:]
    assert [re.search(r'"Two-step">(\w+)', row)[1] for row in rows] == ["Off", "On", "Off", "Off"]
    assert "Two-step" not in as_("viewer").get(PEOPLE).text


@pytest.mark.parametrize(
    ("show", "found", "says"),
    [
        ("two-step-on", ["Hana Reyes"], "1 person matches “Two-step is on”."),
        ("two-step-off", ["Amara Okafor", "Kofi Mensah", "Sven Weber"], "3 people match “Two-step is off”."),
        ("project-role", ["Amara Okafor"], "1 person matches “Has a project role”."),
    ],
)
def test_managers_narrow_the_list_to_some(app, as_, northfield, show, found, says):
    turn_on(app, northfield.viewer)
    page = as_("admin").get(f"{PEOPLE}?show={show}")
    assert names(page) == found
    assert says in page.text
    assert f'<option selected value="{show}">' in page.text
    assert len(names(as_("viewer").get(f"{PEOPLE}?show={show}"))) == 4, "nobody else learns who it is"


# --- order and pages --------------------------------------------------------------------------------------------


def test_the_people_are_sorted(as_):
    viewer = as_("viewer")
    first = {sort: names(viewer.get(f"{PEOPLE}?sort={sort}"))[0] for sort in ("name", "-name", "role", "-role")}
    assert list(first.values()) == ["Amara Okafor", "Sven Weber", "Hana Reyes", "Amara Okafor"]
    assert names(viewer.get(f"{PEOPLE}?sort=nonsense"))[0] == "Amara Okafor"


def test_an_accent_does_not_move_a_name_to_the_end(as_, join):
    join("Åsa Berg")
    assert names(as_("viewer").get(PEOPLE))[:2] == ["Amara Okafor", "Åsa Berg"]


def test_a_page_holds_fifty(as_, crowd):
    crowd(60)
    viewer = as_("viewer")
    one, two = viewer.get(PEOPLE), viewer.get(f"{PEOPLE}?page=2")
    assert (len(names(one)), len(names(two))) == (50, 14)
    assert not set(names(one)) & set(names(two))
    assert "Showing 51–64 of 64 members" in two.text
    assert "(page 2 of 2)" in two.text


@pytest.mark.parametrize("page", ["3", "999999999", "99999999999999999999"])
def test_a_page_that_does_not_exist_leads_to_the_last(as_, crowd, page):
    crowd(60)
    answer = as_("viewer").get(f"{PEOPLE}?q=e&sort=-name&page={page}")
    if len(page) < 10:
        assert (answer.status_code, answer.location) == (303, f"{PEOPLE}?q=e&sort=-name&page=2")
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("page", ["0", "-1", "x", "%00", "²", "1e3", "1.5"])
def test_what_is_no_page_is_the_first(as_, page):
    assert len(names(as_("viewer").get(f"{PEOPLE}?page={page}"))) == 4


def test_a_few_people_need_no_search(as_, crowd):
    assert 'role="search"' not in as_("viewer").get(PEOPLE).text
    crowd(4)
    assert 'role="search"' in as_("viewer").get(PEOPLE).text
