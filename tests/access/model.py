"""DESIGN.md section 3 a second time, in the plainest Python: what must be answered, and what changes with it.

It knows nothing of the application. Roles are numbers; 0 is none or, as a project's row, follows the organization."""

from dataclasses import dataclass, field
from types import SimpleNamespace as Invitation

FOLLOWS, VIEWER, OPERATOR, ADMIN, OWNER = range(5)
ON_ORGANIZATION = {  # the least role; where more is compared, see below
    **dict.fromkeys(("see_projects", "see_people", "see_settings", "change_role", "leave"), VIEWER),
    **dict.fromkeys(("see_invitations", "create_project", "invite", "resend", "revoke", "remove", "rename"), ADMIN),
    "delete_organization": OWNER,
}
ON_PROJECT = {
    **dict.fromkeys(("see_project", "see_access", "set_role", "unset"), VIEWER),
    **dict.fromkeys(("edit", "limit"), OPERATOR),
    **dict.fromkeys(("archive", "restore", "delete_project"), ADMIN),
}


@dataclass(eq=False)
class Project:
    restricted: bool = False
    archived: bool = False
    rows: dict = field(default_factory=dict)


@dataclass(eq=False)
class Organization:
    members: dict
    projects: dict
    deleted: bool = False

    def on(self, project, person):
        """The effective role."""
        role, rows = self.members.get(person, 0), project.rows
        counts = role >= ADMIN or not project.restricted
        return max(role if counts else 0, (rows[person] or role) if person in rows else 0)

    def projects_of(self, person):
        return {name: role for name, project in self.projects.items() if (role := self.on(project, person))}

    def people_on(self, project, actor):
        people = {*project.rows, *(self.members if actor in self.members else ())}
        return {person: role for person in people if (role := self.on(project, person))}


def need(condition, status=403):
    if not condition:
        raise PermissionError(status)


class World:
    def __init__(self, organizations):
        self.organizations, self.invitations = organizations, []

    def do(self, op):
        """200, and it is done; or 403, 404, 410 or 422, and nothing changed."""
        here = self.organizations[op.place]
        try:
            if op.what in ("accept", "decline"):
                self.answer(op, here, op.invitation)
            elif op.what == "restore_organization":
                need(here.deleted and here.members.get(op.actor) == OWNER, 404)
                here.deleted = False
            else:
                mine = here.projects_of(op.actor)
                need(not here.deleted and (op.actor in here.members or mine), 404)
                need(op.what not in ON_ORGANIZATION or op.actor in here.members, 404)
                need(op.what not in ON_PROJECT or op.project in mine, 404)
                self.in_organization(op, here, here.members.get(op.actor, 0), here.members.get(op.person, 0))
                if op.what in ON_PROJECT:
                    self.on_project(op, here, here.projects[op.project], mine[op.project])
        except PermissionError as refused:
            return refused.args[0]
        return 200

    def in_organization(self, op, here, mine, theirs):  # noqa: C901 - the rules, one after another
        need(op.what not in ("change_role", "remove") or theirs, 404)
        need(op.what not in ("resend", "revoke") or (op.invitation and op.invitation.place == op.place), 404)
        need(mine >= ON_ORGANIZATION.get(op.what, 0))
        match op.what:
            case "delete_organization":
                here.deleted = True
            case "change_role":
                need(mine >= (op.role if op.person == op.actor else max(ADMIN, theirs, op.role)))
                need(OWNER in {**here.members, op.person: op.role}.values(), 422)
                here.members[op.person] = op.role
                self.revoke(op.place, lambda i: i.by == op.person and i.role > (op.role if op.role >= ADMIN else 0))
            case "remove" | "leave":
                leaver = op.person if op.what == "remove" else op.actor
                need(op.what == "leave" or mine >= theirs)
                need(OWNER in {**here.members, leaver: 0}.values(), 422)
                del here.members[leaver]
                for project in here.projects.values():
                    project.rows.pop(leaver, None)
                self.revoke(op.place, lambda i: i.by == leaver or (i.project and i.person == leaver))
            case "create_project":
                need(op.project not in here.projects, 422)
                here.projects[op.project] = Project(op.restricted, rows={op.actor: FOLLOWS} if op.restricted else {})
            case "invite":
                project = here.projects.get(op.project)
                need(project or not op.project, 404)
                need(not (project and project.archived) and self.gives(here, project, op.actor) >= op.role)
                known = theirs or (project and op.person in project.rows)
                if not known and (project, op.person) not in [(i.project, i.person) for i in self.pending(op.place)]:
                    self.offer(op.place, op.person, op.role, op.actor, project)
            case "resend" | "revoke":
                old = op.invitation
                need(op.what == "revoke" or not (old.project and old.project.archived))
                need(self.gives(here, old.project, op.actor) >= old.role)
                need(old.state in ("pending", "revoked" if op.what == "revoke" else ""), 410)
                old.state = "revoked" if op.what == "revoke" else "replaced"
                if op.what == "resend":
                    self.offer(op.place, old.person, old.role, op.actor, old.project)

    def on_project(self, op, here, project, mine):
        known, theirs = op.person in {*project.rows, *here.members}, here.on(project, op.person)
        shown = known and (op.actor in here.members or op.person in project.rows)
        need(op.what not in ("set_role", "unset") or shown, 404)
        need(mine >= ON_PROJECT[op.what])
        myself, manages = op.person == op.actor, mine >= ADMIN and not project.archived
        match op.what:
            case "edit":
                need(not project.archived)
            case "limit":
                need(manages or (not project.archived and project.restricted == op.restricted))
                project.restricted = op.restricted
            case "archive" | "restore":
                project.archived = op.what == "archive"
            case "delete_project":
                del here.projects[op.project]
                self.revoke(op.place, lambda i: i.project is project)
                for one in self.invitations:
                    one.project = None if one.project is project else one.project
            case "set_role":
                need(manages)
                need(op.role or op.person in here.members, 422)
                need(mine >= (op.role or here.members[op.person]) and (myself or mine >= theirs))
                project.rows[op.person] = op.role
            case "unset":
                removes_guest = here.members.get(op.actor, 0) >= ADMIN and op.person not in here.members
                need(myself or removes_guest or (manages and (op.person not in project.rows or mine >= theirs)))
                project.rows.pop(op.person, None)

    def answer(self, op, here, one):
        need(one and one.person == op.actor, 404)
        alive = not here.deleted and not (one.project and one.project.archived)
        need(alive and one.state == "pending" and self.gives(here, one.project, one.by) >= one.role, 410)
        need(one.project or op.actor not in here.members, 410)
        one.state = "accepted" if op.what == "accept" else "declined"
        if op.what == "accept" and not one.project:
            here.members[op.actor] = one.role
        elif op.what == "accept" and here.on(one.project, op.actor) < one.role:
            one.project.rows[op.actor] = one.role

    def gives(self, here, project, person):
        """The highest role that somebody may invite as."""
        role = here.members.get(person, 0)
        return 0 if role < ADMIN else here.on(project, person) if project else role

    def offer(self, place, person, role, by, project):
        self.invitations.append(
            Invitation(place=place, person=person, role=role, by=by, project=project, state="pending")
        )

    def pending(self, place):
        return [i for i in self.invitations if i.place == place and i.state == "pending"]

    def revoke(self, place, which):
        for one in self.pending(place):
            one.state = "revoked" if which(one) else "pending"
