"""The state machine of invitations: what may become of one, by our verbs and by any other door."""

import pytest

from models import CannotAccept, Invitation, Offer, Role, State, db, transaction
from models.text import address

pytestmark = pytest.mark.usefixtures("context")

# From where (down) which verb leads where; "no" is a refusal. docs/invitations.md draws the same.
TRANSITIONS = """
             | accept   | decline  | revoke  | again
    pending  | accepted | declined | revoked | replaced
    accepted | no       | no       | no      | no
    declined | no       | no       | no      | no
    revoked  | no       | no       | revoked | no
    replaced | no       | no       | no      | no
    expired  | no       | no       | revoked | replaced
"""
HEAD, *ROWS = [[cell.strip() for cell in line.split("|")] for line in TRANSITIONS.strip("\n ").splitlines()]
CELLS = [(row[0], verb, answer) for row in ROWS for verb, answer in zip(HEAD[1:], row[1:], strict=True)]
ENDS = ["accepted", "declined", "revoked", "replaced"]


@pytest.fixture
def invitation(northfield):
    """invitation(state) -> one from the Owner, in that state."""

    def make(state="pending"):
        with transaction():
            row = Invitation.issue(
                northfield.organization.id, address("ana@example.com"), Role.VIEWER, northfield.owner.id
            )
        if state != "pending":
            column = "expires_at" if state == "expired" else f"{state}_at"
            change(f"{column} = now()", row)
        return row

    return make


def change(values, row):
    with transaction():
        db.session.execute(db.text(f"UPDATE invitations SET {values} WHERE id = :id"), {"id": row.id})


def state_of(row):
    offer = Offer.of(row.id)
    assert offer
    return offer.state


@pytest.mark.parametrize(("start", "verb", "answer"), CELLS)
def test_a_verb_leads_where_the_table_says(invitation, northfield, start, verb, answer):
    row = invitation(start)
    offer = Offer.of(row.id)
    verbs = {
        "accept": lambda: offer.accept(northfield.stranger),
        "decline": row.decline,
        "revoke": row.revoke,
        "again": lambda: row.again(northfield.owner.id),
    }
    if answer == "no":
        with pytest.raises(CannotAccept) as refused, transaction():
            verbs[verb]()
        assert refused.value.state is State(start)
    else:
        with transaction():
            verbs[verb]()
    assert state_of(row) is State(start if answer == "no" else answer)


@pytest.mark.parametrize(("end", "ended"), [(State.REVOKED, 2), (State.REPLACED, 2), (State.DECLINED, 1)])
def test_many_at_once_keep_to_the_same_table(northfield, end, ended):
    with transaction():
        addresses = [address(f"{name}@example.com") for name in ("pending", "expired", "accepted", "declined")]
        Invitation.issue_all(northfield.organization.id, addresses, Role.VIEWER, northfield.owner.id)
    rows = {row.email.partition("@")[0]: row for row in db.session.scalars(db.select(Invitation))}
    change("expires_at = now()", rows["expired"])
    change("accepted_at = now()", rows["accepted"])
    change("declined_at = now()", rows["declined"])
    with transaction():
        assert len(Invitation.end_all(end, Invitation.organization_id == northfield.organization.id)) == ended


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("undo", ["{end}_at = NULL", "{end}_at = now() + interval '1 second'"])
def test_the_database_lets_nobody_take_an_end_back(invitation, end, undo):
    row = invitation(end)
    with pytest.raises(db.exc.IntegrityError, match="came to its end"):
        change(undo.format(end=end), row)


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_the_database_lets_nothing_end_twice(invitation, first, second):
    if first == second:
        return
    row = invitation(first)
    for values in (f"{second}_at = now()", f"{first}_at = NULL, {second}_at = now()"):
        with pytest.raises(db.exc.IntegrityError):
            change(values, row)


@pytest.mark.parametrize("values", ["role = 'OWNER'", "accepted_by = NULL", "email = 'eve@example.com'", "nonce = ''"])
def test_the_database_keeps_an_accepted_one_as_it_was(invitation, northfield, values):
    row = invitation()
    with transaction():
        offer = Offer.of(row.id)
        assert offer
        offer.accept(northfield.stranger)
    with pytest.raises(db.exc.IntegrityError, match="came to its end"):
        change(values, row)
    change("role = role", row)  # what changes nothing is no change
