"""The page of the audit log and its CSV: who may read them, what they say, and how they are narrowed and paged."""

import csv
import json
import re
from io import StringIO
from uuid import uuid4

import pytest

from blueprints.orgs.export import neutral
from models import Project, Role, db, release, transaction
from models.audit import note
from models.audit.actions import ACTIONS, MEMBER_ROLE_CHANGED, ORGANIZATION_RENAMED, Action
from models.audit.checkpoints import Checkpoint
from tests.factories import add_user

AUDIT = "/orgs/northfield/audit"
ADDRESSES = [AUDIT, f"{AUDIT}.csv", f"{AUDIT}/checkpoint"]


@pytest.fixture
def many(app, northfield):
    """many(60) notes so many changes by nobody in Northfield, with their number."""

    def make(number):
        for first in range(0, number, 500):  # one statement writes them all, and may take five seconds
            with northfield.inside(app), transaction():
                for n in range(first, min(first + 500, number)):
                    names = {"name": f"Name {n}", "slug": "northfield"}
                    note(ORGANIZATION_RENAMED, organization_id=northfield.organization.id, before=names, after=names)

    return make


def places(page):
    return [int(seq) for seq in re.findall(r'id="event-(\d+)"', page.text)]


def rows(answer):
    return list(csv.DictReader(StringIO(answer.text)))


def link(page, name):
    found = re.search(rf'id="page-{name}" href="([^"]+)"', page.text)
    return found and found[1].replace("&amp;", "&")


@pytest.mark.parametrize(("who", "status"), [
    ("owner", 200), ("admin", 200), ("operator", 403), ("viewer", 403), ("guest", 404), ("stranger", 404),
    ("visitor", 302),
])  # fmt: skip
@pytest.mark.parametrize("url", ADDRESSES)
def test_admins_read_it(url, who, status, as_):
    assert as_(who).get(url).status_code == status


@pytest.mark.parametrize(("who", "shown"), [("owner", True), ("admin", True), ("operator", False), ("viewer", False)])
def test_the_ways_to_it_are_for_those_who_may(who, shown, as_, northfield):
    person = as_(who)
    home = person.get("/orgs/northfield").text
    assert ("Audit log" in home) is ("Recent activity" in home) is shown
    member = person.get(f"/orgs/northfield/people/{northfield.member('viewer').id}").text
    assert (f"{AUDIT}?person={northfield.viewer.id}" in member) is shown
    project = person.get(f"/orgs/northfield/projects/{northfield.project.id}").text
    assert (f"{AUDIT}?project={northfield.project.id}" in project) is shown


def test_it_says_in_a_sentence_who_did_what(as_, northfield):
    as_("admin").post(f"/orgs/northfield/people/{northfield.member('viewer').id}/role", role="OPERATOR")
    page = as_("owner").get(AUDIT).text
    sentence = (
        "<strong><bdi>Sven Weber</bdi></strong> changed <strong><bdi>Hana Reyes</bdi></strong> from Viewer to Operator"
    )
    assert sentence in page
    assert sentence in as_("owner").get("/orgs/northfield").text
    assert "<strong><bdi>The host</bdi></strong> created the project <bdi>Billing pipeline</bdi>" in page
    assert "Viewer → Operator" in page
    assert "127.0.0.1" in page


def test_every_action_has_words(as_, app, northfield):
    """Also for events that say less than the sentence wants, and for actions that nobody declared."""
    for action in [*ACTIONS.values(), Action("x.y", "", "")]:
        with northfield.inside(app), transaction():
            note(action, organization_id=northfield.organization.id)
            note(action, organization_id=northfield.organization.id, subject=uuid4(), project_id=uuid4())
    page = as_("owner").get(AUDIT)
    assert page.status_code == 200
    assert "x.y" in page.text
    assert "a former member" in page.text
    assert "a deleted project" in as_("owner").get(f"{AUDIT}?action=project_role.set").text
    assert as_("owner").get(f"{AUDIT}.csv").status_code == 200


def test_who_is_gone_is_named_as_their_account_says(as_, northfield, query):
    as_("admin").post(f"/orgs/northfield/people/{northfield.member('viewer').id}/remove")
    query("UPDATE users SET name = 'Deleted account' WHERE id = %(id)s", id=northfield.viewer.id)
    assert "removed <strong><bdi>Deleted account</bdi></strong>, who was Viewer" in as_("owner").get(AUDIT).text


def test_nothing_of_another_organization_is_there(as_, northfield, query):
    mateo = as_("stranger")
    mateo.post("/orgs/harbour-labs/settings", name="Harbour of Secrets", slug="harbour-labs")
    for url in ADDRESSES:
        for args in (
            "",
            f"?person={northfield.stranger.id}",
            f"?project={northfield.harbour_project.id}",
            "?person=mateo",
        ):
            text = as_("owner").get(url + args).text
            assert "Secrets" not in text
            assert "Mateo" not in text
            assert "Lighthouse" not in text


