"""Every door that changes something leaves exactly one event, with who, whom and what; one that does not, none."""

from uuid import uuid4

import pytest

from models import LastOwner, Project, Role, db, membership, transaction
from models.organization import Organization
from tests.factories import PASSWORD, add_user

HOME, PEOPLE, PROJECTS = "/orgs/northfield", "/orgs/northfield/people", "/orgs/northfield/projects"
NEW = "a new and quiet password"


def told(row):
    """An event without its place in the chain."""
    return row.action, row.actor_id, row.subject_id, row.project_id, row.before, row.after


class Case:
    """One press of a button by one of the cast, and the event that it leaves."""

    def __init__(self, action, who, url, subject=None, project=None, before=None, after=None, **fields):
        self.action, self.who, self.url, self.fields = action, who, url, fields
        self.subject, self.project, self.before, self.after = subject, project, before, after


BUTTONS = [
    Case(
        "organization.renamed", "admin", f"{HOME}/settings",
        before={"name": "Northfield", "slug": "northfield"}, after={"name": "Northfield Ltd", "slug": "northfield-ltd"},
        name="Northfield Ltd", slug="northfield-ltd",
    ),
    Case(
        "organization.deleted", "owner", f"{HOME}/settings/delete",
        before={"name": "Northfield", "slug": "northfield"}, confirm="northfield", current_password=PASSWORD,
    ),
    Case(
        "member.role_changed", "admin", f"{PEOPLE}/{{viewer_member}}/role", subject="viewer",
        before={"role": "VIEWER"}, after={"role": "OPERATOR", "invitations_revoked": 0}, role="OPERATOR",
    ),
    Case(
        "member.role_changed", "operator", f"{PEOPLE}/{{operator_member}}/role", subject="operator",
        before={"role": "OPERATOR"}, after={"role": "VIEWER", "invitations_revoked": 0}, role="VIEWER",
    ),
    Case(
        "member.removed", "owner", f"{PEOPLE}/{{operator_member}}/remove", subject="operator",
        before={"role": "OPERATOR"}, after={"project_roles_ended": 0, "invitations_revoked": 0},
    ),
    Case(
        "member.left", "viewer", f"{HOME}/settings/leave", subject="viewer",
        before={"role": "VIEWER"}, after={"project_roles_ended": 0, "invitations_revoked": 0},
    ),
    Case(
        "project.changed", "operator", f"{PROJECTS}/{{project}}/edit", project="project",
        before={"name": "Billing pipeline", "access": "organization"},
        after={"name": "Billing", "access": "organization", "description_changed": True},
        name="Billing", description="By day",
    ),
    Case("project.archived", "admin", f"{PROJECTS}/{{project}}/archive", project="project"),
    Case(
        "project.deleted", "admin", f"{PROJECTS}/{{project}}/delete", project="project",
        before={"name": "Billing pipeline", "access": "organization"}, confirm="Billing pipeline",
    ),
    Case(
        "project_role.set", "admin", f"{PROJECTS}/{{project}}/access/{{viewer}}", subject="viewer", project="project",
        after={"role": "ADMIN"}, role="ADMIN",
    ),
    Case(
        "project_role.set", "admin", f"{PROJECTS}/{{restricted}}/access/{{guest}}", subject="guest",
        project="restricted", before={"role": "OPERATOR"}, after={"role": "VIEWER"}, role="VIEWER",
    ),
    Case(
        "project_role.follows", "admin", f"{PROJECTS}/{{restricted}}/access/{{viewer}}", subject="viewer",
        project="restricted", after={"role": None}, inherit="1",
    ),
    Case(
        "project_role.removed", "admin", f"{PROJECTS}/{{restricted}}/access/{{guest}}/remove", subject="guest",
        project="restricted", before={"role": "OPERATOR"},
    ),
    Case(
        "project_role.removed", "guest", f"{PROJECTS}/{{restricted}}/access/{{guest}}/remove", subject="guest",
        project="restricted", before={"role": "OPERATOR"},
    ),
    Case("account.renamed", "viewer", "/account", subject="viewer", name="Hana R."),
    Case("account.password_changed", "viewer", "/account/security", subject="viewer",
         current_password=PASSWORD, password=NEW),
]  # fmt: skip


