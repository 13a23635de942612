"""A form that is sent twice is taken once, at every door (UX.md check 25): blueprints/once.py."""

import re
from base64 import b32encode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from blueprints.auth.two_step import OFFERED
from config import RESET_LIFE, UNLOCK_LIFE
from models import (
    EmailChange,
    Invitation,
    OneTimeToken,
    OwnershipOffer,
    Passkey,
    Project,
    Role,
    SecondFactor,
    Session,
    Signup,
    User,
    db,
    housekeeping,
    transaction,
)
from models.email_change import CONFIRM as CHANGE
from models.email_change import UNDO
from models.sealed import seal
from models.second_factor import new_secret
from models.text import address
from models.token import RESET, UNLOCK
from tests.auth.authenticator import Authenticator, asked_on
from tests.doors import routes
from tests.factories import PASSWORD

HOME = "/orgs/northfield"
PEOPLE, PROJECTS, SETTINGS = f"{HOME}/people", f"{HOME}/projects", f"{HOME}/settings"
EMAIL = "/account/email"
PASSKEYS, CONFIRM = "/account/security/passkeys", "/account/confirm"
NEW = "a new and quiet password"
EFFECTS = ("audit_events", "outgoing_mail", "organizations", "projects", "invitations", "users", "signups", "sessions")


# What adds no row: it changes one, or gives a session another id.
SILENT = (
    *("auth.switch_account", "auth.theme", "auth.recovery_codes_saved"),
    *("auth.confirm", "auth.passkey_confirm", "auth.passkey", "auth.cancel_email_change"),
)


class Press:
    """One press of a button by one of the cast; `before` names what Stage does first."""

    def __init__(self, endpoint, who, url, fields=None, before=""):
        self.endpoint, self.who, self.url, self.fields, self.before = endpoint, who, url, fields or {}, before


