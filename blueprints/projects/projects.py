"""The projects themselves: list, page, details, and their end."""

from typing import Any
from uuid import UUID

from flask import abort, g, request, url_for
from sqlalchemy import func, select

import access
from access import ProjectHere
from blueprints.fragments import changed, leave, respond
from blueprints.gate import requires
from blueprints.paging import paged, searched
from blueprints.projects.blueprint import bp
from blueprints.projects.forms import DeleteForm, DetailsForm, ProjectForm, Search
from models import Project, ProjectMember, ProjectNameTaken, db, transaction
from models.project import OPEN


def project_here(project_id: UUID) -> ProjectHere:
    """Find a project as the person who asks sees it."""
    return access.project_for(g.actor, project_id) or abort(404)


@bp.get("")
@requires(access.SEE_ORGANIZATION)
def index() -> Any:
    """The projects that exist for this person; those in use first, then the archived ones."""
    query = access.visible_projects(g.actor).add_columns(ProjectMember.role.label("set_here"))
    if q := searched():
        query = query.where(func.strpos(func.fold(Project.name), func.fold(q)) > 0)
    query = query.order_by(Project.archived_at.is_not(None), func.fold(Project.name), Project.id)
    return respond("projects/index.html", "projects/_projects.html", found=paged(query), q=q, search=Search())


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
    except ProjectNameTaken as error:
        form.refuse(error.field, str(error))
        return _asked("new", form)
    return leave(url_for(".show", project_id=project.id), f"{project.name} was created.")


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
    form = _details_form(here)
    if not form.accepted():
        return _asked("edit", form, here=here)
    try:
        with transaction():
            access.confirm_on(g.actor, here, needed)
            wanted = *form.details(), form.access.data if isinstance(form, ProjectForm) else project.access
            conflict = form.outdated(project.version) and wanted != (project.name, project.description, project.access)
            if not conflict:
                project.edit(*wanted)
    except ProjectNameTaken as error:
        form.refuse(error.field, str(error))
        return _asked("edit", form, here=here)
    if conflict:
        return _asked("edit", form, 409, here=here, theirs=project)
    return leave(url_for(".show", project_id=project.id), f"{project.name} was saved.")


@bp.post("/<uuid:project_id>/archive")
@requires(access.MANAGE_PROJECT, on=project_here)
def archive(here: ProjectHere) -> Any:
    """Make it read-only."""
    with transaction():
        access.confirm_on(g.actor, here, access.MANAGE_PROJECT)
        if here.archived_at is None:
            here.project.archive()
    return _changed(here, f"{here.project.name} is archived. It can be restored.")


@bp.post("/<uuid:project_id>/restore")
@requires(access.MANAGE_PROJECT, on=project_here)
def restore(here: ProjectHere) -> Any:
    """Undo archiving it."""
    with transaction():
        access.confirm_on(g.actor, here, access.MANAGE_PROJECT)
        here.project.restore()
    return _changed(here, f"{here.project.name} is in use again.")


@bp.route("/<uuid:project_id>/delete", methods=["GET", "POST"])
@requires(access.MANAGE_PROJECT, on=project_here)
def delete(here: ProjectHere) -> Any:
    """Say what would go, ask for the name, and remove it."""
    form, name = DeleteForm(here.project), here.project.name
    if not form.accepted():
        return _asked("delete", form, here=here, roles_set=_rows_on(here))
    with transaction():
        access.confirm_on(g.actor, here, access.MANAGE_PROJECT)
        here.project.delete()
    return leave(url_for(".index" if g.actor.role else "orgs.index"), f"{name} was deleted.")


def _asked(page: str, form: Any, status: int = 422, **context: Any) -> Any:
    """Show a form: at first, or with what is wrong in it."""
    status = 200 if request.method == "GET" else status
    return respond(f"projects/{page}.html", f"projects/_{page}.html", status, form=form, **context)


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


def _rows_on(here: ProjectHere) -> int:
    rows = select(func.count()).select_from(ProjectMember).where(ProjectMember.project_id == here.id)
    return db.session.scalar(rows) or 0
