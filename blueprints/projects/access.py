"""Who can use a project and why, and the roles that are set on it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import abort, g, request, url_for
from sqlalchemy import ColumnElement, func, select

import access
from access import Access, Outcomes, ProjectHere
from blueprints.forms import choice
from blueprints.fragments import Toast, Undo, changed, leave, respond
from blueprints.gate import requires
from blueprints.once import once
from blueprints.paging import BEFORE, MOST, SIZE, Keys, Page, has, paged_by, searched
from blueprints.projects.blueprint import bp
from blueprints.projects.forms import INHERIT, AccessSearch, RoleForm, Search
from blueprints.projects.projects import project_here
from blueprints.projects.wording import lowers, role_set
from blueprints.receipts import Conflict, conflict, receipt
from models import FollowsNothing, ProjectMember, Role, db, transaction

# Whom to show, by the role set here and the effective one.
SHOWN: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "here": lambda set_here, effective: set_here == effective,
    "organization": lambda set_here, effective: set_here.is_distinct_from(effective),
    "change": lambda _set_here, effective: effective >= access.USE_PROJECT.least,
}


def person_here(project_id: UUID, user_id: UUID) -> tuple[ProjectHere, Access]:
    """Find a project and one of its people; guests find only people with a row on it."""
    here = project_here(project_id)
    target = access.access_of(here, user_id)
    if target is None or (g.actor.role is None and target.row is None):
        abort(404)
    return here, target


def project_of_members(project_id: UUID) -> ProjectHere:
    """Find a project for a page that shows the organization's people: it is not there for guests."""
    return project_here(project_id) if g.actor.role else abort(404)


@bp.get("/<uuid:project_id>/access", endpoint="access")
@requires(access.SEE_PROJECT, on=project_here)
def people(here: ProjectHere) -> Any:
    """Everyone who can use it, and where each role comes from."""
    q, show = searched(), request.args.get("show")
    show = show if show in SHOWN else None
    narrowed = bool(q or show)
    keys = Keys(
        access.people_of(here, g.actor, _narrow(q, show), MOST + 1 if narrowed else BEFORE + SIZE),
        lambda columns: [columns.effective.desc(), columns.search_text, columns.user_id],
        partial(access.as_access, here),
        None if narrowed or g.actor.role is None else access.number_of(here),
    )
    listed = _list(here, paged_by(keys, _set_on(here).label("set_here")), q)
    count = listed["found"].rows[0].set_here if listed["people"] else 0
    search = AccessSearch()
    return respond("projects/access.html", "projects/_access.html", **listed, set_here=count, search=search, show=show)


@bp.get("/<uuid:project_id>/access/add")
@requires(access.SET_PROJECT_ROLES, on=project_of_members)
def add(here: ProjectHere) -> Any:
    """The members for whom nothing is set here, to choose one."""
    q = searched()
    keys = Keys(
        access.candidates(here, _narrow(q)),
        lambda columns: [columns.search_text, columns.user_id],
        partial(access.as_access, here),
    )
    return respond("projects/add.html", "projects/_candidates.html", **_list(here, paged_by(keys), q), search=Search())


@bp.get("/<uuid:project_id>/access/<uuid:user_id>")
@requires(access.SEE_PROJECT, on=person_here)
def person(here: ProjectHere, target: Access) -> Any:
    """Why one person has their role here and, for those who may, the form to change it."""
    return _person(here, target, _role_form(here, target))


@bp.post("/<uuid:project_id>/access/<uuid:user_id>")
@requires(access.SET_PROJECT_ROLES, on=person_here)
def set_role(here: ProjectHere, target: Access) -> Any:
    """Give somebody a role here, or let them follow the organization."""
    form = _role_form(here, target)
    if form.accepted() and form.chosen is None and target.guest:
        form.refuse("role", str(FollowsNothing()))
    if form.errors:
        return _person(here, target, form, 422)
    with transaction():
        now = access.confirm_set(g.actor, here, target, form.chosen)
        new = now.row is None or now.set_here is not form.chosen
        late, former = form.outdated(_version(now)) and new, _posted(now)
        at = _set(here, target, form.chosen) if new and not late else None
    return _person(here, now, form, 409) if late else _changed(here, now, former, at)


@bp.post("/<uuid:project_id>/access/<uuid:user_id>/remove")
@requires(access.SEE_PROJECT, on=person_here)
def unset(here: ProjectHere, target: Access) -> Any:
    """Take away what is set here for somebody; done twice, it is done."""
    with transaction():
        now = access.confirm_unset(g.actor, here, target)
        form = _role_form(here, target)
        late, former = form.outdated(_version(now)) and now.row is not None, _posted(now)
        if now.row and not late:
            once(_beyond(here, now))  # a guest is not found here again
        at = here.project.remove(now.user.id) if now.row and not late else None
    return _person(here, now, form, 409) if late else _changed(here, now, former, at)


@bp.get("/<uuid:project_id>/access/<uuid:user_id>/why")
@requires(access.SEE_PROJECT, on=person_here)
def why(here: ProjectHere, target: Access) -> Any:
    """All that makes up one person's role here, and what would remain without each part of it."""
    explanation = access.explain(here, target)
    page, dialog = "projects/explanation.html", "projects/_explanation_dialog.html"
    return respond(page, dialog, here=here, explanation=explanation)


def _set(here: ProjectHere, target: Access, role: Role | None) -> datetime:
    if target.user.id == g.actor.user_id:
        once(url_for(".access", project_id=here.id))  # who lowered themselves may not do it again
    return here.project.set_role(target.user.id, role, g.actor.user_id)