BUTTONS = [
    Press("auth.forgot_password", "visitor", "/forgot-password", {"email": "hana.reyes@example.org"}),
    Press("auth.reset_password", "visitor", "/reset-password/{reset}", {"password": NEW}, "forget"),
    Press("auth.unlock", "visitor", "/unlock/{unlock}", {}, "is stopped"),
    Press("auth.account", "viewer", "/account", {"name": "Hana R."}),
    Press("auth.security", "viewer", "/account/security", {"current_password": PASSWORD, "password": NEW}),
    Press("auth.delete_account", "viewer", "/account/delete", {"current_password": PASSWORD}),
    Press("auth.login", "visitor", "/login", {"email": "hana.reyes@example.org", "password": PASSWORD}),
    Press("auth.second_step", "visitor", "/login/2fa", {"code": "{code}"}, "two steps, knows the password"),
    Press(
        "auth.two_step",
        "viewer",
        "/account/security/two-step",
        {"secret": "{offer}", "code": "{code}", "current_password": PASSWORD},
        "has an app",
    ),
    Press("auth.two_step_off", "viewer", "/account/security/two-step/off", {"current_password": PASSWORD}, "two steps"),
    Press(
        "auth.recovery_codes",
        "viewer",
        "/account/security/recovery-codes",
        {"current_password": PASSWORD},
        "two steps, saved",
    ),
    Press("auth.recovery_codes_saved", "viewer", "/account/security/recovery-codes/saved", {}, "two steps"),
    Press("auth.confirm", "viewer", "/account/confirm", {"current_password": PASSWORD}),
    Press("auth.email", "viewer", EMAIL, {"email": "cy@example.org", "current_password": PASSWORD}),
    Press("auth.resend_email_change", "viewer", f"{EMAIL}/resend", {}, "changes the email"),
    Press("auth.cancel_email_change", "viewer", f"{EMAIL}/cancel", {}, "changes the email"),
    Press("auth.confirm_email", "visitor", "/confirm-email/{change}", {}, "changes the email"),
    Press("auth.undo_email", "visitor", "/undo-email/{undo}", {}, "changed the email"),
    Press("auth.passkey_log_in", "visitor", "/login/passkey", {"credential": "{answer}"}, "passkey asked on /login"),
    Press(
        "auth.passkey_second_step",
        "visitor",
        "/login/2fa/passkey",
        {"credential": "{answer}"},
        "two steps, knows the password, passkey asked on /login/2fa",
    ),
    Press(
        "auth.passkey_confirm",
        "viewer",
        "/account/confirm/passkey",
        {"credential": "{answer}"},
        "passkey asked on /account/confirm",
    ),
    Press(
        "auth.add_passkey",
        "viewer",
        f"{PASSKEYS}/new",
        {"name": "Phone", "credential": "{made}"},
        f"fresh, device asked on {PASSKEYS}/new",
    ),
    Press("auth.passkey", "viewer", f"{PASSKEYS}/{{passkey}}", {"name": "Mine"}, "passkey asked on /account/confirm"),
    Press("auth.remove_passkey", "viewer", f"{PASSKEYS}/{{passkey}}/remove", {}, "fresh, passkey asked on " + CONFIRM),
    Press("auth.logout", "viewer", "/logout"),
    Press("auth.accept_invitation", "visitor", "/invitation/accept", {"name": "Ana", "password": NEW}, "opens"),
    Press("auth.decline_invitation", "visitor", "/invitation/decline", {}, "opens"),
    Press("auth.ask_again", "visitor", "/invitation/ask", {}, "opens late"),
    Press("auth.switch_account", "viewer", "/invitation/switch", {}, "opens"),
    Press("auth.signup", "visitor", "/signup", {"email": "cy@example.org", "name": "Cy", "password": NEW}),
    Press("auth.resend_confirmation", "visitor", "/signup/check-email", {}, "signs up"),
    Press("auth.confirm_by_code", "visitor", "/signup/check-email/code", {"code": "{typed}"}, "signs up"),
    Press("auth.verify_email", "visitor", "/verify-email/{signup}", {}, "signs up"),
    Press("auth.new_confirmation_link", "visitor", "/verify-email/{signup}/again", {}, "signs up"),
    Press("orgs.new", "stranger", "/orgs/new", {"name": "Quay"}),
    Press("orgs.new", "stranger", "/orgs/new", {"name": "Quay", "slug": "quay"}),
    Press("orgs.restore", "owner", "/orgs/deleted/{organization}/restore", {}, "delete"),
    Press("orgs.accept_invitation", "stranger", "/orgs/invitations/{to_mateo}/accept"),
    Press("orgs.decline_invitation", "stranger", "/orgs/invitations/{to_mateo}/decline"),
    Press("orgs.people.change_role", "admin", f"{PEOPLE}/{{viewer_member}}/role", {"role": "OPERATOR"}),
    Press("orgs.people.change_role", "admin", f"{PEOPLE}/{{admin_member}}/role", {"role": "VIEWER"}),
    Press("orgs.people.remove", "admin", f"{PEOPLE}/{{viewer_member}}/remove", {"name": "Hana Reyes"}),
    Press("orgs.people.remove", "admin", f"{PEOPLE}/{{admin_member}}/remove", {"name": "Sven Weber"}),
    Press(
        "orgs.selected.index",
        "admin",
        f"{PEOPLE}/selected",
        {"member": "{viewer_member}", "do": "role", "role": "OPERATOR"},
    ),
    Press("orgs.selected.index", "admin", f"{PEOPLE}/selected", {"member": "{viewer_member}", "do": "remove"}),
    Press("orgs.invitations.new", "admin", f"{PEOPLE}/invite", {"emails": "cy@example.org", "role": "VIEWER"}),
    Press("orgs.invitations.resend", "admin", f"{PEOPLE}/invitations/{{to_ana}}/resend"),
    Press("orgs.invitations.link", "admin", f"{PEOPLE}/invitations/{{to_ana}}/link"),
    Press("orgs.invitations.revoke", "admin", f"{PEOPLE}/invitations/{{to_ana}}/revoke"),
    Press("orgs.invitations.restore", "admin", f"{PEOPLE}/invitations/{{to_ana}}/restore", {}, "revokes"),
    Press("orgs.expired.resend", "admin", f"{PEOPLE}/invitations/expired/resend", {}, "opens late"),
    Press("orgs.expired.revoke", "admin", f"{PEOPLE}/invitations/expired/revoke", {}, "opens late"),
    Press("orgs.settings.index", "admin", SETTINGS, {"name": "Southfield", "slug": "southfield"}),
    Press("orgs.settings.two_step", "owner", f"{SETTINGS}/two-step", {"current_password": PASSWORD}, "required"),
    Press("orgs.settings.leave", "viewer", f"{SETTINGS}/leave"),
    Press(
        "orgs.settings.delete", "owner", f"{SETTINGS}/delete", {"confirm": "northfield", "current_password": PASSWORD}
    ),
    Press(
        "orgs.settings.transfer", "owner", f"{SETTINGS}/transfer",
        {"member": "{admin_member}", "role": "ADMIN", "current_password": PASSWORD},
    ),
    Press("orgs.settings.cancel_transfer", "owner", f"{SETTINGS}/transfer/cancel", {}, "offer"),
    Press("orgs.settings.accept_transfer", "admin", f"{SETTINGS}/transfer/accept", {}, "offer"),
    Press("orgs.settings.decline_transfer", "admin", f"{SETTINGS}/transfer/decline", {}, "offer"),
    Press("auth.theme", "viewer", "/account/theme", {"theme": "dark"}),
    Press("auth.revoke_session", "viewer", "/account/sessions/{elsewhere}/revoke", {}, "logs in elsewhere"),
    Press("auth.revoke_other_sessions", "viewer", "/account/sessions/revoke-others", {}, "logs in elsewhere"),
    Press("projects.new", "admin", f"{PROJECTS}/new", {"name": "Quay", "access": "organization"}),
    Press("projects.edit", "admin", f"{PROJECTS}/{{project}}/edit", {"name": "Billing"}),
    Press("projects.archive", "admin", f"{PROJECTS}/{{project}}/archive"),
    Press("projects.restore", "admin", f"{PROJECTS}/{{project}}/restore", {}, "archive"),
    Press("projects.delete", "admin", f"{PROJECTS}/{{project}}/delete", {"confirm": "Billing pipeline"}),
    Press("projects.set_role", "admin", f"{PROJECTS}/{{project}}/access/{{viewer}}", {"role": "ADMIN"}),
    Press("projects.set_role", "viewer", f"{PROJECTS}/{{project}}/access/{{viewer}}", {"role": "OPERATOR"}, "raise"),
    Press("projects.unset", "admin", f"{PROJECTS}/{{restricted}}/access/{{guest}}/remove"),
    Press("projects.unset", "guest", f"{PROJECTS}/{{restricted}}/access/{{guest}}/remove"),
]  # fmt: skip


