"""Every route of the application, for tests that try them all."""

from werkzeug.routing import Rule

from app import create_app
from config import Settings


def routes() -> list[Rule]:
    """The rules of the URL map, as the application has them without a database."""
    app = create_app(Settings(database_url="postgresql://nobody@localhost/none", secret_key="x", mail_worker=False))
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def shows(rule: Rule) -> bool:
    """True for a route that shows something; False for a button."""
    return "GET" in (rule.methods or ())


def door_id(rule: Rule) -> str:
    return f"{'GET' if shows(rule) else 'POST'} {rule.rule}"
