"""Offers of ownership: one open at a time, one end each, and both roles change or neither."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models import (
    AlreadyOffered,
    Invitation,
    LastOwner,
    NoNominee,
    OfferOver,
    OrganizationMember,
    OutgoingMail,
    OwnershipOffer,
    Role,
    User,
    db,
    membership,
    transaction,
)
from models.organization import Organization
from models.text import address

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def offered(northfield):
    """offered(to="viewer", role=Role.ADMIN, by="owner") -> an open offer of Northfield."""

    def make(to="viewer", role=Role.ADMIN, by="owner"):
        with transaction():
            return OwnershipOffer.offer(
                northfield.organization.id, northfield.member(to).id, role, northfield.person(by).id
            )

    return make


@pytest.fixture
def role_of(northfield):
    """role_of("viewer") -> their role in Northfield; None for who is no member any more."""

    def look(name):
        here = OrganizationMember.organization_id == northfield.organization.id
        mine = OrganizationMember.user_id == northfield.person(name).id
        return db.session.scalar(db.select(OrganizationMember.role).where(here, mine))

    return look


def do(verb, offer):
    with transaction():
        getattr(db.session.get_one(OwnershipOffer, offer.id), verb)()


def sql(statement, **values):
    with transaction():
        db.session.execute(text(statement), values)


def ends():
    return [offer.end for offer in db.session.scalars(db.select(OwnershipOffer).order_by(OwnershipOffer.id))]


def told():
    return [
        (mail.message, mail.organization_id)
        for mail in db.session.scalars(db.select(OutgoingMail).order_by(OutgoingMail.id))
    ]


# --- offering ---------------------------------------------------------------------------------------------------


def test_an_offer_changes_nothing_and_tells_both(northfield, offered, role_of):
    offered()
    assert (role_of("owner"), role_of("viewer")) == (Role.OWNER, Role.VIEWER)
    here = northfield.organization.id
    assert told() == [("ownership_offered", here), ("ownership_offer_made", here)]


def test_one_offer_is_open_at_a_time(offered):
    offered()
    with pytest.raises(AlreadyOffered):
        offered("operator")
    assert ends() == [None]


@pytest.mark.parametrize("end", ["accept", "decline", "cancel"])
def test_after_its_end_another_may_be_made(offered, northfield, end):
    do(end, offered(role=Role.OWNER))
    offered("operator")
    assert len(ends()) == 2


def test_an_owner_is_no_nominee(offered, northfield):
    with pytest.raises(NoNominee):
        offered("owner", by="owner")


def test_nor_is_who_cannot_log_in(offered, northfield):
    sql("UPDATE users SET deactivated_at = now() WHERE id = :id", id=northfield.viewer.id)
    with pytest.raises(NoNominee):
        offered()


def test_nor_is_a_member_of_another_organization(northfield):
    with pytest.raises(NoNominee), transaction():
        OwnershipOffer.offer(northfield.organization.id, northfield.harbour_member.id, Role.ADMIN, northfield.owner.id)


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"nominee_id": "stranger"}, "fk_ownership_offers_organization_id_nominee_id"),
        ({"offered_by": "guest"}, "fk_ownership_offers_organization_id_offered_by"),
        ({"offered_by": "viewer"}, "ck_ownership_offers_people"),
    ],
)
def test_the_database_keeps_offers_inside_their_tenant(northfield, columns, constraint):
    people = {"nominee_id": "viewer", "offered_by": "owner", **columns}
    ids = {column: northfield.person(name).id for column, name in people.items()}
    with pytest.raises(IntegrityError, match=constraint):
        sql(
            "INSERT INTO ownership_offers (organization_id, nominee_id, offered_by, former_role) "
            "VALUES (:here, :nominee_id, :offered_by, 'ADMIN')",
            here=northfield.organization.id,
            **ids,
        )


def test_an_offer_has_one_end(offered):
    do("decline", offered())
    with pytest.raises(IntegrityError, match="ck_ownership_offers_end"):
        sql("UPDATE ownership_offers SET accepted_at = now()")


def test_the_people_of_an_offer_are_named_for_its_banner(northfield, offered):
    offer = offered(role=Role.OWNER)
    waiting = OwnershipOffer.waiting_in(northfield.organization.id)
    assert (waiting.id, waiting.nominee, waiting.sender) == (offer.id, "Hana Reyes", "Amara Okafor")
    assert OwnershipOffer.waiting_in(northfield.harbour.id) is None
    assert db.session.get_one(User, waiting.offered_by).name == "Amara Okafor"


# --- accepting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("former", Role)
@pytest.mark.parametrize("to", ["viewer", "operator", "admin"])
def test_accepting_hands_over_in_one_transaction(northfield, offered, role_of, to, former):
    do("accept", offered(to, former))
    assert (role_of(to), role_of("owner")) == (Role.OWNER, former)
    assert ends() == ["accepted"]
    here = northfield.organization.id
    assert told()[2:] == [("ownership_taken", here), ("ownership_given", here)]
    assert db.session.get_one(OrganizationMember, northfield.member(to).id).version == 2


def test_stepping_down_revokes_what_one_could_not_have_sent(northfield, offered):
    with transaction():
        for email, role in (("ana@example.org", Role.ADMIN), ("ben@example.org", Role.VIEWER)):
            Invitation.issue(northfield.organization.id, address(email), role, northfield.owner.id)
    do("accept", offered(role=Role.OPERATOR))
    assert db.session.scalars(db.select(Invitation.revoked_at.is_not(None))).all() == [True, True]


@pytest.mark.parametrize("first", ["accept", "decline", "cancel"])
@pytest.mark.parametrize("second", ["accept", "decline", "cancel"])
def test_an_offer_comes_to_one_end(offered, role_of, first, second):
    offer = offered(role=Role.OWNER)
    do(first, offer)
    before, mails = (ends(), role_of("viewer")), told()
    with pytest.raises(OfferOver):
        do(second, offer)
    assert (ends(), role_of("viewer")) == before
    assert told() == mails


MEANWHILE = {
    "the sender is demoted": (
        "UPDATE organization_members SET role = 'ADMIN' WHERE user_id = :owner",
        "UPDATE organization_members SET role = 'OWNER' WHERE user_id = :owner",
    ),
    "the nominee became an Owner": (
        "UPDATE organization_members SET role = 'OWNER' WHERE user_id = :viewer",
        "UPDATE organization_members SET role = 'VIEWER' WHERE user_id = :viewer",
    ),
}


@pytest.mark.parametrize(("change", "back"), MEANWHILE.values(), ids=MEANWHILE.keys())
def test_a_role_that_an_offer_stands_on_ends_it_for_good(northfield, offered, role_of, change, back):
    people = {"owner": northfield.owner.id, "viewer": northfield.viewer.id}
    sql("UPDATE organization_members SET role = 'OWNER' WHERE user_id = :id", id=northfield.admin.id)
    offer = offered()
    for statement in (change, back):
        sql(statement, **{name: id for name, id in people.items() if f":{name}" in statement})
    assert ends() == ["cancelled"]
    with pytest.raises(OfferOver):
        do("accept", offer)
    assert role_of("viewer") is Role.VIEWER


def test_another_change_of_role_leaves_it_open(northfield, offered, role_of):
    offer = offered()
    sql("UPDATE organization_members SET role = 'OPERATOR' WHERE user_id = :id", id=northfield.viewer.id)
    do("accept", offer)
    assert role_of("viewer") is Role.OWNER


@pytest.mark.parametrize("who", ["owner", "viewer"])
def test_an_offer_is_worth_nothing_while_one_of_the_two_is_deactivated(northfield, offered, role_of, who):
    sql("UPDATE organization_members SET role = 'OWNER' WHERE user_id = :id", id=northfield.admin.id)
    offer = offered()
    sql("UPDATE users SET deactivated_at = now() WHERE id = :id", id=northfield.person(who).id)
    with pytest.raises(OfferOver):
        do("accept", offer)
    assert (role_of("viewer"), role_of("owner"), ends()) == (Role.VIEWER, Role.OWNER, [None])


@pytest.mark.parametrize("who", ["owner", "viewer"])
def test_whoever_leaves_takes_the_offer_along(northfield, offered, who):
    sql("UPDATE organization_members SET role = 'OWNER' WHERE user_id = :id", id=northfield.admin.id)
    offered()
    with transaction():
        membership.remove(db.session.merge(northfield.member(who)))
    assert ends() == []


@pytest.mark.parametrize("verb", ["accept", "decline", "cancel"])
def test_in_a_deleted_organization_nothing_becomes_of_it_until_that_is_restored(northfield, offered, verb):
    offer, organization = offered(), db.session.get_one(Organization, northfield.organization.id)
    with transaction():
        organization.delete()
    with pytest.raises(OfferOver):
        do(verb, offer)
    with transaction():
        organization.restore()
    do(verb, offer)
    assert ends() != [None]


def test_accepting_is_whole_or_not_at_all(northfield, offered, role_of):
    """Where the nominee is deactivated in the same moment, the owner rule refuses all of it."""
    offer = offered()
    deactivated = text("UPDATE users SET deactivated_at = now() WHERE id = :id")

    def accept_and_deactivate():
        db.session.get_one(OwnershipOffer, offer.id).accept()
        db.session.execute(deactivated, {"id": northfield.viewer.id})

    with pytest.raises(LastOwner), transaction():
        accept_and_deactivate()
    assert (role_of("viewer"), role_of("owner"), ends()) == (Role.VIEWER, Role.OWNER, [None])


# --- at once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", range(5))
def test_of_twenty_who_answer_at_once_one_is_heard(app, northfield, offered, role_of, attempt):
    offer = offered()
    verbs = ["accept", "cancel", "decline", "accept"] * 5
    ready, done = threading.Barrier(len(verbs)), []

    def answer(verb):
        with northfield.inside(app):
            ready.wait()
            try:
                do(verb, offer)
                done.append(verb)
            except OfferOver:
                done.append("over")

    threads = [threading.Thread(target=answer, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [heard] = [verb for verb in done if verb != "over"]
    assert len(done) == len(verbs)
    db.session.expire_all()
    assert ends() == [{"accept": "accepted", "cancel": "cancelled", "decline": "declined"}[heard]]
    taken = heard == "accept"
    assert role_of("viewer") is (Role.OWNER if taken else Role.VIEWER)
    assert role_of("owner") is (Role.ADMIN if taken else Role.OWNER)
    assert len(told()) == (4 if taken else 3)


def test_a_nominee_who_is_renamed_while_accepting_becomes_an_owner_all_the_same(
    app, northfield, offered, role_of, somebody_waits, monkeypatch
):
    """The roles have changed when the rename begins: it waits for the account, and holds nothing meanwhile."""
    offer, tell = offered(), OwnershipOffer._tell

    def rename():
        with app.app_context(), transaction():
            db.session.get_one(User, northfield.viewer.id).rename("Renamed")

    def tell_later(self, *messages):
        renaming.start()
        while renaming.is_alive() and not somebody_waits():
            pass
        tell(self, *messages)

    renaming = threading.Thread(target=rename)
    monkeypatch.setattr(OwnershipOffer, "_tell", tell_later)
    do("accept", offer)
    renaming.join()
    db.session.expire_all()
    assert role_of("viewer") is Role.OWNER
    assert db.session.get_one(User, northfield.viewer.id).name == "Renamed"


def test_of_ten_offers_at_once_one_is_made(app, northfield, offered):
    names = ["viewer", "operator", "admin"] * 3 + ["viewer"]
    ready, made = threading.Barrier(len(names)), []

    def make(name):
        with northfield.inside(app):
            ready.wait()
            try:
                offered(name)
                made.append(name)
            except AlreadyOffered:
                pass

    threads = [threading.Thread(target=make, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert ends() == [None]
    assert len(told()) == 2


def test_a_nominee_who_accepts_while_being_removed_is_gone_and_an_owner_stays(app, northfield, offered, role_of):
    """Removed first, Hana can accept nothing; if she accepts first, she goes as an Owner. Sven stays one."""
    sql("UPDATE organization_members SET role = 'OWNER' WHERE user_id = :id", id=northfield.admin.id)
    offer, ready = offered(role=Role.VIEWER), threading.Barrier(2)
    outcome = []

    def accept():
        with northfield.inside(app):
            ready.wait()
            try:
                do("accept", offer)
                outcome.append("accepted")
            except (OfferOver, db.exc.InvalidRequestError):
                outcome.append("gone")

    def remove():
        with northfield.inside(app):
            ready.wait()
            with transaction():
                Organization.lock(northfield.organization.id)
                membership.remove(db.session.get_one(OrganizationMember, northfield.member("viewer").id))

    threads = [threading.Thread(target=accept), threading.Thread(target=remove)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert role_of("viewer") is None
    assert role_of("owner") is (Role.VIEWER if outcome == ["accepted"] else Role.OWNER)
    assert role_of("admin") is Role.OWNER


# --- what is mailed ---------------------------------------------------------------------------------------------


def test_each_mail_goes_to_its_reader_while_it_is_true(northfield, offered, mails):
    hana, amara = northfield.viewer.email, northfield.owner.email

    def sent():
        return {(mail["To"], mail["Subject"]) for mail in mails()}

    offer = offered()
    assert sent() == {
        (hana, "Amara Okafor wants to make you Owner of Northfield"),
        (amara, "You offered Hana Reyes ownership of Northfield"),
    }
    do("decline", offer)
    declined = (amara, "Hana Reyes declined ownership of Northfield")
    assert sent() == {declined}
    do("cancel", offered())
    cancelled = (hana, "You are no longer asked to own Northfield")
    assert sent() == {declined, cancelled}
    do("accept", offered())
    assert sent() - {declined, cancelled} == {
        (hana, "You are now an Owner of Northfield"),
        (amara, "Hana Reyes is now an Owner of Northfield"),
    }


def test_a_mail_says_what_becomes_of_its_reader_in_both_parts(northfield, offered, mails):
    do("accept", offered(role=Role.OPERATOR))
    [mail] = [mail for mail in mails() if mail["To"] == northfield.owner.email]
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Hello Amara Okafor," in plain
    assert "You are an Operator." in plain
    assert "<strong>an Operator</strong>" in html
    assert "http://localhost/orgs/northfield\n" in plain
    assert 'href="http://localhost/orgs/northfield"' in html


def test_nothing_is_mailed_to_who_cannot_log_in_nor_about_what_is_deleted(northfield, offered, mails):
    offered()
    sql("UPDATE users SET deactivated_at = now() WHERE id = :id", id=northfield.viewer.id)
    assert [mail["To"] for mail in mails()] == [northfield.owner.email]
    sql("UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'")
    assert mails() == []


def test_no_name_in_a_mail_becomes_a_link_or_markup(northfield, offered, mails):
    sql("UPDATE users SET name = 'www.evil.example <b>' WHERE id = :id", id=northfield.owner.id)
    sql("UPDATE organizations SET name = 'evil.example' WHERE slug = 'northfield'")
    offered()
    for mail in mails():
        for kind in ("plain", "html"):
            assert "evil.example" not in mail.get_body((kind,)).get_content()
        assert "<b>" not in mail.get_body(("html",)).get_content()
