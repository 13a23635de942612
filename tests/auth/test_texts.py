"""What the most important pages say, word for word (UX.md check 40, sections 1.12 and 1.21)."""

import re
from datetime import UTC, datetime

import pytest

from blueprints.presentation import day
from config import INVITATION_LIFE
from tests.browser_like import words

NOW = datetime.now(UTC)
HEAD = f"Northfield Invitation, works until {day(NOW + INVITATION_LIFE)}"
OFFER = "Amara Okafor invited you as Operator – runs and changes work in projects. Cannot manage people."
NOT_YOU = "Not you? Ignore this invitation"
FACES = {
    "nobody": f"""{HEAD} Join Northfield {OFFER}
        You are joining as ana.silva@example.com. Email Name Others in your organizations see it.
        Password At least 12 characters, of any kind. A few words are easy to remember. Show password
        Create account and join {NOT_YOU}""",
    "somebody": f"""{HEAD} Log in to join Northfield {OFFER}
        Email Password Show password Log in and join Forgot your password? {NOT_YOU}""",
    "invited": f"""{HEAD} Join Northfield {OFFER}
        You are logged in as Ana Silva (ana.silva@example.com). Join Northfield Decline""",
    "another": f"""{HEAD} This invitation is for another address
        It was sent to a•••@example.com. You are logged in as mateo@example.com. {OFFER}
        Switch account Back to my organizations
        Want to use mateo@example.com instead? Ask Amara Okafor to invite that address.""",
}
ENDS = {
    "expires_at": f"""This invitation expired on {day(NOW)}
        Invitations work for 7 days. Ask for a new invitation""",
    "revoked_at": """This invitation was withdrawn
        Northfield withdrew it. If you still need access, ask the person who invited you.""",
    "accepted_at": "You already joined with this invitation Log in to go on. Log in",
    "declined_at": """You declined this invitation
        Changed your mind? Ask Amara Okafor to invite you again.""",
    "replaced_at": f"""There is a newer invitation
        A new one was sent on {day(NOW)}. Use the link in that email.
        You cannot find it? Ask the person who invited you.""",
}
USED = """This invitation was already used
    Each invitation works once. If you need access, ask for one of your own. Back to my organizations"""
REFUSED = """You cannot open this page
    Your role in Northfield is Viewer. This page needs Admin, to invite people, and change or remove members.
    These people can change your role: Amara Okafor, Sven Weber. Back to Northfield"""
NOT_THERE = """Page not found
    If you typed the address, check it. If you followed a link, it may be old, or you may need to log in with another
    account. You are logged in as hana.reyes@example.org. My organizations"""


def is_said(text, answer):
    """Compare a text with what a page says, from its organization or heading on, but for avatars."""
    main = re.search(r'<(div class="who"|h1).*?</main>', answer.text, re.DOTALL)
    assert main
    assert words(re.sub(r'<span class="avatar.*?</span>', "", main[0])) == " ".join(text.split())


@pytest.mark.parametrize("face", FACES)
def test_an_invitation_says_who_invites_as_what_and_what_to_do(face, opened, account, northfield):
    known = account() if face in ("somebody", "invited") else None
    looks = {"invited": known, "another": northfield.stranger}.get(face)
    is_said(FACES[face], opened(looks).get("/invitation"))


@pytest.mark.parametrize("end", ENDS)
def test_an_invitation_that_is_over_says_why_and_what_can_be_done(end, opened, query):
    visitor = opened()
    query(f"UPDATE invitations SET {end} = now()")
    is_said(ENDS[end], visitor.get("/invitation"))


def test_an_invitation_that_another_account_used_names_nobody(opened, northfield, query):
    stranger = opened(northfield.stranger)
    query("UPDATE invitations SET accepted_at = now()")
    is_said(USED, stranger.get("/invitation"))


def test_a_refusal_names_the_role_that_is_needed_who_can_give_it_and_the_way_back(as_):
    is_said(REFUSED, as_("viewer").get("/orgs/northfield/people/invite"))


@pytest.mark.parametrize("address", ["/nowhere", "/orgs/harbour-labs", "/orgs/northfield/nowhere"])
def test_a_page_that_is_not_there_says_as_whom_it_was_looked_for(as_, address):
    is_said(NOT_THERE, as_("viewer").get(address))