@pytest.fixture
def press(as_, northfield):
    """press(case) -> the answer to its button."""
    things = {
        "viewer_member": northfield.member("viewer").id,
        "operator_member": northfield.member("operator").id,
        **{name: getattr(northfield, name).id for name in ("project", "restricted", "viewer", "guest")},
    }
    return lambda case: as_(case.who).post(case.url.format(**things), **case.fields)


@pytest.mark.parametrize("case", BUTTONS, ids=lambda case: f"{case.action} by {case.who}")
def test_a_change_leaves_exactly_one_event(case, press, northfield, news):
    news()
    answer = press(case)
    assert answer.status_code == 303, answer.text
    (event,) = news()
    mine = northfield.person(case.who).id
    subject = northfield.person(case.subject).id if case.subject else None
    project = getattr(northfield, case.project).id if case.project else None
    assert told(event) == (case.action, mine, subject, project, case.before, case.after)
    account = case.action.startswith("account.")
    assert (event.organization_id, event.user_id) == ((None, mine) if account else (northfield.organization.id, None))
    assert str(event.ip) == "127.0.0.1"
    assert event.request_id == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("case", BUTTONS, ids=lambda case: f"{case.action} by {case.who}")
def test_what_fails_leaves_none(case, press, news, app, query):
    """The change is undone at its end, when everything was written but the log."""
    news()
    query("ALTER FUNCTION record_audit(jsonb) RENAME TO record_nothing")
    try:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        with pytest.raises(AssertionError):  # a 500, which no other test allows
            press(case)
    finally:
        app.config["PROPAGATE_EXCEPTIONS"] = None
        query("ALTER FUNCTION record_nothing(jsonb) RENAME TO record_audit")
    assert news() == []
    assert press(case).status_code == 303  # and nothing of the change was left behind
    assert [event.action for event in news()] == [case.action]


def test_creating_and_restoring(as_, northfield, news, query):
    news()
    owner = as_("owner")
    owner.post("/orgs/new", name="Quay", slug="quay")
    (event,) = news()
    assert told(event) == (
        "organization.created", northfield.owner.id, northfield.owner.id, None, None, {"name": "Quay", "slug": "quay"}
    )  # fmt: skip
    owner.post("/orgs/quay/settings/delete", confirm="quay", current_password=PASSWORD)
    assert owner.post(f"/orgs/deleted/{event.organization_id}/restore").status_code == 303
    assert [event.action for event in news()] == ["organization.deleted", "organization.restored"]
    assert owner.post(f"/orgs/deleted/{event.organization_id}/restore").status_code == 404
    assert news() == []


@pytest.mark.parametrize("access", ["organization", "restricted"])
def test_a_project_is_created_and_archived_and_restored(access, as_, northfield, news):
    news()
    admin = as_("admin")
    at = admin.post(f"{PROJECTS}/new", name="Docks", access=access).location
    (event,) = news()
    assert told(event)[:3] == ("project.created", northfield.admin.id, None)
    assert event.after == {"name": "Docks", "access": access}
    assert str(event.project_id) in at
    for button, left in (("restore", []), ("archive", ["archived"]), ("archive", []), ("restore", ["restored"])):
        admin.post(f"{at}/{button}")
        assert [event.action for event in news()] == [f"project.{what}" for what in left], button


def test_invitations_from_sending_to_revoking(as_, northfield, news):
    news()
    admin = as_("admin")
    admin.post(f"{PEOPLE}/invite", emails="ana@example.org, ben@example.org", role="OPERATOR")
    sent = news()
    assert [told(event)[:2] for event in sent] == [("invitation.sent", northfield.admin.id)] * 2
    assert {event.created_at for event in sent} == {sent[0].created_at}
    admin.post(f"{PEOPLE}/invitations/{sent[0].subject_id}/resend")
    (again,) = news()
    assert (again.action, again.after) == (
        "invitation.sent_again", {"role": "OPERATOR", "replaces": str(sent[0].subject_id)}
    )  # fmt: skip
    admin.post(f"{PEOPLE}/invitations/{again.subject_id}/link")
    (copied,) = news()
    assert copied.action == "invitation.link_made"
    for actions in (["invitation.revoked"], []):  # revoking twice is one revocation
        admin.post(f"{PEOPLE}/invitations/{copied.subject_id}/revoke")
        assert [event.action for event in news()] == actions
    admin.post(f"{PEOPLE}/invitations/{sent[0].subject_id}/resend")  # it was replaced
    assert news() == []


