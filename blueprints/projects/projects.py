"""The projects themselves: list, page, details, and their end."""

from functools import cache
from typing import Any
from uuid import UUID

from flask import abort, g, request, url_for
from sqlalchemy import Select, Subquery, Text, bindparam, func, select

import access
from access import ProjectHere
from blueprints.forms import OurForm
from blueprints.fragments import changed, leave, respond
from blueprints.gate import requires
from blueprints.once import once
from blueprints.paging import Keys, Lines, has, searched
from blueprints.projects.blueprint import bp
from blueprints.projects.forms import DeleteForm, DetailsForm, ProjectForm, Search
from blueprints.projects.wording import shifts, was_archived, was_deleted, was_restored, was_saved
from blueprints.receipts import conflict
from models import Project, ProjectMember, ProjectNameTaken, transaction
from models.project import OPEN, RESTRICTED


def project_here(project_id: UUID) -> ProjectHere:
    """Find a project as the person who asks sees it."""
    return access.project_for(g.actor, project_id) or abort(404)


@bp.get("")
@requires(access.SEE_ORGANIZATION)
def index() -> Any:
    """The projects that exist for this person; those in use first, then the archived ones."""
    q = searched()
    found = _listed(bool(q)).read(**access.told(g.actor), q=q)
    return respond("projects/index.html", "projects/_projects.html", found=found, q=q, search=Search())


@cache
def _listed(narrowed: bool) -> Lines:
    """Build what reads the list: who looks, and what is searched for, is told when it runs."""
    columns = Project.id, Project.archived_at.is_not(None).label("archived"), Project.folded
    query = select(*columns).where(access.visible_to(access.SOMEBODY))
    if narrowed:
        query = query.where(has(Project.folded, bindparam("q", type_=Text)))
    total = select(func.count()).select_from(query.subquery()).scalar_subquery()
    return Lines.by(Keys(query, lambda keys: [keys.archived, keys.folded, keys.id], _lines, total))


def _lines(page: Subquery) -> Select[*tuple[Any, ...]]:
    beside = ProjectMember.role.label("set_here"), access.people_count(access.SOMEBODY).label("people")
    return access.visible_projects(access.SOMEBODY).add_columns(*beside).join(page, page.c.id == Project.id)


@bp.route("/new", methods=["GET", "POST"])
@requires(access.CREATE_PROJECT)
def new() -> Any:
    """Create a project."""
    form = ProjectForm(data={"access": OPEN})
    if not form.accepted():
        return _asked("new", form)
    try:
        with transaction():
            access.confirm(g.actor, access.CREATE_PROJECT)
            project = Project.create(g.org.id, *form.details(), form.access.data, g.actor.user_id)
            once(to := url_for(".show", project_id=project.id))
    except ProjectNameTaken as error:
        form.refuse(error.field, str(error))
        return _asked("new", form)
    return leave(to, f"{project.name} was created.")


@bp.get("/<uuid:project_id>")
@requires(access.SEE_PROJECT, on=project_here)
def show(here: ProjectHere) -> Any:
    """What it is for, and one's own role on it."""
    return respond("projects/show.html", "projects/_project.html", **_page_of(here))


@bp.route("/<uuid:project_id>/edit", methods=["GET", "POST"])
@requires(access.USE_PROJECT, on=project_here)
def edit(here: ProjectHere) -> Any:
    """Change the details and, for those who may, who can use it."""
    project, needed = here.project, _needed_to_edit(here)
    access.require(g.actor, needed, here)
    form, late, toast = _details_form(here), False, ""
    if not form.accepted():
        return _edit_asked(here, form)
    try:
        with transaction():
            access.confirm_on(g.actor, here, needed)
            wanted = form.wanted(project)
            if wanted[-1] != project.access:  # by now, where it was the same before
                access.confirm_on(g.actor, here, access.MANAGE_PROJECT)
            new = wanted != (project.name, project.description, project.access)
            late = form.outdated(project.version) and new
            toast = _edited(here, wanted) if new and not late else was_saved(project.name)
    except ProjectNameTaken as error:
        form.refuse(error.field, str(error))
    if late or form.errors:
        return _edit_asked(here, form, late=late)
    return leave(url_for(".show", project_id=project.id), toast)