class Stage:
    """Northfield with what buttons need: invitations to Ana, who has no account, and to Mateo, the stranger."""

    def __init__(self, app, northfield, browser):
        self.app, self.cast, self.browser = app, northfield, browser
        with northfield.inside(app), transaction():
            here, by = northfield.organization.id, northfield.owner.id
            to_ana = Invitation.issue(here, address("ana@example.org"), Role.VIEWER, by)
            to_mateo = Invitation.issue(here, address(northfield.stranger.email), Role.VIEWER, by)
            self.opened = to_ana.link_text("invitation-mailed")
        self.things = {
            "to_ana": to_ana.id,
            "to_mateo": to_mateo.id,
            **{name: getattr(northfield, name).id for name in ("organization", "project", "restricted")},
            **{name: northfield.person(name).id for name in ("viewer", "guest")},
            **{f"{name}_member": northfield.member(name).id for name in ("viewer", "admin")},
        }

    def set(self, press):
        """Return the browser of whoever presses, once everything is as it must be."""
        someone = self.browser(self.cast.person(press.who))
        if press.before.startswith("opens"):
            someone.get(f"/invitations/{self.opened}")
        with self.cast.inside(self.app), transaction():
            self._before(press.before)
            self._two_steps(press.before)
            self._email(press.before)
        if press.before == "revokes":
            someone.post(f"{PEOPLE}/invitations/{self.things['to_ana']}/revoke")
        if "knows the password" in press.before:
            someone.post("/login", email=self.cast.viewer.email, password=PASSWORD)
        if press.before.startswith("fresh"):
            someone.log_in(self.cast.viewer, fresh=True)
        if " asked on " in press.before:
            self._device(someone, press.before.split()[-1])
        if press.before == "logs in elsewhere":
            self.browser(self.cast.viewer)
            with self.app.app_context():
                self.things["elsewhere"] = Session.of_person(self.cast.viewer.id)[0].id
        if press.before == "signs up":
            someone.post("/signup", email="cy@example.org", name="Cy", password=NEW)
            with self.app.app_context():
                signup = db.session.scalars(db.select(Signup)).one()
                self.things |= {"signup": signup.text, "typed": signup.code}
        return someone

    def _email(self, what):
        if what.endswith(" the email"):
            EmailChange.ask(db.session.get_one(User, self.cast.viewer.id), address("cy@example.org"))
            change = EmailChange.waiting(self.cast.viewer.id)
            self.things |= {"change": change.text(CHANGE), "undo": change.text(UNDO)}
            if what.startswith("changed"):
                change.confirm()

    def _device(self, someone, url):
        """A passkey of Hana's, and what another device and it answer to what a page asks."""
        here, key = self.browser(), Authenticator()
        here.log_in(self.cast.viewer, fresh=True)
        made = key.create(asked_on(here.get(f"{PASSKEYS}/new")))
        here.post(f"{PASSKEYS}/new", name="Laptop", credential=made)
        with self.app.app_context():
            self.things["passkey"] = Passkey.of_person(self.cast.viewer.id)[0].id
        asked = asked_on(someone.get(url))
        create = url.endswith("/new")
        self.things["made" if create else "answer"] = Authenticator().create(asked) if create else key.get(asked)

    def _before(self, what):
        project = db.session.get_one(Project, self.cast.project.id)
        organization = db.session.merge(self.cast.organization)
        owner, viewer = self.cast.owner.id, self.cast.viewer.id
        if what == "forget":
            self.things["reset"] = OneTimeToken.issue(RESET, viewer, RESET_LIFE).text
        elif what == "is stopped":
            self.things["unlock"] = OneTimeToken.issue(UNLOCK, viewer, UNLOCK_LIFE).text
        elif what == "opens late":
            db.session.execute(db.text("UPDATE invitations SET expires_at = now()"))
        elif what == "delete":
            organization.delete()
        elif what == "offer":
            OwnershipOffer.offer(organization.id, self.things["admin_member"], Role.ADMIN, owner)
        elif what == "archive":
            project.archive()
        elif what == "raise":
            project.set_role(viewer, Role.ADMIN, owner)

    def _two_steps(self, what):
        viewer = self.cast.viewer.id
        if what == "required":
            SecondFactor.set_up(db.session.get_one(User, self.cast.owner.id), self._app(), self.things["code"])
            db.session.merge(self.cast.organization).require_second_factor(True)
        if what == "has an app":
            self.things["offer"] = urlsafe_b64encode(seal(OFFERED, viewer.bytes + self._app())).decode()
        elif what.startswith("two steps"):
            SecondFactor.set_up(db.session.get_one(User, viewer), self._app(), self.things["code"])
            db.session.execute(db.text("UPDATE second_factors SET last_step = 0"))
        if what.endswith("saved"):
            db.session.execute(db.text("UPDATE second_factors SET recovery_shown_until = NULL"))

    def _app(self):
        """An authenticator app that took a new secret, and shows its code."""
        secret = new_secret()
        self.things["code"] = pyotp.TOTP(b32encode(secret).decode()).now()
        return secret

    def press(self, someone, press, *, hx=False, **more):
        fields = {name: value.format(**self.things) for name, value in press.fields.items()}
        return someone.post(press.url.format(**self.things), hx=hx, **fields, **more)


