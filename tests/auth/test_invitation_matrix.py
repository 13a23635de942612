"""What each account meets at each invitation, by a mailed and by a copied link: nothing is left to chance.

The tables below are the specification, also told in docs/invitations.md; nothing in them is taken from the code. A cell
is the page that GET shows. "page > outcome" says what pressing its button does; without it, accepting leads back to
that page and changes nothing.
"""

from typing import NamedTuple

import pytest

from models import Invitation, Role, Signup, transaction
from models.invitation import COPIED, MAILED
from models.text import address
from tests.auth.conftest import NEW
from tests.factories import PASSWORD, make_user

HOME = "/orgs/northfield"

SIGNED_OUT = {
    "mailed": """
                          | none            | unconfirmed     | active         | deactivated       | member
      pending             | sign up > joins | sign up > joins | log in > joins | log in > refused  | log in > enters
      accepted by them    | cannot be       | cannot be       | joined         | joined            | joined > enters
      accepted by another | joined          | joined          | joined         | joined            | joined
      declined            | declined        | declined        | declined       | declined          | declined
      revoked             | withdrawn       | withdrawn       | withdrawn      | withdrawn         | withdrawn
      expired             | expired         | expired         | expired        | expired           | expired
      replaced            | newer           | newer           | newer          | newer             | newer
      deleted             | no organization | no organization | no organization | no organization  | no organization
      inviter removed     | gone            | gone            | gone           | gone              | gone
      inviter demoted     | gone            | gone            | gone           | gone              | gone
      inviter deactivated | gone            | gone            | gone           | gone              | gone
    """,
    "copied": """
                          | none            | unconfirmed     | active         | deactivated       | member
      pending             | copied          | copied          | copied         | copied            | copied
      accepted by them    | cannot be       | cannot be       | joined         | joined            | joined
      accepted by another | joined          | joined          | joined         | joined            | joined
      declined            | declined        | declined        | declined       | declined          | declined
      revoked             | withdrawn       | withdrawn       | withdrawn      | withdrawn         | withdrawn
      expired             | expired         | expired         | expired        | expired           | expired
      replaced            | newer           | newer           | newer          | newer             | newer
      deleted             | no organization | no organization | no organization | no organization  | no organization
      inviter removed     | gone            | gone            | gone           | gone              | gone
      inviter demoted     | gone            | gone            | gone           | gone              | gone
      inviter deactivated | gone            | gone            | gone           | gone              | gone
    """,
}
SIGNED_IN = {
    "mailed": """
                          | active          | unproven        | same role       | other role      | other address
      pending             | join > joins    | join > joins    | home > enters   | home > enters   | other
      accepted by them    | used            | used            | home > enters   | home > enters   | used
      accepted by another | used            | used            | home            | home            | used
      declined            | declined        | declined        | home            | home            | declined
      revoked             | withdrawn       | withdrawn       | home            | home            | withdrawn
      expired             | expired         | expired         | home            | home            | expired
      replaced            | newer           | newer           | home            | home            | newer
      deleted             | no organization | no organization | no organization | no organization | no organization
      inviter removed     | gone            | gone            | home            | home            | gone
      inviter demoted     | gone            | gone            | home            | home            | gone
      inviter deactivated | gone            | gone            | home            | home            | gone
    """,
    "copied": """
                          | active          | unproven        | same role       | other role      | other address
      pending             | join > joins    | unproven        | home > enters   | home > enters   | other
      accepted by them    | used            | used            | home > enters   | home > enters   | used
      accepted by another | used            | used            | home            | home            | used
      declined            | declined        | declined        | home            | home            | declined
      revoked             | withdrawn       | withdrawn       | home            | home            | withdrawn
      expired             | expired         | expired         | home            | home            | expired
      replaced            | newer           | newer           | home            | home            | newer
      deleted             | no organization | no organization | no organization | no organization | no organization
      inviter removed     | gone            | gone            | home            | home            | gone
      inviter demoted     | gone            | gone            | home            | home            | gone
      inviter deactivated | gone            | gone            | home            | home            | gone
    """,
}
PAGES = {  # the status, and words that no other page has
    "sign up": (200, "Create account and join"),
    "log in": (200, "Log in to join Northfield"),
    "join": (200, "You are logged in as <strong><bdi>"),
    "copied": (200, "Log in with that address to join, or create an account with it."),
    "unproven": (200, "that address is not confirmed yet"),
    "other": (200, "This invitation is for another address"),
    "joined": (410, "You already joined with this invitation"),
    "used": (410, "This invitation was already used"),
    "declined": (410, "You declined this invitation"),
    "withdrawn": (410, "This invitation was withdrawn"),
    "expired": (410, "This invitation expired on"),
    "newer": (410, "There is a newer invitation"),
    "no organization": (410, "Northfield no longer exists"),
    "gone": (410, "This invitation no longer counts"),
}
ENDS = {
    "pending": "",
    "accepted by them": "UPDATE invitations SET accepted_at = now(), accepted_by = %(person)s",
    "accepted by another": "UPDATE invitations SET accepted_at = now(), accepted_by = %(another)s",
    "declined": "UPDATE invitations SET declined_at = now()",
    "revoked": "UPDATE invitations SET revoked_at = now()",
    "expired": "UPDATE invitations SET expires_at = now()",
    "replaced": "UPDATE invitations SET replaced_at = now()",
    "deleted": "UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'",
    "inviter removed": "DELETE FROM organization_members WHERE user_id = %(inviter)s",
    "inviter demoted": "UPDATE organization_members SET role = 'OPERATOR' WHERE user_id = %(inviter)s",
    "inviter deactivated": "UPDATE users SET deactivated_at = now() WHERE id = %(inviter)s",
}
MEMBERS = {"member": Role.VIEWER, "same role": Role.OPERATOR, "other role": Role.VIEWER}
EVERYTHING = """
    SELECT (SELECT json_agg(i) FROM invitations i)::text, (SELECT json_agg(m) FROM organization_members m)::text,
           (SELECT json_agg(u) FROM users u)::text, (SELECT json_agg(s) FROM signups s)::text,
           (SELECT json_agg(o) FROM outgoing_mail o)::text, (SELECT json_agg(s) FROM sessions s)::text
"""


