"""What the product knows, with no word of HTTP. Import models from here; their verbs raise the refusals here."""

from models.audit.tables import AuditEvent, AuditHead, AuditTombstone, RefusalCount
from models.base import Base, Record, Refusal, db, release, transaction
from models.directory import KnownPerson, Listed, MemberCount
from models.email_change import EmailChange
from models.farewell import Farewell
from models.idempotency import IdempotencyKey, Repeated
from models.invitation import Invitation
from models.invitation_state import AlreadyInvited, CannotAccept, State
from models.known_browser import KnownBrowser
from models.offer import Offer
from models.organization import (
    AlreadyMember,
    LastOwner,
    Organization,
    OrganizationMember,
    OrganizationSlug,
    SlugTaken,
)
from models.outgoing_mail import OutgoingMail
from models.ownership import AlreadyOffered, NoNominee, OfferOver, OwnershipOffer
from models.passkey import Passkey, PasskeyTaken
from models.project import FollowsNothing, Project, ProjectMember, ProjectNameTaken
from models.rate_limit import RateLimit
from models.role import Role
from models.second_factor import SecondFactor
from models.session import Session
from models.signup import Signup
from models.token import OneTimeToken
from models.user import EmailTaken, User

__all__ = [
    "AlreadyInvited",
    "AlreadyMember",
    "AlreadyOffered",
    "AuditEvent",
    "AuditHead",
    "AuditTombstone",
    "Base",
    "CannotAccept",
    "EmailChange",
    "EmailTaken",
    "Farewell",
    "FollowsNothing",
    "IdempotencyKey",
    "Invitation",
    "KnownBrowser",
    "KnownPerson",
    "LastOwner",
    "Listed",
    "MemberCount",
    "NoNominee",
    "Offer",
    "OfferOver",
    "OneTimeToken",
    "Organization",
    "OrganizationMember",
    "OrganizationSlug",
    "OutgoingMail",
    "OwnershipOffer",
    "Passkey",
    "PasskeyTaken",
    "Project",
    "ProjectMember",
    "ProjectNameTaken",
    "RateLimit",
    "Record",
    "Refusal",
    "RefusalCount",
    "Repeated",
    "Role",
    "SecondFactor",
    "Session",
    "Signup",
    "SlugTaken",
    "State",
    "User",
    "db",
    "release",
    "transaction",
]
