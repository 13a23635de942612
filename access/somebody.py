"""An actor of parameters, for statements that are built once: to build one takes a request longer than to run it."""

from typing import Any

from sqlalchemy import Uuid, bindparam

from models import OrganizationMember
from models.identity import Actor

_TYPES = {"user_id": Uuid(), "organization_id": Uuid(), "role": OrganizationMember.role.type, "member_id": Uuid()}
_PARAMETERS: dict[str, Any] = {name: bindparam(f"actor_{name}", type_=type_) for name, type_ in _TYPES.items()}

SOMEBODY = Actor(**_PARAMETERS)


def told(actor: Actor) -> dict[str, Any]:
    """Return the values with which a statement that was built for SOMEBODY runs for an actor."""
    return {f"actor_{name}": getattr(actor, name) for name in _TYPES}
