"""What can become of an invitation: its states, and which leads to which."""

from enum import Enum

from models.base import Refusal


class State(Enum):
    """Where an invitation stands. Only a pending one can be accepted."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"
    EXPIRED = "expired"
    GONE = "gone"  # the organization, or the inviter's right to give this role, is no more


# What may become of an invitation (docs/invitations.md draws it). Nothing leads on from any other state.
MAY_BECOME: dict[State, set[State]] = {
    State.PENDING: {State.ACCEPTED, State.DECLINED, State.REVOKED, State.REPLACED, State.EXPIRED},
    State.EXPIRED: {State.REVOKED, State.REPLACED},
}
ENDS = (State.ACCEPTED, State.DECLINED, State.REVOKED, State.REPLACED)  # each has a column: <state>_at


class AlreadyInvited(Refusal):
    """This address has an invitation already."""

    constraint = "uq_invitations_pending"


class CannotAccept(Refusal):
    """This invitation cannot be accepted any more."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
