"""What can happen: every action of the audit log, with the sentence that tells it.

A sentence may name {actor}, {subject}, {project}, and any fact that the event keeps: {old_role} from before the change,
{new_role} from after it. A host product adds its own lines with declare().
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One kind of event."""

    name: str  # as it is stored, and as the address of a filtered log says it
    label: str  # what the filter offers
    sentence: str


ACTIONS: dict[str, Action] = {}


def declare(name: str, label: str, sentence: str) -> Action:
    """Name an action, once.

    Args:
        name: the kind of thing and what happened to it, like "deployment.started".
        label: a few words for the filter.
        sentence: what the log says.

    Raises:
        ValueError: the name is taken.
    """
    if name in ACTIONS:
        raise ValueError(f"The action {name} is declared twice.")
    ACTIONS[name] = Action(name, label, sentence)
    return ACTIONS[name]


ORGANIZATION_CREATED = declare("organization.created", "Organization created", "{actor} created {new_name}")
ORGANIZATION_RENAMED = declare(
    "organization.renamed",
    "Organization renamed",
    "{actor} changed {old_name} (/orgs/{old_slug}) to {new_name} (/orgs/{new_slug})",
)
ORGANIZATION_DELETED = declare("organization.deleted", "Organization deleted", "{actor} deleted {old_name}")
ORGANIZATION_RESTORED = declare("organization.restored", "Organization restored", "{actor} restored {new_name}")

MEMBER_JOINED = declare("member.joined", "Member joined", "{subject} joined as {new_role}")
MEMBER_ROLE_CHANGED = declare(
    "member.role_changed", "Member’s role changed", "{actor} changed {subject} from {old_role} to {new_role}"
)
MEMBER_REMOVED = declare("member.removed", "Member removed", "{actor} removed {subject}, who was {old_role}")
MEMBER_LEFT = declare("member.left", "Member left", "{subject} left, and was {old_role}")

OWNERSHIP_OFFERED = declare(
    "ownership.offered", "Ownership offered", "{actor} offered {subject} to become an Owner, and to be {new_role} then"
)
OWNERSHIP_ACCEPTED = declare("ownership.accepted", "Ownership accepted", "{actor} accepted to become an Owner")
OWNERSHIP_DECLINED = declare("ownership.declined", "Ownership declined", "{actor} declined to become an Owner")
OWNERSHIP_CANCELLED = declare(
    "ownership.cancelled", "Offer of ownership cancelled", "{actor} cancelled the offer of ownership to {subject}"
)

TWO_STEP_REQUIRED = declare(
    "organization.two_step_required",
    "Two-step verification required",
    "{actor} made two-step verification a condition for everyone here",
)
TWO_STEP_NOT_REQUIRED = declare(
    "organization.two_step_not_required",
    "Two-step verification not required",
    "{actor} no longer made two-step verification a condition",
)
INVITATION_SENT = declare("invitation.sent", "Invitation sent", "{actor} invited {subject} as {new_role}")
INVITATION_SENT_AGAIN = declare(
    "invitation.sent_again", "Invitation sent again", "{actor} sent the invitation for {subject} again"
)
INVITATION_LINK_MADE = declare(
    "invitation.link_made", "Invitation link copied", "{actor} made a link to copy for {subject}"
)
INVITATION_REVOKED = declare("invitation.revoked", "Invitation revoked", "{actor} revoked the invitation for {subject}")
INVITATION_RESTORED = declare(
    "invitation.restored", "Invitation restored", "{actor} restored the invitation for {subject}"
)
INVITATION_DECLINED = declare("invitation.declined", "Invitation declined", "{subject} declined the invitation")
INVITATION_ASKED_AGAIN = declare(
    "invitation.asked_again", "New invitation asked for", "{subject} asked for a new invitation"
)
GUEST_JOINED = declare("guest.joined", "Joined a project", "{subject} joined {project} as {new_role}")

