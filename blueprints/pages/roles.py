"""What each role can do, printed from the authority itself."""

from flask import Blueprint, render_template

from access import PERMISSIONS, Level
from blueprints.gate import public
from models import Role

bp = Blueprint("help", __name__)


@bp.get("/help/roles")
@public
def roles() -> str:
    """The permission table, and the rules beside it."""
    levels = {level: [p for p in PERMISSIONS.values() if p.level is level] for level in Level}
    return render_template("pages/roles.html", levels=levels, roles=list(Role))
