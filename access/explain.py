"""Why a person has the role that they have on a project, and what would remain without each of its sources.

Every answer comes from the expressions that decide (access/projects.py), asked about the rows or in place of them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import Select, false, true
from sqlalchemy.orm import aliased

from access.projects import (
    Access,
    ProjectHere,
    as_role,
    concerned,
    effective_role,
    from_organization,
    from_project,
)
from models import OrganizationMember, Role, User, db

Giver = aliased(User)


class Rule(Enum):
    """The one rule that decided, in a sentence."""

    OWNER = "Owners always have full access."
    GUEST = "A guest has the role that is set on the project, and nothing else."
    OPEN = "Members get their organization role on every project that is not restricted."
    ADMINS = "On a restricted project the organization role counts only for Admins and Owners."
    NAMED = "This project is restricted: who is not an Admin or Owner of the organization has only what is set here."
    SAME = "What is set on the project follows the organization role, so both give the same."
    HIGHER = "The higher of the two counts."


@dataclass(frozen=True)
class Source:
    """One of the places that a role comes from."""

    gives: Role | None  # on this project, taken alone
    unused: str  # why it has no effect; empty where it counts
    by: str | None  # who gave it, if they are still known
    at: datetime
    remains: Role | None  # what the person would still have without it

    @property
    def counts(self) -> bool:
        """True where the effective role is what this source gives."""
        return not self.unused


@dataclass(frozen=True)
class Explanation:
    """All that makes up a person's role on a project."""

    person: Access
    membership: Source | None
    row: Source | None
    rule: Rule


class Outcomes(NamedTuple):
    """What a person would have on a project after each thing that can be set or taken away for them."""

    by_choice: dict[Role | None, Role | None]  # None: a row that follows the organization
    removed: Role | None


def explain(here: ProjectHere, person: Access) -> Explanation:
    """Say where somebody's role on a project comes from, in one statement.

    Args:
        here: the project.
        person: from access_of().
    """
    found = _ask(
        here,
        person,
        Giver.name.label("given_by"),
        OrganizationMember.granted_at,
        from_organization().label("organization"),
        from_project().label("project"),
        effective_role(named=false()).label("without_row"),
        # Who leaves the organization loses what is set for them on its projects as well.
        effective_role(organization_role=as_role(None), named=false()).label("without_membership"),
    )
    membership = row = None
    if person.organization_role:
        unused = _unused(found.organization, person, "this project is restricted")
        membership = Source(found.organization, unused, found.given_by, found.granted_at, found.without_membership)
    if person.row:
        unused = _unused(found.project, person, "")
        row = Source(found.project, unused, person.granted_by, person.row.created_at, found.without_row)
    return Explanation(person, membership, row, _rule(here, person, found.organization))


def outcomes(here: ProjectHere, person: Access) -> Outcomes:
    """Say what each choice for somebody on a project would come to, in one statement."""
    choices: list[Role | None] = [None, *Role]
    asked = [effective_role(named=true(), set_here=as_role(role)).label(f"choice{n}") for n, role in enumerate(choices)]
    *found, removed = _ask(here, person, *asked, effective_role(named=false()))
    return Outcomes(dict(zip(choices, found, strict=True)), removed)


def _ask(here: ProjectHere, person: Access, *questions: Any) -> Any:
    everyone: Select[Any] = concerned(here.project)
    answers = (
        everyone.where(everyone.selected_columns.user_id == person.user.id)
        .outerjoin(Giver, Giver.id == OrganizationMember.granted_by)
        .with_only_columns(*questions)
    )
    return db.session.execute(answers).one()


def _unused(gives: Role | None, person: Access, nothing: str) -> str:
    """Say why a source has no effect, if it has none."""
    if gives is None:
        return nothing
    higher = person.effective if gives is not person.effective else None
    return f"{higher.label} from the other source is higher" if higher else ""


def _rule(here: ProjectHere, person: Access, organization: Role | None) -> Rule:
    """Name the rule that decided, by what the organization role gave."""
    if person.fixed:
        return Rule.OWNER
    if person.guest:
        return Rule.GUEST
    if organization is None:
        return Rule.NAMED
    if person.row is None:
        return Rule.ADMINS if here.project.restricted else Rule.OPEN
    return Rule.HIGHER if person.set_here else Rule.SAME