FILTERS = [
    ("person=hana", {"project_role.set", "member.joined"}),
    ("person=SVÉN", {"project_role.set", "member.joined"}),
    ("person=sven@", set()),
    ("person=HANA.reyes@example.org", {"project_role.set", "member.joined"}),
    ("person=a.reyes@example.org", set()),
    ("person={viewer}", {"project_role.set", "member.joined"}),
    ("person=nobody", set()),
    ("person=%25", set()),
    ("person=%00", set()),
    ("person=lena&project=payroll", {"project_role.set"}),
    ("action=member.joined", {"member.joined"}),
    ("action=no.such", None),
    ("project=billing", {"project.created", "project_role.set"}),
    ("project={project}", {"project.created", "project_role.set"}),
    ("project=billing&action=project.created", {"project.created"}),
    ("project={nobody}", set()),
    ("person={nobody}", set()),
    ("from=2020-01-01", None),
    ("to=2020-01-01", set()),
    ("from=2999-01-01", set()),
    ("from=2020-01-01&to=2999-12-31", None),
    ("from=yesterday&to=9999-12-31", None),
    ("to=9999-12-30", None),
    ("before=x&after=99999999999999999999999", None),
    ("before=0&after=0", None),
    ("before=1", set()),
    ("after=9223372036854775807", set()),
]  # fmt: skip


@pytest.mark.parametrize(("query_string", "actions"), FILTERS)
def test_filters_narrow_page_and_csv_alike(query_string, actions, as_, app, northfield):
    """Before, in Northfield: it was created, three joined, two projects were made, and Lena got a role."""
    with northfield.inside(app), transaction():
        project = db.session.get_one(Project, northfield.project.id)
        for member in (northfield.viewer, northfield.admin):
            project.set_role(member.id, Role.ADMIN, northfield.admin.id)
    everything = {"organization.created", "project.created", "member.joined", "project_role.set"}
    wanted = everything if actions is None else actions
    url = query_string.format(nobody=uuid4(), **{n: getattr(northfield, n).id for n in ("viewer", "project")})
    owner = as_("owner")
    page, sheet = owner.get(f"{AUDIT}?{url}"), rows(owner.get(f"{AUDIT}.csv?{url}"))
    assert {row["action"] for row in sheet} == wanted
    assert [int(row["number"]) for row in sheet] == places(page)
    assert ("No entries match. The log starts on" in page.text) is (not wanted)
    if "person={viewer}" in query_string:
        assert 'value="hana.reyes@example.org"' in page.text


def test_a_person_is_who_did_it_and_whom_it_happened_to_once(as_, app, northfield):
    admin = as_("admin")
    admin.post(f"/orgs/northfield/people/{northfield.member('admin').id}/role", role="OPERATOR")  # both at once
    found = rows(as_("owner").get(f"{AUDIT}.csv?person={northfield.admin.id}"))
    assert [row["action"] for row in found] == ["member.role_changed", "member.joined"]


def test_who_left_is_still_found_by_name(as_, northfield):
    as_("viewer").post("/orgs/northfield/settings/leave")
    assert {row["action"] for row in rows(as_("owner").get(f"{AUDIT}.csv?person=hana"))} == {
        "member.left", "member.joined"
    }  # fmt: skip


@pytest.mark.parametrize("ending", ["access/{mateo}/remove", "delete"])
def test_a_guest_who_left_is_still_found_by_name(as_, invited, northfield, ending):
    invitation = invited("mateo@example.com", project=northfield.project)
    as_("stranger").post(f"/orgs/invitations/{invitation}/accept")
    where = f"/orgs/northfield/projects/{northfield.project.id}/{ending.format(mateo=northfield.stranger.id)}"
    assert as_("owner").post(where, confirm=northfield.project.name).status_code == 303
    found = rows(as_("owner").get(f"{AUDIT}.csv?person=mateo"))
    assert "guest.joined" in {row["action"] for row in found}


def test_a_name_that_many_have_is_said_to_be_vague(as_, app, northfield):
    with northfield.inside(app), transaction():
        for n in range(21):
            northfield.organization.admit(add_user(f"Nguyen {n:02}").id, Role.VIEWER)
    page = as_("owner").get(f"{AUDIT}?person=nguyen")
    assert "More than 20 names match." in page.text
    assert len(places(page)) == 20
    assert "More than 20" not in as_("owner").get(f"{AUDIT}?person=nguyen 01").text


