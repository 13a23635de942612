"""Organizations: whose they are, who belongs to them, who is invited, and what they are called."""

from blueprints.orgs import audit, cli, expired, invitations, people, selected, settings, transfer, two_step
from blueprints.orgs.organizations import bp

for part in (people, selected, invitations, expired, settings, audit, cli):
    bp.register_blueprint(part.bp)

__all__ = ["bp", "transfer", "two_step"]