@pytest.fixture
def stage(app, northfield, browser):
    return Stage(app, northfield, browser)


@pytest.fixture
def effects(query):
    """effects() -> how many rows there are of everything that a press can add."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in EFFECTS)
    return lambda: query(f"SELECT {counts}")[0]


def test_every_button_is_tried():
    takes_posts = {rule.endpoint for rule in routes() if "POST" in (rule.methods or ())}
    assert takes_posts == {press.endpoint for press in BUTTONS}


@pytest.mark.parametrize("hx", [False, True], ids=["page", "fragment"])
@pytest.mark.parametrize("press", BUTTONS, ids=lambda press: f"{press.endpoint} by {press.who}")
def test_the_same_form_twice_has_one_effect_and_no_error(press, hx, stage, effects):
    someone, before = stage.set(press), effects()
    first = stage.press(someone, press, hx=hx, idem="a")
    once = effects()
    assert first.status_code < 400, first.text
    assert once != before or press.endpoint in SILENT
    again = stage.press(someone, press, hx=hx, idem="a")
    assert again.status_code < 400 or "HX-Redirect" in again.headers, again.text
    assert effects() == once


CREATE = "/orgs/new", {"name": "Quay", "idem": "a"}
INVITE = f"{PEOPLE}/invite", {"emails": "cy@example.org, di@example.org", "role": "VIEWER", "idem": "a"}
PROJECT = f"{PROJECTS}/new", {"name": "Quay", "access": "organization", "idem": "a"}


@pytest.mark.parametrize(
    ("form", "tabs", "events", "mails"), [(CREATE, 50, 1, 0), (PROJECT, 50, 1, 0), (INVITE, 25, 2, 2)], ids=str
)
def test_many_at_once_are_one(form, tabs, events, mails, as_, query):
    """From as many tabs of one account; all but one come too late, and are led where that one is."""
    (url, fields), counted = form, "SELECT (SELECT count(*) FROM audit_events), (SELECT count(*) FROM outgoing_mail)"
    owners = [as_("owner") for _ in range(tabs)]
    before = query(counted)[0]
    with ThreadPoolExecutor(tabs) as pool:
        answers = list(pool.map(lambda tab: tab.post(url, **fields), owners))
    after = query(counted)[0]
    assert (after[0] - before[0], after[1] - before[1]) == (events, mails)
    assert {answer.status_code for answer in answers} <= {303, 503}  # fifty at once may be too many for a busy machine
    assert len({answer.location for answer in answers if answer.status_code == 303}) == 1


def test_it_leads_where_the_first_one_led_and_says_so(as_):
    owner = as_("owner")
    first, again = owner.post(CREATE[0], **CREATE[1]), owner.post(CREATE[0], **CREATE[1])
    assert first.location == again.location == "/orgs/quay"
    assert "This was done already." in owner.get(again.location).text


@pytest.mark.parametrize("change", [{"idem": "b"}, {"name": "Quay 2"}, {"idem": ""}], ids=str)
def test_another_form_is_another_wish(change, as_, query):
    owner = as_("owner")
    for fields in (CREATE[1], CREATE[1] | change):
        assert owner.post(CREATE[0], **fields).status_code == 303
    assert query("SELECT count(*) FROM organizations WHERE slug LIKE 'quay%%'")[0][0] == 2


def test_the_same_form_of_somebody_else_is_their_own(as_, query):
    for who in ("owner", "admin"):
        as_(who).post(CREATE[0], **CREATE[1])
    assert query("SELECT slug FROM organizations WHERE slug LIKE 'quay%%' ORDER BY 1") == [("quay",), ("quay-2",)]


def test_what_is_refused_in_part_is_told_in_full(as_):
    """The first answer may be a refusal too: it is no repetition of itself."""
    admin, fields = as_("admin"), INVITE[1] | {"emails": "cy@example.org, sam@"}
    first, again = (admin.post(INVITE[0], **fields) for _ in range(2))
    assert first.status_code == 422
    assert "Sent 1 invitation." in first.text
    assert again.location == f"{PEOPLE}/invitations"


def test_a_form_that_was_refused_may_be_sent_again(as_, query):
    """A key is noted with the change alone: the same form works once what stood in its way is gone."""
    admin = as_("admin")
    query("UPDATE projects SET name = 'Quay' WHERE name = 'Payroll'")
    assert admin.post(PROJECT[0], **PROJECT[1]).status_code == 422
    query("UPDATE projects SET name = 'Payroll' WHERE name = 'Quay'")
    assert "/projects/" in admin.post(PROJECT[0], **PROJECT[1]).location


def test_a_link_to_copy_is_shown_again(as_, stage):
    url = f"{PEOPLE}/invitations/{stage.things['to_ana']}/link"
    admin = as_("admin")
    links = {re.findall(r"/invitations/[\w.~-]{30,}", admin.post(url, idem="a").text)[0] for _ in range(2)}
    assert len(links) == 1


def test_a_repetition_takes_nothing_from_the_limits(as_):
    admin = as_("admin")
    for _ in range(3):
        assert admin.post(INVITE[0], **INVITE[1]).status_code == 303
    admin.post(INVITE[0], **INVITE[1] | {"emails": "ed@example.org"})
    assert "197 are left" in admin.get(INVITE[0]).text


def test_whoever_lost_a_right_by_it_is_not_noted_as_refused(as_, stage, query):
    press = next(press for press in BUTTONS if press.before == "raise")
    hana = stage.set(press)
    for _ in range(2):
        assert stage.press(hana, press, idem="a").status_code == 303
    assert query("SELECT count(*) FROM audit_events WHERE action = 'access.refused'")[0][0] == 0


def test_a_change_takes_one_more_statement(as_, statements):
    owner, sent = as_("owner"), []
    for idem in ("", "a"):
        with statements() as counted:
            owner.post(PROJECT[0], **PROJECT[1] | {"name": f"Quay {idem}", "idem": idem})
        sent.append(len(counted))
    assert sent[1] == sent[0] + 1


def test_every_form_on_a_page_carries_a_key(as_):
    page = as_("owner").get(f"{PEOPLE}/invite").text
    keys = re.findall(r'<input type="hidden" name="idem" value="(\w+)">', page)
    assert len(keys) == page.count("<form") - 1  # but logging out twice is logging out


@pytest.mark.parametrize(("who", "url"), [("owner", "/nowhere"), ("viewer", f"{PROJECTS}/new")])
def test_what_is_too_large_to_be_read_stays_a_refusal(who, url, as_):
    someone = as_(who)
    answer = someone.client.post(url, data=bytes(2**21), content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413


def test_keys_are_forgotten_after_a_day(as_, app, query):
    as_("owner").post(CREATE[0], **CREATE[1])
    for age, kept in (("23 hours", 1), ("25 hours", 0)):
        query(f"UPDATE idempotency_keys SET created_at = now() - interval '{age}'")
        with app.app_context():
            assert housekeeping.prune()["idempotency keys"] == 1 - kept


def test_a_key_tells_nothing_of_what_was_sent(as_, query):
    as_("owner").post(INVITE[0], **INVITE[1])
    ((row,),) = query("SELECT idempotency_keys::text FROM idempotency_keys")
    assert "cy@example" not in row