def test_newer_and_older_lead_through_all_and_back(as_, many, query, northfield):
    many(120)
    owner, there = as_("owner"), AUDIT
    pages = []
    while there:
        page = owner.get(there)
        pages.append(places(page))
        there, back = link(page, "older"), link(page, "newer")
    total = query("SELECT max(seq) FROM audit_events WHERE chain = %(c)s", c=northfield.organization.id)[0][0]
    assert [place for page in pages for place in page] == list(range(total, 0, -1))
    assert [len(page) for page in pages] == [50, 50, total - 100]
    many(3)  # nothing that is being read slides
    again = owner.get(back)
    assert places(again) == pages[-2]
    assert link(again, "newer")
    first = owner.get(link(again, "newer"))
    assert places(first) == pages[0]
    newest = owner.get(link(first, "newer"))
    assert places(newest) == [total + 3, total + 2, total + 1]
    assert link(newest, "newer") is None


def test_the_ways_on_keep_the_filters(as_, many):
    many(60)
    page = as_("owner").get(f"{AUDIT}?action=organization.renamed&from=2020-01-01&person=&to=")
    assert link(page, "older").startswith(f"{AUDIT}?action=organization.renamed&from=2020-01-01&before=")
    assert f'href="{AUDIT}.csv?action=organization.renamed&amp;from=2020-01-01"' in page.text


@pytest.mark.parametrize(("args", "cost"), [("", 2), ("?action=member.joined", 2), ("?person=hana&project=bill", 3)])
def test_it_takes_three_statements_at_most(args, cost, as_, statements):
    owner = as_("owner")
    with statements() as sent:
        owner.get(f"{AUDIT}{args}")
    assert len(sent) == cost
    assert not sent.writes


def test_the_fragment_is_a_part_of_the_page(as_):
    owner = as_("owner")
    assert owner.get(AUDIT, hx=True).text.strip() in owner.get(AUDIT).text


HOSTILE = ["<script>alert(1)</script>", "{actor}{0}{new_role.__class__}", "=1+1", "\"'><img src=x>", "&amp;", "%s%(a)s"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(name, as_, northfield, query):
    query("UPDATE users SET name = %(name)s WHERE id = %(id)s", name=name, id=northfield.admin.id)
    admin = as_("admin")
    admin.post("/orgs/northfield/projects/new", name=name, access="organization")
    admin.post("/orgs/northfield/settings", name=name, slug="northfield")
    page, home = as_("owner").get(AUDIT).text, as_("owner").get("/orgs/northfield").text
    for text in (page, home):
        assert "<script>alert" not in text
        assert "<img" not in text
    assert rows(as_("owner").get(f"{AUDIT}.csv"))[0]["what happened"].startswith(
        ("'" if name.startswith("=") else "") + f"{name} changed Northfield"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(start):
    assert neutral(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert neutral(f"a{start}") == f"a{start}"
    assert neutral(None) == ""


def test_the_csv_is_a_file_of_all(as_, many, northfield):
    many(3)
    answer = as_("owner").get(f"{AUDIT}.csv")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="northfield-audit.csv"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    newest, *others = rows(answer)
    assert newest["action"] == "organization.renamed"
    assert json.loads(newest["before"]) == {"name": "Name 2", "slug": "northfield"}
    assert newest["actor"] == "The host"
    assert len(others) > 5


def test_a_long_csv_comes_in_batches_and_holds_no_connection(as_, many, app, statements):
    many(2100)
    with app.app_context():
        pool = db.engine.pool
    owner = as_("owner")
    with statements() as sent:
        answer = owner.client.get(f"{AUDIT}.csv?action=organization.renamed", buffered=False)
        held, parts = [], []
        for part in answer.response:
            held.append(pool.checkedout())
            parts.append(part)
        answer.close()
    assert [part.count(b"\r\n") for part in parts] == [1, 1000, 1000, 100]
    assert held == [0, 0, 0, 0]
    assert len(sent) == 1 + 3


def test_of_an_empty_log_there_is_no_checkpoint_to_take(as_, query):
    """An organization from before the log was kept has none until something happens."""
    query("ALTER TABLE audit_events DISABLE TRIGGER USER")
    query("DELETE FROM audit_events")
    query("DELETE FROM audit_heads")
    query("ALTER TABLE audit_events ENABLE TRIGGER USER")
    page = as_("owner").get(AUDIT)
    assert page.status_code == 200
    assert "checkpoint" not in page.text
    assert as_("owner").get(f"{AUDIT}/checkpoint").status_code == 404


def test_a_checkpoint_can_be_taken_along(as_, app, northfield):
    answer = as_("admin").get(f"{AUDIT}/checkpoint")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="northfield-audit-checkpoint.json"'
    with northfield.inside(app):
        kept = Checkpoint.read(answer.text)
        release()
    assert kept.chain == northfield.organization.id


def test_an_action_of_a_host_product_is_offered(as_):
    assert f'<option value="{MEMBER_ROLE_CHANGED.name}">' in as_("owner").get(AUDIT).text
