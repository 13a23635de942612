"""Freehold as a host runs it, with a host product's blueprint on top: what the peers' pages show, behind the gate."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, g, render_template

import access
from app import create_app
from blueprints.gate import bare, requires, signed_in
from models import limits
from models.driver import quick
from models.rate_limit import Limit

# Counted and written as always, but a hundred people do in seconds what they may do in days.
for name, limit in list(vars(limits).items()):
    if isinstance(limit, Limit):
        setattr(limits, name, replace(limit, burst=1_000_000))

LIST = """
SELECT u.name, u.email, lower(m.role::text) FROM organization_members m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = %(here)s ORDER BY m.id LIMIT 25
"""

bp = Blueprint("peer", __name__, template_folder="../templates")


@bp.get("/hello")
@bare
def hello() -> str:
    return "hello"


@bp.get("/orgs/<slug:slug>/check")
@requires(access.MANAGE_PEOPLE)
def check() -> Any:
    return "", 204


@bp.get("/orgs/<slug:slug>/list")
@requires(access.MANAGE_PEOPLE)
def page() -> str:
    rows = quick(LIST, {"here": g.org.id})
    role = g.actor.role.name.lower()
    return render_template(
        "org_rows.html", org_name=g.org.name, me_email=g.identity.viewer.email, me_role=role, members=rows
    )


@bp.get("/csrf")
@signed_in
def csrf() -> str:
    return render_template("csrf.txt")


app = create_app()
app.register_blueprint(bp)