@bp.route("/<uuid:project_id>/archive", methods=["GET", "POST"])
@requires(access.MANAGE_PROJECT, on=project_here)
def archive(here: ProjectHere) -> Any:
    """Say what would stop, and make it read-only; done twice, it is done."""
    form = OurForm()
    if not form.accepted():
        status = 422 if form.errors else 200
        context = {"here": here, "form": form, "pause": access.pause(here)}
        return respond("projects/archive.html", "projects/_archive_dialog.html", status, **context)
    with transaction():
        access.confirm_on(g.actor, here, access.MANAGE_PROJECT)
        stopped = access.pause(here)
        at = here.project.archive()
    return _changed(here, was_archived(here.project.name, at, stopped))


@bp.post("/<uuid:project_id>/restore")
@requires(access.MANAGE_PROJECT, on=project_here)
def restore(here: ProjectHere) -> Any:
    """Undo archiving it."""
    with transaction():
        access.confirm_on(g.actor, here, access.MANAGE_PROJECT)
        at = here.project.restore()
    return _changed(here, was_restored(here.project.name, at))


@bp.route("/<uuid:project_id>/delete", methods=["GET", "POST"])
@requires(access.MANAGE_PROJECT, on=project_here)
def delete(here: ProjectHere) -> Any:
    """Say what would go, ask for the name, and remove it."""
    form, name = DeleteForm(here.project), here.project.name
    if not form.accepted():
        return _asked("delete", form, here=here, remains=access.remains(here))
    with transaction():
        once(to := url_for(".index" if g.actor.role else "orgs.index"))
        access.confirm_on(g.actor, here, access.MANAGE_PROJECT)
        deleted = here.project.delete()
    return leave(to, was_deleted(name, deleted))


def _asked(page: str, form: Any, status: int = 422, **context: Any) -> Any:
    """Show a form: at first, or with what is wrong in it."""
    status = 200 if request.method == "GET" else status
    return respond(f"projects/{page}.html", f"projects/_{page}.html", status, form=form, **context)


def _edit_asked(here: ProjectHere, form: DetailsForm, *, late: bool = False) -> Any:
    """Show the form, with what choosing who can use it would change; and with what somebody else saved meanwhile."""
    project = here.project
    other = OPEN if project.restricted else RESTRICTED
    previews = {other: shifts(access.shift(here))} if isinstance(form, ProjectForm) else {}
    first = conflict(project.updated_by, project.updated_at) if late else None
    return _asked("edit", form, 409 if late else 422, here=here, previews=previews, conflict=first)


def _edited(here: ProjectHere, wanted: tuple[str, str, str]) -> str:
    """Save what is wanted, and say what came of it."""
    shift = access.shift(here) if wanted[-1] != here.project.access else None
    at = here.project.edit(*wanted, g.actor.user_id)
    return was_saved(here.project.name, at, shift)


def _page_of(here: ProjectHere) -> dict[str, Any]:
    mine = access.access_of(here, g.actor.user_id)
    if mine is None or mine.effective is None:
        abort(404)  # it was there at the gate, and was taken away since
    return {"here": here, "mine": mine}


def _changed(here: ProjectHere, toast: str) -> Any:
    to = url_for(".show", project_id=here.id)
    return changed("projects/_project.html", to=to, toast=toast, **_page_of(here))


def _needed_to_edit(here: ProjectHere) -> access.Permission:
    """Who can use a project is not a detail: changing that takes more."""
    same = request.form.get("access", here.project.access) == here.project.access
    return access.USE_PROJECT if same else access.MANAGE_PROJECT


def _details_form(here: ProjectHere) -> DetailsForm:
    offers = ProjectForm if access.allows(g.actor, access.MANAGE_PROJECT, here) else DetailsForm
    return offers(obj=here.project)