def _beyond(here: ProjectHere, target: Access) -> str:
    """Where removing a role leads; who removes their own may not see the list any more."""
    if target.user.id != g.actor.user_id:
        return url_for(".access", project_id=here.id)
    return url_for(".index" if g.actor.role else "orgs.index")


def _away() -> str:
    """Where somebody goes who can no longer use the project."""
    if g.actor.role:
        return url_for(".index")
    return url_for("orgs.home" if access.visits(g.actor.user_id, g.org.slug) else "orgs.index")


def _narrow(q: str, show: str | None = None) -> access.Narrow:
    """Show whoever has what is searched for in their name or email; of them, those who are chosen in SHOWN."""

    def conditions(search_text: Any, set_here: Any, effective: Any) -> list[ColumnElement[bool]]:
        found = [has(search_text, q)] if q else []
        return [*found, SHOWN[show](set_here, effective)] if show else found

    return conditions


def _list(here: ProjectHere, found: Page, q: str) -> dict[str, Any]:
    """What a page of people is shown with."""
    people = [Access(*row[:5]) for row in found.rows]
    return {"here": here, "found": found, "people": people, "q": q, **_tools(here)}


def _tools(here: ProjectHere) -> dict[str, Any]:
    """What a row asks about its person."""
    return {"may_change": lambda person: bool(_choices(here, person)) or access.may_unset(g.actor, here, person)}


def _choices(here: ProjectHere, target: Access) -> list[Any]:
    """What may be chosen for somebody: the organization's role first, then roles from the least up."""
    choices = [choice(role.name, role.label) for role in access.settable(g.actor, here, target)]
    if target.organization_role and access.may_set(g.actor, here, target, None):
        choices.insert(0, choice(INHERIT, f"Use organization role ({target.organization_role.label})"))
    return choices


def _role_form(here: ProjectHere, target: Access) -> RoleForm:
    return RoleForm(_choices(here, target), _posted(target) or INHERIT, _version(target))


def _posted(target: Access) -> str:
    """What is set for somebody, as the form posts it; "" where nothing is."""
    return target.set_here.name if target.set_here else INHERIT if target.row else ""


def _version(target: Access) -> int:
    return target.row.version if target.row else 0


def _person(here: ProjectHere, target: Access, form: RoleForm, status: int = 200) -> Any:
    may_unset = access.may_unset(g.actor, here, target)
    after = access.outcomes(here, target) if form.role.choices or may_unset else None
    context = {
        "here": here,
        "person": target,
        "form": form,
        "may_unset": may_unset,
        "conflict": _first(target) if status == 409 else None,
        "previews": _previews(target, after) if after else {},
        "after": after,
    }
    return respond("projects/person.html", "projects/_dialog.html", status, **context)


def _first(target: Access) -> Conflict:
    """Who set what is there now, and when; nobody knows of what is not there any more."""
    return conflict(target.row.granted_by, target.row.created_at) if target.row else conflict(None, None)


def _previews(target: Access, after: Outcomes) -> dict[str, str]:
    """What each choice would take from somebody, by the value it is posted with; "" stands for removing the role."""
    roles = {role.name if role else INHERIT: then for role, then in after.by_choice.items()} | {"": after.removed}
    return {value: lowers(target, then, you=target.user.id == g.actor.user_id) for value, then in roles.items()}


def _undo(here: ProjectHere, person: Access | None, former: str) -> Undo | None:
    """Offer to set again what was set for somebody else, or nothing, to who may; refused where it changed meanwhile."""
    if person is None or person.user.id == g.actor.user_id:
        return None
    role = Role.__members__.get(former)
    if not (access.may_set(g.actor, here, person, role) if former else access.may_unset(g.actor, here, person)):
        return None
    url = url_for(".person" if former else ".unset", project_id=here.id, user_id=person.user.id)
    return Undo(url, {"role": former or INHERIT, "version": _version(person)}, f"project role of {person.user.name}")


def _changed(here: ProjectHere, target: Access, former: str, at: datetime | None) -> Any:
    """Redraw the person's row; where more than that changed, or where the actor's own rights did, the page.

    Args:
        here: the project.
        target: the person as they were before.
        former: what was set for them then.
        at: when it was changed; None where somebody else had done it.
    """
    now = access.project_for(g.actor, here.id)
    if now is None:
        myself = target.user.id == g.actor.user_id
        left = f"You {'left' if myself else 'can no longer use'} {here.project.name}"
        return leave(_away(), receipt(left, at) if at else f"{left}.")
    person = access.access_of(now, target.user.id, lock=True)
    to = url_for(".access", project_id=here.id)
    says = role_set(here.project.name, g.org.name, target, person, at)
    toast = Toast(says, _undo(now, person, former) if at else None)
    if person is None or not (person.effective and target.effective) or person.user.id == g.actor.user_id:
        return leave(to, toast)
    count = db.session.scalar(select(_set_on(now)))
    fragment = "projects/_row_changed.html"
    return changed(fragment, to=to, toast=toast, here=now, person=person, set_here=count, **_tools(now))


def _set_on(here: ProjectHere) -> Any:
    """How many roles are set on a project, as a part of another statement."""
    rows = ProjectMember.project_id == here.id, ProjectMember.role.is_not(None)
    return select(func.count()).select_from(ProjectMember).where(*rows).scalar_subquery()
