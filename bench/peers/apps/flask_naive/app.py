"""P1b: the common hand-rolled idiom. Flask-Login, Flask-Session on its SQLAlchemy backend,
Flask-SQLAlchemy, Flask-WTF CSRF, and a decorator that looks the membership up.
"""

import collections
import hashlib
import os
import secrets
from datetime import UTC, datetime, timedelta
from functools import wraps

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from flask import Flask, abort, g, redirect, render_template, request
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

HERE = os.path.dirname(os.path.abspath(__file__))
app = Flask(__name__, template_folder=os.path.join(HERE, "../templates"))
app.config.update(
    SECRET_KEY="bench-secret-key-0123456789abcdef0123456789",
    SQLALCHEMY_DATABASE_URI=f"postgresql+psycopg:///{os.environ['BENCH_DB']}",
    SESSION_TYPE="sqlalchemy",
    WTF_CSRF_TIME_LIMIT=None,
)
db = SQLAlchemy(app)
app.config["SESSION_SQLALCHEMY"] = db
Session(app)
CSRFProtect(app)
login_manager = LoginManager(app)
hasher = PasswordHasher()
OUTBOX = collections.deque(maxlen=1000)
RANK = {"viewer": 0, "operator": 1, "admin": 2, "owner": 3}


class User(UserMixin, db.Model):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)


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
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
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
    invited_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))


def org_role_required(min_role):
    def deco(view):
        @wraps(view)
        @login_required
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
@org_role_required("admin")
def org_page(slug):
    query = select(Membership).filter_by(org_id=g.org.id).order_by(Membership.id).limit(25)
    if not os.environ.get("N_PLUS_ONE"):
        query = query.options(joinedload(Membership.user))
    members = db.session.scalars(query).all()
    return render_template(
        "org_orm.html", org_name=g.org.name, me_email=current_user.email, me_role=g.membership.role, members=members
    )


@app.get("/orgs/<slug>/check")
@org_role_required("admin")
def check(slug):
    return "", 204


@app.post("/orgs/<slug>/invitations")
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


@app.get("/login")
def login_form():
    return f'<form method="post"><input name="csrf_token" value="{generate_csrf()}"></form>'


@app.post("/login")
def login():
    user = db.session.scalar(select(User).filter_by(email=request.form["email"]))
    try:
        if user is None or not user.active or not hasher.verify(user.password_hash, request.form["password"]):
            abort(400)
    except VerifyMismatchError:
        abort(400)
    login_user(user)
    return redirect("/")


@app.post("/register")
def register():
    f = request.form
    if db.session.scalar(select(User).filter_by(email=f["email"])) is not None:
        abort(400)
    user = User(email=f["email"], name=f["name"], password_hash=hasher.hash(f["password"]))
    db.session.add(user)
    db.session.commit()
    login_user(user)
    return redirect("/")


@app.get("/csrf")
@login_required
def csrf():
    return generate_csrf()


@app.cli.command("create-all")
def create_all():
    db.create_all()


@app.cli.command("hash")
def print_hash():
    print(hasher.hash(os.environ["PASSWORD"]))