def test_two_hundred_invitations_are_two_hundred_events(as_, news, northfield):
    news()
    as_("admin").post(f"{PEOPLE}/invite", emails=" ".join(f"p{n}@example.org" for n in range(200)), role="VIEWER")
    events = news()
    assert len(events) == len({event.subject_id for event in events}) == 200
    assert [event.seq for event in events] == list(range(events[0].seq, events[0].seq + 200))


def test_joining_with_a_new_account(browser, invited, link_of, news, northfield):
    invitation = invited("ana@example.org")
    news()
    visitor = browser()
    visitor.get(link_of(invitation))
    assert visitor.post("/invitation/accept", name="Ana Silva", password=NEW).status_code == 303
    events = {event.action: event for event in news()}
    assert set(events) == {"account.created", "member.joined", "session.began"}
    ana = events["account.created"].user_id
    assert told(events["member.joined"]) == (
        "member.joined", ana, ana, None, None, {"role": "VIEWER", "invitation": str(invitation)}
    )  # fmt: skip
    assert {event.actor_id for event in events.values()} == {ana}
    visitor.get(link_of(invitation))
    visitor.post("/invitation/accept")
    assert news() == []


def test_joining_as_who_is_logged_in_is_no_log_in(as_, invited, link_of, news, northfield):
    invitation = invited("mateo@example.com")
    news()
    mateo = as_("stranger")
    mateo.get(link_of(invitation))
    assert mateo.post("/invitation/accept").status_code == 303
    assert [(event.action, event.actor_id) for event in news()] == [("member.joined", northfield.stranger.id)]


def test_joining_a_project_from_the_list_of_organizations(as_, invited, news, northfield):
    invitation = invited("mateo@example.com", project=northfield.project)
    news()
    as_("stranger").post(f"/orgs/invitations/{invitation}/accept")
    mateo = northfield.stranger.id
    (event,) = news()
    assert told(event) == (
        "guest.joined", mateo, mateo, northfield.project.id, None, {"role": "VIEWER", "invitation": str(invitation)}
    )  # fmt: skip


def test_declining_and_asking_again(browser, as_, invited, link_of, news, query, northfield):
    declined, late = invited("mateo@example.com"), invited("ana@example.org")
    query("UPDATE invitations SET expires_at = now() WHERE id = %(id)s", id=late)
    news()
    as_("stranger").post(f"/orgs/invitations/{declined}/decline")
    (event,) = news()
    assert told(event)[:3] == ("invitation.declined", northfield.stranger.id, declined)
    visitor = browser()
    visitor.get(link_of(late))
    for actions in (["invitation.asked_again"], []):  # once a day
        visitor.post("/invitation/ask")
        assert [event.action for event in news()] == actions


def test_what_ends_with_a_membership_is_counted(app, as_, invited, northfield, news):
    invited("ana@example.org", by="admin")
    with northfield.inside(app), transaction():
        project = db.session.get_one(Project, northfield.project.id)
        project.set_role(northfield.admin.id, Role.ADMIN, northfield.owner.id)
    news()
    as_("owner").post(f"{PEOPLE}/{northfield.member('admin').id}/remove")
    (event,) = news()
    assert event.after == {"project_roles_ended": 1, "invitations_revoked": 1}


