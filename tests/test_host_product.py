"""What the README promises to those who build on it: a blueprint, a permission, and one line to register it."""

import pytest
from flask import Blueprint, abort, g, render_template_string

import access
from blueprints.gate import refuse_undeclared_routes, requires
from models import Role


def project_here(project_id):
    return access.project_for(g.actor, project_id) or abort(404)


@pytest.fixture
def product(app_with):
    """An application with somebody's own page inside a project."""
    deploy = access.declare("DEPLOY", Role.OPERATOR, access.Level.PROJECT, "deploy a project", on_archived=False)
    bp = Blueprint("deployments", __name__, url_prefix="/orgs/<slug:slug>/projects/<uuid:project_id>/deployments")

    @bp.get("")
    @requires(deploy, on=project_here)
    def index(project):
        page = "{{ org.name }}: {{ project.project.name }}{% if can(P.DEPLOY, project) %}, yours to deploy{% endif %}"
        return render_template_string(page, project=project)

    app = app_with()
    app.register_blueprint(bp)
    refuse_undeclared_routes(app)
    yield app
    del access.PERMISSIONS["DEPLOY"]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("owner", 200),
        ("admin", 200),
        ("operator", 200),
        ("viewer", 403),
        ("guest", 404),
        ("stranger", 404),
        ("visitor", 302),
    ],
)
def test_a_page_of_ones_own_is_gated_like_ours(product, browser, northfield, name, status):
    person = browser(northfield.person(name), app=product)
    answer = person.client.get(f"/orgs/northfield/projects/{northfield.project.id}/deployments")
    assert answer.status_code == status
    assert (answer.text == "Northfield: Billing pipeline, yours to deploy") is (status == 200)


def test_its_permission_stands_on_the_roles_page(product, browser):
    assert "deploy a project" in browser(app=product).get("/help/roles").text.lower()
