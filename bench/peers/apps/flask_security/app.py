"""P1a: Flask-Security-Too with its defaults (signed cookie session, argon2), Flask-SQLAlchemy,
hand-made organization tables and a decorator that looks the membership up.
"""

import collections
import hashlib
import os
import secrets
from datetime import UTC, datetime, timedelta
from functools import wraps

from flask import Flask, abort, g, render_template, request
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, current_user
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

HERE = os.path.dirname(os.path.abspath(__file__))
app = Flask(__name__, template_folder=os.path.join(HERE, "../templates"))
app.config.update(
    SECRET_KEY="bench-secret-key-0123456789abcdef0123456789",
    SECURITY_PASSWORD_SALT="146585145368132386173505678016728509634",
    SQLALCHEMY_DATABASE_URI=f"postgresql+psycopg:///{os.environ['BENCH_DB']}",
    SECURITY_REGISTERABLE=True,
    SECURITY_SEND_REGISTER_EMAIL=False,
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    WTF_CSRF_TIME_LIMIT=None,
)
CSRFProtect(app)
db = SQLAlchemy(app)
fsqla.FsModels.set_db_info(db)
OUTBOX = collections.deque(maxlen=1000)
RANK = {"viewer": 0, "operator": 1, "admin": 2, "owner": 3}


class Role(db.Model, fsqla.FsRoleMixin):
    pass


class User(db.Model, fsqla.FsUserMixin):
    name: Mapped[str | None]


class Organization(db.Model):
    __tablename__ = "organizations"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class Membership(db.Model):
    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "org_id"), Index("memberships_org", "org_id", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    role: Mapped[str]
    user: Mapped[User] = relationship()


class Project(db.Model):
    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str]


class Invitation(db.Model):
    __tablename__ = "invitations"
    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    invited_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


datastore = SQLAlchemyUserDatastore(db, User, Role)
app.security = Security(app, datastore)


def org_role_required(min_role):
    def deco(view):
        @wraps(view)
        def inner(slug, **kw):
            org = db.session.scalar(select(Organization).filter_by(slug=slug))
            if org is None:
                abort(404)
            m = db.session.scalar(select(Membership).filter_by(org_id=org.id, user_id=current_user.id))
            if m is None or RANK[m.role] < RANK[min_role]:
                abort(403)
            g.org, g.membership = org, m
            return view(slug, **kw)

        return inner

    return deco


@app.get("/hello")
def hello():
    return "hello"


@app.get("/orgs/<slug>")
@auth_required()
@org_role_required("admin")
def org_page(slug):
    members = db.session.scalars(
        select(Membership)
        .filter_by(org_id=g.org.id)
        .options(joinedload(Membership.user))
        .order_by(Membership.id)
        .limit(25)
    ).all()
    return render_template(
        "org_orm.html", org_name=g.org.name, me_email=current_user.email, me_role=g.membership.role, members=members
    )


@app.get("/orgs/<slug>/check")
@auth_required()
@org_role_required("admin")
def check(slug):
    return "", 204


@app.post("/orgs/<slug>/invitations")
@auth_required()
@org_role_required("admin")
def invite(slug):
    token = secrets.token_bytes(32)
    db.session.add(
        Invitation(
            org_id=g.org.id,
            email=request.form["email"],
            role=request.form["role"],
            invited_by=current_user.id,
            token_hash=hashlib.sha256(token).digest(),
            expires_at=datetime.now(UTC) + timedelta(days=7),
        )
    )
    db.session.commit()
    OUTBOX.append((request.form["email"], token))
    return "", 201


@app.cli.command("create-all")
def create_all():
    db.create_all()


@app.cli.command("hash")
def print_hash():
    from flask_security import hash_password

    print(hash_password(os.environ["PASSWORD"]))


@app.get("/csrf")
@auth_required()
def csrf():
    from flask_wtf.csrf import generate_csrf

    return generate_csrf()