def test_signing_up_logging_in_and_out(browser, link, news):
    visitor = browser()
    visitor.post("/signup", email="ana@example.org", name="Ana Silva", password=NEW)
    assert news() == []  # no account yet
    visitor.post(link())
    created, began = news()
    assert told(created)[3:] == (None, None, {"address_confirmed": True})
    assert (created.action, began.action) == ("account.created", "session.began")
    visitor.post("/logout")
    (ended,) = news()
    assert (ended.action, ended.subject_id) == ("session.ended", began.subject_id)
    visitor.post("/login", email="ana@example.org", password=NEW)
    (again,) = news()
    assert again.action == "session.began"
    assert {event.user_id for event in (created, began, ended, again)} == {created.subject_id}
    assert {event.actor_id for event in (created, began, ended, again)} == {created.subject_id}


def test_a_password_that_was_forgotten(browser, link, news, northfield):
    visitor = browser()
    visitor.post("/forgot-password", email=northfield.viewer.email)
    news()
    assert visitor.post(link(), password=NEW).status_code == 303
    events = news()
    assert [(event.action, event.actor_id) for event in events] == [
        ("account.password_reset", northfield.viewer.id),
        ("session.began", northfield.viewer.id),
    ]


def test_a_reset_proves_an_address_once(app, browser, link, news, northfield, query):
    query("UPDATE users SET email_verified_at = NULL WHERE id = %(id)s", id=northfield.viewer.id)
    visitor = browser()
    visitor.post("/forgot-password", email=northfield.viewer.email)
    news()
    visitor.post(link(), password=NEW)
    assert [event.action for event in news()][:1] == ["account.address_confirmed"]


NOTHING_NEW = [
    ("admin", f"{HOME}/settings", {"name": "Northfield", "slug": "northfield"}),
    ("admin", f"{PEOPLE}/{{viewer_member}}/role", {"role": "VIEWER"}),
    ("operator", f"{PROJECTS}/{{project}}/edit", {"name": "Billing pipeline", "description": "Invoices, nightly"}),
    ("admin", f"{PROJECTS}/{{project}}/restore", {}),
    ("admin", f"{PROJECTS}/{{restricted}}/access/{{guest}}", {"role": "OPERATOR"}),
    ("viewer", "/account", {"name": "Hana Reyes"}),
]


@pytest.mark.parametrize(("who", "url", "fields"), NOTHING_NEW, ids=str)
def test_what_changes_nothing_leaves_none(who, url, fields, press, news):
    news()
    assert press(Case("", who, url, **fields)).status_code == 303
    assert news() == []


BAD_INPUT = [
    ("admin", f"{HOME}/settings", {"name": "", "slug": "northfield"}),
    ("admin", f"{HOME}/settings", {"name": "Northfield", "slug": "harbour-labs"}),
    ("owner", f"{HOME}/settings/leave", {}),  # the last Owner
    ("owner", f"{HOME}/settings/delete", {"confirm": "northfield", "current_password": "wrong"}),
    ("admin", f"{PEOPLE}/{{viewer_member}}/role", {"role": "KING"}),
    ("admin", f"{PEOPLE}/invite", {"emails": "nobody", "role": "VIEWER"}),
    ("admin", f"{PROJECTS}/new", {"name": "Payroll", "access": "organization"}),
    ("viewer", "/account/security", {"current_password": "wrong", "password": NEW}),
]


@pytest.mark.parametrize(("who", "url", "fields"), BAD_INPUT, ids=str)
def test_what_is_wrong_leaves_none(who, url, fields, press, news):
    news()
    assert press(Case("", who, url, **fields)).status_code == 422
    assert news() == []


REFUSED = [
    ("viewer", "GET", f"{PEOPLE}/invite", "MANAGE_PEOPLE", "ADMIN", "orgs.invitations.new"),
    ("operator", "GET", f"{HOME}/audit", "READ_AUDIT", "ADMIN", "orgs.audit.index"),
    ("admin", "POST", f"{HOME}/settings/delete", "OWN_ORGANIZATION", "OWNER", "orgs.settings.delete"),
    ("admin", "POST", f"{PEOPLE}/{{owner_member}}/role", "MANAGE_PEOPLE", "OWNER", "orgs.people.change_role"),
    ("operator", "POST", f"{PROJECTS}/{{project}}/archive", "MANAGE_PROJECT", "ADMIN", "projects.archive"),
    ("guest", "POST", f"{PROJECTS}/{{restricted}}/archive", "MANAGE_PROJECT", "ADMIN", "projects.archive"),
    ("guest", "GET", PEOPLE, "SEE_ORGANIZATION", "VIEWER", "orgs.people.index"),
]


