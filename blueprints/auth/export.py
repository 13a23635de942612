"""One's own data, as one file."""

from typing import Any

from flask import Response, g, json

from blueprints.auth.blueprint import bp
from blueprints.gate import signed_in
from models import personal_data


@bp.get("/account/export")
@signed_in
def export() -> Any:
    """Everything that is kept about the person: to read, and to take along (GDPR, articles 15 and 20)."""
    me = g.identity.viewer
    data = personal_data.of(me.id, me.email_key if me.email_verified else "")
    text = json.dumps(data, indent=2, ensure_ascii=False)
    answer = Response(f"{text}\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="freehold-account.json"'
    return answer
