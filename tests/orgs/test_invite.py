"""Inviting people: the form, what is sent, and what is told of those who were not invited."""

import time

import pytest

from blueprints.orgs import inviting
from blueprints.orgs.inviting import send
from models import Role
from tests.browser_like import without_tokens

INVITE = "/orgs/northfield/people/invite"
PENDING = "/orgs/northfield/people/invitations"


@pytest.fixture
def sent(query):
    """sent() -> (address, role) of each invitation, in order."""
    return lambda: query("SELECT email, role::text FROM invitations ORDER BY id")


@pytest.mark.parametrize(("name", "status"), [("operator", 403), ("viewer", 403), ("guest", 404), ("stranger", 404)])
def test_only_those_who_manage_people_invite(as_, sent, name, status):
    person = as_(name)
    assert person.get(INVITE).status_code == status
    assert person.post(INVITE, emails="ana@example.org", role="VIEWER").status_code == status
    assert sent() == []


def split(seen):
    """How many statements there were, and beside them how many of the limits."""
    limits = [statement for statement in seen if "rate_limits" in statement]
    return len(seen) - len(limits), len(limits)


def test_the_page_takes_the_gates_statement_and_a_look_at_the_limits(as_, statements):
    admin = as_("admin")
    with statements() as seen:
        page = admin.get(INVITE)
    assert split(seen) == (1, 1)
    assert not seen.writes
    assert 'value="VIEWER" checked' in page.text
    assert 'value="OWNER"' not in page.text


def test_the_fragment_is_part_of_the_page(as_):
    admin = as_("admin")
    fragment, page = (without_tokens(admin.get(INVITE, hx=hx).text) for hx in (True, False))
    assert fragment.strip() in page


def test_one_and_many_are_invited(as_, sent, mails):
    admin = as_("admin")
    answer = admin.post(INVITE, emails="Ana <ana@example.org>\nben@example.org", role="OPERATOR", message="Hello")
    assert (answer.status_code, answer.location) == (303, PENDING)
    assert "Sent 2 invitations." in admin.get(PENDING).text
    assert sorted(sent()) == [("ana@example.org", "OPERATOR"), ("ben@example.org", "OPERATOR")]
    assert {mail["To"] for mail in mails()} == {"ana@example.org", "ben@example.org"}
    assert "Hello" in mails()[0].get_body(("plain",)).get_content()


def test_what_became_of_each_is_told(as_, sent, invited, northfield):
    invited("ben@example.org", "ADMIN")
    text = "cy@example.org sven.weber@example.org BEN@example.org\nsam@\ncy@example.org"
    answer = as_("admin").post(INVITE, hx=True, emails=text, role="VIEWER")
    assert answer.status_code == 422
    assert "Sent 1 invitation. 3 addresses need attention:" in answer.text
    assert "sven.weber@example.org is already a member (Admin)." in answer.text
    assert f"/people/{northfield.member('admin').id}" in answer.text
    assert "ben@example.org already has an invitation from" in answer.text
    assert "as Admin." in answer.text
    assert "Line 2: “sam@” is missing a domain" in answer.text
    assert "cy@example.org was listed twice." in answer.text
    assert answer.text.split("<textarea")[1].split(">", 1)[1].startswith(("sam@<", "\nsam@<", "\r\nsam@<"))
    assert sent() == [("ben@example.org", "ADMIN"), ("cy@example.org", "VIEWER")]


def test_sending_twice_invites_once(as_, sent, mails):
    admin = as_("admin")
    for _ in range(2):
        answer = admin.post(INVITE, emails="ana@example.org", role="VIEWER")
    assert "No invitation was sent. 1 address needs attention:" in answer.text
    assert len(sent()) == len(mails()) == 1


def test_an_expired_invitation_makes_way(as_, invited, query):
    invited("ana@example.org")
    query("UPDATE invitations SET expires_at = now() - interval '1 minute'")
    assert as_("admin").post(INVITE, emails="ana@example.org", role="ADMIN").status_code == 303
    assert query("SELECT role::text FROM invitations WHERE replaced_at IS NULL") == [("ADMIN",)]