class Cell(NamedTuple):
    """Who meets which invitation by which link, and what is expected."""

    link: str
    account: str
    state: str
    answer: str
    signed_in: bool


def cells(tables, *, signed_in):
    """Every cell of the tables as a test."""
    for link, table in tables.items():
        head, *rows = [[cell.strip() for cell in line.split("|")] for line in table.strip("\n ").splitlines()]
        for state, *answers in rows:
            for account, answer in zip(head[1:], answers, strict=True):
                if answer != "cannot be":
                    name = f"{link}, {account} signed {'in' if signed_in else 'out'}, {state}"
                    yield pytest.param(Cell(link, account, state, answer, signed_in), id=name)


@pytest.fixture
def person(app, northfield, query):
    """person(account) -> whoever that is, with their user; None without one."""

    def make(account):
        with northfield.inside(app):
            if account == "unconfirmed":
                with transaction():
                    Signup.start(address(NEW), "Ana Silva", "x")
            if account in ("none", "unconfirmed"):
                return None
            if account == "other address":
                return northfield.stranger
            user = make_user("Ana Silva", NEW)
            if account in MEMBERS:
                with transaction():
                    northfield.organization.admit(user.id, MEMBERS[account])
        if account == "deactivated":
            query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=user.id)
        if account == "unproven":
            query("UPDATE users SET email_verified_at = NULL WHERE id = %(id)s", id=user.id)
        return user

    return make


@pytest.fixture
def link(app, northfield, query):
    """link(kind, state, user) -> the path of a link to NEW as Operator, from the Admin, in that state."""

    def make(kind, state, user):
        with northfield.inside(app):
            with transaction():
                organization, inviter = northfield.organization.id, northfield.admin.id
                row = Invitation.issue(organization, address(NEW), Role.OPERATOR, inviter)
            path = f"/invitations/{row.link_text(MAILED if kind == 'mailed' else COPIED)}"
        if ENDS[state]:
            known = {"person": user and user.id, "another": northfield.viewer.id, "inviter": northfield.admin.id}
            query(ENDS[state], **{name: id for name, id in known.items() if f"%({name})s" in ENDS[state]})
        return path

    return make


def shows(answer, page):
    """Tell whether an answer is a page of the table."""
    if page == "home":
        return (answer.status_code, answer.location) == (303, HOME)
    status, words = PAGES[page]
    return answer.status_code == status and words in answer.text


@pytest.mark.parametrize("cell", [*cells(SIGNED_OUT, signed_in=False), *cells(SIGNED_IN, signed_in=True)])
def test_every_account_meets_every_invitation(browser, person, link, query, membership, cell):
    page, _, outcome = cell.answer.partition(" > ")
    user = person(cell.account)
    email = user.email_key if user else NEW
    path = link(cell.link, cell.state, user)
    asking = browser(user if cell.signed_in else None)
    before = query(EVERYTHING)

    assert asking.get(path).location == "/invitation"
    assert shows(asking.get("/invitation"), page)
    assert query(EVERYTHING) == before

    answer = asking.post("/invitation/accept", name="Ana Silva", password=PASSWORD)
    if outcome in ("joins", "enters"):
        assert (answer.status_code, answer.location) == (303, HOME)
        assert asking.get(HOME).status_code == 200
    elif outcome == "refused":
        assert (answer.status_code, "The email address or password is not right." in answer.text) == (422, True)
    else:
        assert answer.location == "/invitation" or shows(answer, page)
        assert shows(asking.get("/invitation"), page)
        assert query(EVERYTHING) == before
    assert membership(email) is (Role.OPERATOR if outcome == "joins" else MEMBERS.get(cell.account))
    accepted = outcome == "joins" or cell.state.startswith("accepted")
    assert query("SELECT accepted_at IS NOT NULL FROM invitations") == [(accepted,)]


def test_the_tables_have_every_pair():
    tests = [*cells(SIGNED_OUT, signed_in=False), *cells(SIGNED_IN, signed_in=True)]
    assert {cell.state for test in tests for cell in test.values} == set(ENDS)
    # Ten accounts, eleven states, two links. Who has no account can have accepted nothing.
    assert len(tests) == 10 * 11 * 2 - 4
