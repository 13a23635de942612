"""The projects of an organization, and who can use each of them."""

from blueprints.projects import access, projects
from blueprints.projects.blueprint import bp

__all__ = ["access", "bp", "projects"]
