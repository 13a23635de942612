"""Pages about the product itself: what roles can do, whether it lives, and what developers look at."""

from typing import Any

from flask import g

from blueprints.fragments import waiting_toast
from blueprints.gate import viewer
from blueprints.looks import looks
from blueprints.pages import audit, backup, dev, health, mail, roles
from config import settings

blueprints = [health.bp, roles.bp, mail.bp, audit.bp, backup.bp]
development = dev.bp


def surroundings() -> dict[str, Any]:
    """Return what every page is rendered with."""
    return {
        "viewer": viewer(),
        "org": g.get("org"),
        "actor": g.get("actor"),
        "toast": waiting_toast(),
        **looks(),
        "dev": not settings().production,
        "creates_organizations": settings().org_creation == "anyone",
    }