PROJECT_CREATED = declare("project.created", "Project created", "{actor} created the project {new_name}")
PROJECT_CHANGED = declare("project.changed", "Project changed", "{actor} changed the project {project}")
PROJECT_ARCHIVED = declare("project.archived", "Project archived", "{actor} archived the project {project}")
PROJECT_RESTORED = declare("project.restored", "Project restored", "{actor} restored the project {project}")
PROJECT_DELETED = declare("project.deleted", "Project deleted", "{actor} deleted the project {old_name}")

PROJECT_ROLE_SET = declare("project_role.set", "Project role set", "{actor} made {subject} {new_role} on {project}")
PROJECT_ROLE_FOLLOWS = declare(
    "project_role.follows",
    "Project role follows the organization",
    "{actor} let {subject} follow the organization on {project}",
)
PROJECT_ROLE_REMOVED = declare(
    "project_role.removed", "Project role removed", "{actor} removed {subject} from {project}"
)

ACCOUNT_CREATED = declare("account.created", "Account created", "{subject} signed up")
ACCOUNT_RENAMED = declare("account.renamed", "Account renamed", "{actor} changed the name of {subject}")
ACCOUNT_PASSWORD_CHANGED = declare(
    "account.password_changed", "Password changed", "{actor} changed the password of {subject}"
)
ACCOUNT_PASSWORD_RESET = declare(
    "account.password_reset", "Password reset", "{actor} reset the password of {subject} by a mailed link"
)
ACCOUNT_ADDRESS_CONFIRMED = declare(
    "account.address_confirmed", "Email address confirmed", "{actor} confirmed the email address of {subject}"
)
EMAIL_CHANGE_ASKED = declare(
    "email.change_asked", "Change of email asked for", "{actor} asked for another email address of {subject}"
)
EMAIL_CHANGED = declare("email.changed", "Email changed", "{actor} changed the email address of {subject}")
EMAIL_CHANGE_UNDONE = declare(
    "email.change_undone", "Change of email undone", "{actor} took the change of {subject}’s email address back"
)
PASSKEY_ADDED = declare("passkey.added", "Passkey added", "{actor} added a passkey")
PASSKEY_REMOVED = declare("passkey.removed", "Passkey removed", "{actor} removed a passkey")
TWO_STEP_ON = declare("two_step.on", "Two-step verification on", "{actor} turned two-step verification on")
TWO_STEP_OFF = declare(
    "two_step.off", "Two-step verification off", "{actor} turned two-step verification of {subject} off"
)
RECOVERY_CODES_RENEWED = declare("recovery_codes.renewed", "Recovery codes renewed", "{actor} made new recovery codes")
RECOVERY_CODE_USED = declare("recovery_code.used", "Recovery code used", "{actor} logged in with a recovery code")
ACCOUNT_DEACTIVATED = declare("account.deactivated", "Account deactivated", "{actor} deactivated {subject}")
ACCOUNT_REACTIVATED = declare("account.reactivated", "Account reactivated", "{actor} reactivated {subject}")
ACCOUNT_LOGGED_OUT = declare("account.logged_out", "Logged out everywhere", "{actor} logged {subject} out everywhere")
ACCOUNT_DELETED = declare("account.deleted", "Account deleted", "{subject} deleted their account")
BROWSER_UNLOCKED = declare(
    "browser.unlocked", "Browser let in", "{actor} let a browser try to log in, by a mailed link"
)
SESSION_BEGAN = declare("session.began", "Logged in", "{actor} logged in")
SESSION_ENDED = declare("session.ended", "Logged out", "{actor} logged out")
SESSION_REVOKED = declare("session.revoked", "Logged out elsewhere", "{actor} logged out another device")
SESSIONS_REVOKED = declare(
    "sessions.revoked", "Logged out everywhere else", "{actor} logged out everywhere else (devices: {new_number})"
)

DATA_RESTORED = declare(
    "data.restored",
    "Restored from a backup",
    "{actor} restored all data from a backup: what happened after the event before this one is not in it",
)
ACCESS_REFUSED = declare("access.refused", "Refused", "{actor} was refused: it takes {new_least} to {new_permission}")
