"""P0: the least work that does the job. Raw psycopg 3 pool, one prepared statement
to authenticate and authorize, one for the list, one precompiled Jinja template.
"""

import hashlib
import os
import secrets

import jinja2
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from psycopg_pool import ConnectionPool

HERE = os.path.dirname(os.path.abspath(__file__))
ORG_PAGE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(os.path.join(HERE, "../templates")), autoescape=True, auto_reload=False
).get_template("org_rows.html")
COOKIE = "sid="
RANK = {"viewer": 0, "operator": 1, "admin": 2, "owner": 3}
hasher = PasswordHasher()

AUTH = """SELECT u.id, u.email, m.role, o.id, o.name
FROM sessions s JOIN users u ON u.id = s.user_id AND u.active
JOIN organizations o ON o.slug = %s
JOIN memberships m ON m.user_id = u.id AND m.org_id = o.id
WHERE s.token_hash = %s AND s.expires_at > now()"""
LIST = """SELECT u.name, u.email, m.role FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.org_id = %s ORDER BY m.id LIMIT 25"""
INVITE = """WITH i AS (
  INSERT INTO invitations (org_id, email, role, token_hash, invited_by) VALUES (%s, %s, %s, %s, %s) RETURNING *
), mail AS (
  INSERT INTO outgoing_mail (invitation_id) SELECT id FROM i
)
INSERT INTO audit_events (org_id, actor_id, action, subject_id, detail)
SELECT org_id, invited_by, 'invitation.sent', id, jsonb_build_object('role', role) FROM i"""
FIND = "SELECT id, password_hash FROM users WHERE email = %s AND active"
LOGIN = "INSERT INTO sessions (token_hash, user_id, expires_at) VALUES (%s, %s, now() + interval '1 day')"
SIGNUP = """WITH u AS (INSERT INTO users (email, name, password_hash) VALUES (%s, %s, %s)
 ON CONFLICT (email) DO NOTHING RETURNING id)
INSERT INTO sessions (token_hash, user_id, expires_at) SELECT %s, id, now() + interval '1 day' FROM u"""

pool = ConnectionPool(
    f"dbname={os.environ['BENCH_DB']}",
    min_size=4,
    max_size=4,
    kwargs={"autocommit": True, "prepare_threshold": 0},
    open=False,
)


def sql(query, args, fetch=True):
    conn = pool.getconn()
    try:
        cur = conn.execute(query, args, prepare=True)
        return cur.fetchall() if fetch else cur.rowcount
    finally:
        pool.putconn(conn)


def token_of(cookie_header):
    i = cookie_header.find(COOKIE)
    if i < 0:
        return None
    return cookie_header[i + len(COOKIE) :].split(";", 1)[0]


def auth(cookie_header, slug, min_role):
    """The row, or an HTTP status."""
    token = token_of(cookie_header)
    if not token:
        return 401
    rows = sql(AUTH, (slug, hashlib.sha256(token.encode()).digest()))
    if not rows or RANK[rows[0][2]] < RANK[min_role]:
        return 403
    return rows[0]


def page(row):
    conn_rows = sql(LIST, (row[3],))
    return ORG_PAGE.render(org_name=row[4], me_email=row[1], me_role=row[2], members=conn_rows)


def invite(row, email, role):
    token = secrets.token_bytes(32)
    sql(INVITE, (row[3], email, role, hashlib.sha256(token).digest(), row[0]), fetch=False)


def login(email, password):
    rows = sql(FIND, (email,))
    if not rows:
        return None
    try:
        hasher.verify(rows[0][1], password)
    except VerifyMismatchError:
        return None
    token = secrets.token_urlsafe(32)
    sql(LOGIN, (hashlib.sha256(token.encode()).digest(), rows[0][0]), fetch=False)
    return token


def signup(email, name, password):
    token = secrets.token_urlsafe(32)
    n = sql(SIGNUP, (email, name, hasher.hash(password), hashlib.sha256(token.encode()).digest()), fetch=False)
    return token if n else None
