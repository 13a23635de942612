"""Invitations: one pending for an address, one end each, and one membership however many try."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from models import (
    AlreadyInvited,
    AlreadyMember,
    CannotAccept,
    Invitation,
    Offer,
    OrganizationMember,
    OutgoingMail,
    Role,
    State,
    User,
    db,
    transaction,
)
from models.invitation import COPIED, MAILED
from models.text import address
from tests.factories import make_user

ANA = address("Ana@example.com")
pytestmark = pytest.mark.usefixtures("context")


def invite(northfield, to=ANA, role=Role.OPERATOR, by=None):
    with transaction():
        return Invitation.issue(northfield.organization.id, to, role, (by or northfield.owner).id, "Hello")


def state_of(invitation):
    offer = Offer.of(invitation.id)
    return offer.state if offer else None


def accept(invitation, user):
    offer = Offer.of(invitation.id)
    assert offer
    return offer.accept(user)


def change(statement, **values):
    with transaction():
        db.session.execute(db.text(statement), values)


# --- issuing --------------------------------------------------------------------------------------------------


def test_an_invitation_queues_its_mail_with_it(northfield):
    invitation = invite(northfield)
    mail = db.session.scalars(db.select(OutgoingMail)).one()
    assert (mail.message, mail.subject_id, mail.state) == ("invitation", invitation.id, "queued")


def test_an_address_is_invited_once_at_a_time_whatever_its_case(northfield):
    invite(northfield)
    with pytest.raises(AlreadyInvited):
        invite(northfield, address("ANA@EXAMPLE.COM"))
    assert db.session.scalar(db.select(db.func.count()).select_from(OutgoingMail)) == 1


def test_an_expired_invitation_makes_way(northfield):
    first = invite(northfield)
    change("UPDATE invitations SET expires_at = now()")
    second = invite(northfield)
    assert (state_of(first), state_of(second)) == (State.REPLACED, State.PENDING)


def test_fifty_at_once_invite_an_address_once(app, northfield):
    def try_once(_):
        with northfield.inside(app):
            try:
                return invite(northfield).id
            except AlreadyInvited:
                return None

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(try_once, range(50)))
    assert len([one for one in made if one]) == 1


# --- the link -------------------------------------------------------------------------------------------------


def test_a_link_finds_its_offer_and_says_whether_it_was_mailed(northfield):
    invitation = invite(northfield)
    mailed, copied = Offer.find(invitation.link_text(MAILED)), Offer.find(invitation.link_text(COPIED))
    assert mailed
    assert mailed.mailed
    assert copied
    assert not copied.mailed
    assert mailed.organization.name == "Northfield"
    assert mailed.inviter.name == "Amara Okafor"


def test_no_link_is_kept_in_the_database(northfield):
    invitation = invite(northfield)
    proof = invitation.link_text(MAILED)[22:]
    dump = db.session.execute(db.text("SELECT array_agg(i::text || m::text) FROM invitations i, outgoing_mail m"))
    assert proof not in str(dump.scalar_one())


def test_the_nonce_alone_makes_no_link(northfield):
    invitation = invite(northfield)
    change("UPDATE invitations SET nonce = %(n)s".replace("%(n)s", ":n"), n=b"\0" * 32)
    assert Offer.find(invitation.link_text(MAILED)) is None


def test_sending_again_replaces_the_link(northfield):
    first = invite(northfield)
    old = first.link_text(MAILED)
    with transaction():
        fresh = first.again(northfield.admin.id)
    offer = Offer.find(old)
    assert offer
    assert offer.state is State.REPLACED
    assert (fresh.role, fresh.message, fresh.invited_by) == (Role.OPERATOR, "Hello", northfield.admin.id)
    assert state_of(fresh) is State.PENDING


def test_a_link_to_copy_sends_no_mail(northfield):
    first = invite(northfield)
    with transaction():
        fresh = first.again(northfield.owner.id, mailed=False)
    mails = db.session.scalars(db.select(OutgoingMail.subject_id)).all()
    assert fresh.id not in mails


# --- the ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "state"), [("revoke", State.REVOKED), ("decline", State.DECLINED)])
def test_it_ends_once(northfield, verb, state):
    invitation = invite(northfield)
    with transaction():
        getattr(invitation, verb)()
    assert state_of(invitation) is state
    with pytest.raises(CannotAccept) as refused, transaction():
        accept(invitation, northfield.stranger)
    assert refused.value.state is state


def test_revoking_twice_is_one_revocation(northfield):
    invitation = invite(northfield)
    for _ in range(2):
        with transaction():
            invitation.revoke()
    assert state_of(invitation) is State.REVOKED


def test_what_was_accepted_cannot_be_revoked_declined_or_sent_again(northfield):
    invitation = invite(northfield)
    with transaction():
        accept(invitation, northfield.stranger)
    for verb in (invitation.revoke, invitation.decline, lambda: invitation.again(northfield.owner.id)):
        with pytest.raises(CannotAccept), transaction():
            verb()


def test_the_database_clock_decides_when_it_is_too_late(northfield):
    invitation = invite(northfield)
    change("UPDATE invitations SET expires_at = clock_timestamp()")
    with pytest.raises(CannotAccept) as refused, transaction():
        accept(invitation, northfield.stranger)
    assert refused.value.state is State.EXPIRED


# --- accepting ------------------------------------------------------------------------------------------------


def test_accepting_makes_a_member_and_uses_the_invitation_up(northfield):
    invitation = invite(northfield)
    with transaction():
        member = accept(invitation, northfield.stranger)
    assert (member.role, member.user_id) == (Role.OPERATOR, northfield.stranger.id)
    assert state_of(invitation) is State.ACCEPTED


def test_a_member_keeps_their_role_and_the_invitation_stays(northfield):
    invitation = invite(northfield, address(northfield.operator.email), Role.VIEWER)
    with pytest.raises(AlreadyMember), transaction():
        accept(invitation, northfield.operator)
    role = db.select(OrganizationMember.role).where(OrganizationMember.user_id == northfield.operator.id)
    assert db.session.scalar(role) is Role.OPERATOR
    assert state_of(invitation) is State.PENDING


@pytest.mark.parametrize(
    "loss",
    [
        "UPDATE organization_members SET role = 'OPERATOR' WHERE user_id = :inviter",
        "DELETE FROM organization_members WHERE user_id = :inviter",
        "UPDATE users SET deactivated_at = now() WHERE id = :inviter",
        "UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'",
    ],
)
def test_it_is_worth_what_its_sender_could_still_give(northfield, loss):
    invitation = invite(northfield, by=northfield.admin)
    change(loss, **({"inviter": northfield.admin.id} if ":inviter" in loss else {}))
    assert state_of(invitation) is State.GONE
    with pytest.raises(CannotAccept) as refused, transaction():
        accept(invitation, northfield.stranger)
    assert refused.value.state is State.GONE


def test_an_offer_of_one_project_never_makes_a_member(northfield):
    invitation = invite(northfield)
    change("UPDATE invitations SET project_id = :project", project=northfield.project.id)
    with transaction():
        assert accept(invitation, northfield.stranger) is None
    member = db.select(OrganizationMember.id).where(
        OrganizationMember.user_id == northfield.stranger.id,
        OrganizationMember.organization_id == northfield.organization.id,
    )
    assert db.session.scalar(member) is None


def test_fifty_at_once_are_one_membership(app, northfield):
    invitation = invite(northfield)
    people = [make_user(f"Person {n}").id for n in range(50)]

    def try_once(user_id):
        with northfield.inside(app):
            try:
                with transaction():
                    accept(invitation, db.session.get_one(User, user_id))
            except CannotAccept as refused:
                return refused.state
            return "joined"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(try_once, people))
    assert sorted(answers, key=str) == [State.ACCEPTED] * 49 + ["joined"]


def test_revoked_and_accepted_at_once_is_one_of_both(app, northfield):
    def race(number):
        with northfield.inside(app):
            row = invite(northfield, address(f"racer{number}@example.com"))
            racer = make_user(f"Racer {number}")

        def act(verb):
            with northfield.inside(app):
                try:
                    with transaction():
                        again = db.session.get_one(Invitation, row.id)
                        again.revoke() if verb == "revoke" else accept(again, racer)
                except CannotAccept:
                    return None
                return verb

        with ThreadPoolExecutor(2) as pair:
            return [won for won in pair.map(act, ("revoke", "accept")) if won]

    assert all(len(race(number)) == 1 for number in range(10))


# --- waiting for somebody -------------------------------------------------------------------------------------


def test_what_waits_for_an_address_is_listed_until_it_is_over(northfield):
    invite(northfield, address(northfield.stranger.email))
    waiting = Offer.waiting_for(northfield.stranger.id, northfield.stranger.email_key)
    assert [offer.organization.name for offer in waiting] == ["Northfield"]
    change("UPDATE invitations SET expires_at = now()")
    assert Offer.waiting_for(northfield.stranger.id, northfield.stranger.email_key) == []


def test_nothing_waits_for_a_member(northfield):
    invite(northfield, address(northfield.viewer.email))
    assert Offer.waiting_for(northfield.viewer.id, northfield.viewer.email_key) == []


@pytest.mark.parametrize("project", [False, True], ids=["to the organization", "to a project"])
def test_an_account_that_ended_meanwhile_joins_nothing(northfield, query, project):
    """Deleting an account ends its memberships; a request to join that was under way must not begin another."""
    user = make_user("Ana Silva", "ana@example.com")
    with transaction():
        here, place = northfield.organization.id, northfield.project.id if project else None
        invitation = Invitation.issue(here, ANA, Role.OPERATOR, northfield.owner.id, "", place)
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=user.id)
    with pytest.raises(CannotAccept), transaction():
        accept(invitation, user)
    assert query("SELECT FROM organization_members WHERE user_id = %(id)s", id=user.id) == []
    assert query("SELECT FROM project_members WHERE user_id = %(id)s", id=user.id) == []