@pytest.mark.parametrize("refused", REFUSED, ids=str)
@pytest.mark.parametrize("hx", [False, True])
def test_a_refusal_is_one_event(refused, hx, as_, news, northfield):
    who, method, url, permission, least, endpoint = refused
    things = {"owner_member": northfield.member("owner").id, "project": northfield.project.id}
    where = url.format(**things, restricted=northfield.restricted.id)
    news()
    person = as_(who)
    answer = person.get(where, hx=hx) if method == "GET" else person.post(where, hx=hx, role="ADMIN")
    assert answer.status_code in (403, 404)
    (event,) = news()
    assert (event.action, event.actor_id) == ("access.refused", northfield.person(who).id)
    assert event.organization_id == northfield.organization.id
    assert event.after == {"permission": permission, "least": least, "method": method, "endpoint": endpoint}
    ids = [event.project_id, event.subject_id]
    kept = [part for part in where.split("/") if len(part) == 36 and part != str(things["owner_member"])]
    assert [str(id) for id in ids if id] == kept


def test_a_refusal_keeps_no_id_that_was_not_found_here(as_, news):
    news()
    assert as_("viewer").post(f"{PEOPLE}/{uuid4()}/remove", name="Rosa").status_code == 403
    (event,) = news()
    assert (event.action, event.subject_id) == ("access.refused", None)


def test_strangers_and_failed_log_ins_are_counted(as_, browser, news, query, northfield):
    news()
    stranger = as_("stranger")
    for url in (HOME, PEOPLE, f"{HOME}/audit", "/orgs/no-such-place"):
        assert stranger.get(url).status_code == 404
    for email in (northfield.viewer.email, "nobody@example.org"):
        browser().post("/login", email=email, password="not the password")
    assert browser().get(HOME).status_code == 302  # a visitor is only asked to log in
    assert news() == []
    counts = dict(query("SELECT kind, sum(count)::int FROM refusal_counts GROUP BY kind"))
    assert counts == {"stranger": 4, "log-in": 2}


def test_what_no_request_did_the_host_did(app, northfield, news):
    news()
    with northfield.inside(app), transaction() as done:
        db.session.get_one(Organization, northfield.organization.id).admit(add_user("Rosa").id, Role.VIEWER)
        assert done.at is None
    created, joined = sorted(news(), key=lambda event: event.action)
    assert (joined.action, joined.actor_id, joined.ip, joined.request_id) == ("member.joined", None, None, None)
    assert done.at == joined.created_at == created.created_at


def test_an_event_is_written_in_the_changes_transaction(as_, statements, northfield):
    with statements() as sent:
        as_("admin").post(f"{PEOPLE}/{northfield.member('viewer').id}/role", role="OPERATOR")
    written = [n for n, statement in enumerate(sent) if "record_audit" in statement]
    assert len(written) == 1
    changes = [n for n, statement in enumerate(sent) if statement.startswith("UPDATE")]
    assert written[0] > max(changes)


@pytest.mark.usefixtures("context")
def test_a_refused_change_takes_its_event_with_it(northfield, news):
    news()
    changes = {"viewer": Role.OPERATOR, "owner": Role.VIEWER}  # the last Owner
    with pytest.raises(LastOwner), transaction():
        _ = [membership.change_role(db.session.merge(northfield.member(n)), role, None) for n, role in changes.items()]
    with transaction():
        pass
    assert news() == []


def test_every_answer_has_an_id_of_its_own(browser):
    visitor = browser()
    answers = [visitor.client.get(url) for url in ("/", "/login", "/healthz", "/nowhere", "/static/ui.css", "/?a=%ff")]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert all(len(id) == 16 and int(id, 16) >= 0 for id in ids)
    assert len(set(ids)) == len(ids)
    for answer in answers:
        answer.close()
