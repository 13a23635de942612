"""The blueprint that the pages of this package hang on."""

from flask import Blueprint

bp = Blueprint("projects", __name__, url_prefix="/orgs/<slug:slug>/projects")
