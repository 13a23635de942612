"""Every page there is, and the states of it that look different: what the tests of all pages go through.

The pages are read from the URL map, so a new one is tested by itself. Its address needs what it names to be among the
things of place.py; it is shown to a visitor where its gate is open to everyone, else to the Owner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.browser.place import ENDS, WORD
from tests.doors import gate, routes, shows
from tests.factories import PASSWORD

# Routes that answer a GET with what is no page of ours: health, files, streams, somebody's mail, the way to elsewhere.
NO_PAGE = {
    "auth.change_password",
    "auth.confirmed",
    "auth.export",
    "auth.open_invitation",
    "dev.mail_as_html",
    "health.exposed",
    "health.healthz",
    "health.readyz",
    "live.organization",
    "live.outside",
    "orgs.audit.checkpoint",
    "orgs.audit.download",
}
KNOWN = {"#email": "founder@long.example.org", "#password": PASSWORD}  # who logs in by two steps
FRESH = {"auth.add_passkey": "fresh owner"}  # who was not proven a moment ago is led to confirm first
# Pages whose address needs more than its parts.
ADDRESSES = {
    "auth.check_email": "/signup",  # without an attempt to sign up it leads there; with one it is below
    "auth.invitation": "/invitations/{new}",
    "auth.confirm_email": "/confirm-email/{email}",
    "auth.undo_email": "/undo-email/{former}",
    "orgs.selected.index": "/orgs/{slug}/people/selected?member={member_id}",
    "auth.reset_password": "/reset-password/{reset}",
    "auth.unlock": "/unlock/{unlock}",
    "auth.verify_email": "/verify-email/{confirm}",
    "orgs.settings.transfer": "/orgs/{slug}/settings/transfer?member={member_id}",
}


@dataclass(frozen=True)
class Visit:
    """Somebody opens a page, and may press something there."""

    name: str
    who: str
    address: str
    press: tuple[str, ...] = ()  # selectors, one after another
    shows: str = "h1"  # what is there in the end
    stale: bool = False  # as if somebody else had changed the thing since the page was made
    fill: Mapping[str, str] = field(default_factory=dict)  # by selector


def _every_page() -> list[Visit]:
    """One visit of each page in the URL map."""
    plain = str.maketrans({"<": "{", ">": "}"})
    return [
        Visit(
            rule.endpoint,
            "visitor" if gate(rule) == "public" else FRESH.get(rule.endpoint, "owner"),
            ADDRESSES.get(rule.endpoint) or rule.rule.translate(plain).replace("uuid:", "").replace("slug:", ""),
        )
        for rule in routes()
        if shows(rule) and rule.endpoint not in NO_PAGE
    ]


HERE, PROJECT = "/orgs/{slug}", "/orgs/{slug}/projects/{project_id}"
OTHERS = "/orgs/{slug}/projects"


def _nothing_here() -> list[Visit]:
    new, new_person = "/orgs/empty", ("/orgs", "/account/delete")
    addresses = {
        "founder": (*new_person, new, *(f"{new}/{a}" for a in ("people", "people/invitations", "projects"))),
        "stranger": new_person,
        "owner": (f"{HERE}/{a}" for a in ("people?q=zzz&role=ADMIN", "projects?q=zzz", "audit?person=zzz")),
        "admin": (f"{PROJECT}/{a}" for a in ("access?q=zzz", "access/add?q=zzz")),
    }
    return [Visit(f"nothing: {a}", who, a) for who, several in addresses.items() for a in several]


def _refused() -> list[Visit]:
    """Forms with errors, what somebody else changed first, and what is not allowed or not there."""
    forms = {
        "visitor": {
            "/login": "#log-in",
            "/signup": "#create-account",
            "/forgot-password": "#send-link",
            "/reset-password/{reset}": "#change-password",
            "/invitations/{new}": "#join",
        },
        "stranger": {"/account/delete": "#delete-account-now"},
        "owner": {
            "/orgs/new": "#create",
            f"{HERE}/people/invite": "#send",
            f"{HERE}/settings/delete": "#delete-now",
            f"{HERE}/settings/two-step": "#save-two-step",
            f"{HERE}/settings/transfer?member={{member_id}}": "#offer-now",
            f"{OTHERS}/new": "#create",
            f"{PROJECT}/delete": "#delete-button",
            "/account/security": "#change-password",
            "/account/security/two-step": "#turn-on",
            "/account/security/two-step/off": "#turn-off",
            "/account/confirm": "#confirm",
            "/account/email": "#send-link",
        },
    }
    late = {
        f"{HERE}/people/{{member_id}}": ("[value=VIEWER]", "[id^=save-]"),
        f"{PROJECT}/access/{{viewer_id}}": ("[value=VIEWER]", "[id^=save-]"),
    }
    named = (f"{PROJECT}/edit", f"{HERE}/settings")
    return [
        *(Visit(f"422: {a}", who, a, (p,), ".summary") for who, of in forms.items() for a, p in of.items()),
        *(Visit(f"409: {a}", "owner", a, p, ".note[autofocus]", stale=True) for a, p in late.items()),
        *(
            Visit(f"409: {a}", "owner", a, ("#save",), ".note[autofocus]", stale=True, fill={"#name": WORD})
            for a in named
        ),
        Visit("429", "founder", "/orgs/offered/people/invitations", ("[id^=resend-]",), ".note.bad"),
        Visit(
            "none are left",
            "founder",
            "/orgs/empty/people/invite",
            ("#send",),
            ".summary",
            fill={"#emails": "a@b.example"},
        ),
        Visit("the second step", "visitor", "/login", ("#log-in",), "#continue", fill=KNOWN),
        Visit("a wrong code", "visitor", "/login", ("#log-in", "#continue"), ".summary", fill=KNOWN),
        Visit("recovery codes", "founder", "/account/security/recovery-codes", shows=".codes"),
        Visit("two-step verification is on", "founder", "/account/security"),
        Visit("an address waits to be confirmed", "heir", "/account/email"),
        Visit("410 for a used link to another address", "visitor", "/confirm-email/none"),
        Visit("two-step verification is required first", "stranger", "/orgs/guarded"),
        Visit("who lacks two-step verification", "owner", f"{HERE}/people?show=two-step-off"),
        Visit("boxes to select people", "owner", f"{HERE}/people?select=1"),
        *(
            Visit(f"several: {do}", "owner", f"{HERE}/people/selected?do={do}&member={{member_id}}")
            for do in ("role", "remove")
        ),
        Visit("who may leave", "viewer", f"{HERE}/settings/leave"),
        Visit("403", "viewer", f"{HERE}/people/invite"),
        Visit("404", "viewer", f"{HERE}/nowhere"),
        Visit("404 for a visitor", "visitor", "/nowhere"),
        Visit("410 for a used link", "visitor", "/reset-password/none"),
        Visit("410 for a used link of a mail about guesses", "visitor", "/unlock/none"),
        Visit("410 for a late link", "visitor", "/verify-email/{late}"),
        Visit("nobody to choose", "founder", "/orgs/empty/settings/transfer"),
        Visit("nobody is found", "owner", f"{HERE}/settings/transfer?q=zzz"),
        Visit("read only", "viewer", f"{HERE}/people/{{member_id}}"),
    ]


def _over_the_page() -> list[Visit]:
    """Dialogs, menus and toasts."""
    dialogs = {
        "owner": [
            (f"{HERE}/people", "#c-{row_id}"),
            (f"{HERE}/people/{{member_id}}", "#remove-{member_id}"),
            (f"{HERE}/people/invitations", "[id^='link-by-link']"),
            (f"{PROJECT}/access", "#why-{viewer_id}"),
            (f"{PROJECT}/access", "#change-{viewer_id}"),
            (PROJECT, "#archive"),
        ],
        "guest": [(f"{PROJECT}/access", "[id^=why-]"), (f"{PROJECT}/access", "[id^=change-]")],
    }
    return [
        *(Visit(f"dialog: {a} {p}", who, a, (p,), "dialog[open]") for who, of in dialogs.items() for a, p in of),
        Visit("dialog: components", "visitor", "/_ui", ("[commandfor=dialog]",), "dialog[open]"),
        Visit("menu: organizations", "owner", HERE, ("#switcher-button",), "#switchable a"),
        Visit("menu: account", "owner", HERE, ("#account-button",), "#account:popover-open"),
        Visit("toast", "owner", "/account", ("#save-name",), ".toast"),
        Visit("details", "owner", f"{HERE}/audit", ("summary",), "details[open]"),
    ]


def _others() -> list[Visit]:
    """Other people, other kinds of things, and every face and end of an invitation."""
    signed_up = {"#email": "late@long.example.net", "#name": "Late", "#password": PASSWORD}
    return [
        *(Visit(f"guest: {a}", "guest", a) for a in (HERE, "/orgs", PROJECT, f"{PROJECT}/access")),
        Visit("roles for a member", "owner", "/help/roles"),
        *(Visit(f"restricted{a}", "owner", f"{OTHERS}/{{restricted_id}}{a}") for a in ("", "/access", "/edit")),
        Visit("archived", "owner", f"{OTHERS}/{{archived_id}}"),
        Visit("offered to me", "heir", "/orgs/offered"),
        Visit("offered by me", "founder", "/orgs/offered/settings"),
        Visit("confirm by a code", "founder", "/account/confirm"),
        Visit("nothing more is asked", "fresh owner", f"{HERE}/settings/delete"),
        Visit("a passkey that did not log in", "visitor", "/login?why=passkey"),
        Visit("a passkey that did not confirm", "owner", "/account/confirm?why=passkey"),
        Visit("after inactivity", "visitor", "/login?why=expired"),
        Visit("check your email", "visitor", "/signup", ("#create-account",), "#send-again", fill=signed_up),
        Visit(
            "link was sent", "visitor", "/forgot-password", ("#send-link",), ".note.ok", fill={"#email": "a@b.example"}
        ),
        *(Visit(f"invitation: {end}", "visitor", f"/invitations/{{{end}}}") for end in ("known", "copied", "project")),
        *(Visit(f"invitation: {end}", "visitor", f"/invitations/{{{end}}}") for end in (*ENDS, "gone")),
        Visit("invitation: none", "visitor", "/invitation"),
        Visit("invitation: of another", "owner", "/invitations/{new}"),
        Visit("invitation: one's own", "invited", "/invitations/{known}"),
        Visit("invitation: waits", "invited", "/orgs"),
    ]


PAGES = [*_every_page(), *_nothing_here(), *_refused(), *_over_the_page(), *_others()]