def test_a_member_of_another_organization_is_invited_like_anybody(as_, sent):
    as_("admin").post(INVITE, emails="mateo@example.com", role="VIEWER")
    assert sent() == [("mateo@example.com", "VIEWER")]


@pytest.mark.parametrize(("name", "role", "status"), [("admin", "OWNER", 403), ("owner", "OWNER", 303)])
def test_nobody_invites_above_themselves(as_, sent, name, role, status):
    assert as_(name).post(INVITE, emails="ana@example.org", role=role).status_code == status
    assert len(sent()) == (status == 303)


@pytest.mark.parametrize("role", ["SUPER", "", "viewer", "\0"])
def test_a_role_that_is_none_is_refused(as_, sent, role):
    answer = as_("owner").post(INVITE, emails="ana@example.org", role=role)
    assert answer.status_code == 422
    assert "Choose a role" in answer.text
    assert "ana@example.org" in answer.text
    assert sent() == []


@pytest.mark.parametrize("emails", ["", "   ", ",;\n", "\0", "\ufffd", "nonsense"])
@pytest.mark.parametrize("hx", [True, False])
def test_without_an_address_there_is_nothing_to_send(as_, sent, emails, hx):
    assert as_("admin").post(INVITE, hx=hx, emails=emails, role="VIEWER").status_code == 422
    assert sent() == []


@pytest.mark.parametrize("message", ["x" * 501, "a\0b", "\ufffd"])
def test_a_message_that_cannot_be_is_refused(as_, sent, message):
    answer = as_("admin").post(INVITE, emails="ana@example.org", role="VIEWER", message=message)
    assert answer.status_code == 422
    assert sent() == []


def test_a_stale_token_keeps_what_was_typed(as_, sent):
    answer = as_("admin").post(INVITE, token="old", emails="ana@example.org", role="OPERATOR", message="Kept")
    assert answer.status_code == 422
    assert "This page was open for a long time" in answer.text
    assert "ana@example.org" in answer.text
    assert 'value="OPERATOR" checked' in answer.text
    assert "Kept" in answer.text
    assert sent() == []


def test_two_hundred_are_invited_in_as_many_statements_as_one(as_, sent, mails, statements):
    counts = []
    for name, number in (("owner", 1), ("admin", 200)):
        person = as_(name)
        emails = "\n".join(f"Person {n} <person{n}.of.{number}@example.org>" for n in range(number))
        with statements() as seen:
            assert person.post(INVITE, emails=emails, role="VIEWER").status_code == 303
        counts.append(split(seen))
    assert counts == [(6, 1), (6, 1)]  # the last is the audit log's, two hundred events in one
    assert len(sent()) == len(mails()) == 201


def test_two_hundred_take_well_under_a_second(as_):
    admin = as_("admin")
    began = time.process_time()
    admin.post(INVITE, emails=" ".join(f"person{n}@example.org" for n in range(200)), role="VIEWER")
    assert time.process_time() - began < 0.7


def test_one_more_is_refused_and_none_is_sent(as_, sent):
    answer = as_("admin").post(INVITE, emails=" ".join(f"p{n}@example.org" for n in range(201)), role="VIEWER")
    assert answer.status_code == 422
    assert "Enter at most 200 email addresses at a time. You entered 201." in answer.text
    assert sent() == []


def test_who_was_demoted_meanwhile_invites_nobody(as_, northfield, query, sent, monkeypatch):
    def quicker(*args):
        query("UPDATE organization_members SET role = 'VIEWER' WHERE id = %(id)s", id=northfield.member("admin").id)
        return send(*args)

    monkeypatch.setattr(inviting, "send", quicker)
    assert as_("admin").post(INVITE, emails="ana@example.org", role="VIEWER").status_code == 403
    assert sent() == []


def test_roles_are_explained_where_one_is_chosen(as_):
    page = as_("owner").get(INVITE).text
    for role in Role:
        assert f">{role.label}<" in page
    assert "Cannot manage people." in page
