"""The second wall: what the web role sees of a tenant's tables, by the database's own rules (models/tenant.py)."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from config import SettingsError
from models import (
    Invitation,
    LastOwner,
    Organization,
    OrganizationMember,
    Project,
    ProjectMember,
    Role,
    db,
    tenant,
    transaction,
)
from models.text import address
from runtime.database import CONNECTION_SETTINGS

ROOT = Path(__file__).resolve().parent.parent
TENANT_TABLES = [OrganizationMember, Project, ProjectMember, Invitation]


@pytest.fixture
def invitation(app, northfield):
    with northfield.inside(app), transaction():
        return Invitation.issue(
            northfield.organization.id, address(northfield.stranger.email), Role.VIEWER, northfield.owner.id
        )


def seen(model):
    """How many rows a query finds that names no tenant at all."""
    return db.session.scalar(select(db.func.count()).select_from(model))


pytestmark = pytest.mark.usefixtures("app")


# --- the catalog ------------------------------------------------------------------------------------------------


def test_every_table_with_a_tenant_is_protected(query):
    """Forced, with a policy for the web role; an index that begins with the tenant; a new table is held to it too."""
    tables = query("""
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,
               EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND 'freehold_web'::regrole = ANY (p.polroles))
                 AS ruled,
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum) AS indexed
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'outgoing_mail'
    """)
    assert {name for name, *_ in tables} >= {model.__tablename__ for model in TENANT_TABLES}
    assert [row for row in tables if row[1:] != (True, True, True)] == []


def test_the_web_role_is_nobody_special(query):
    assert query("""
        SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles
        WHERE rolname = 'freehold_web'
    """) == [(False,) * 5]
    assert query("SELECT relname FROM pg_class WHERE relowner = 'freehold_web'::regrole") == []
    assert query("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'freehold_web'::regrole") == []


def test_the_web_role_may_not_truncate_refer_or_read_sessions(query):
    rights = "SELECT table_name FROM information_schema.table_privileges WHERE grantee = 'freehold_web'"
    assert query(f"{rights} AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')") == []
    assert query(f"{rights} AND table_name = 'sessions'") == []


def test_every_function_of_the_owner_looks_where_it_should(query):
    """A function with its owner's rights and the caller's search path would run what the caller put there."""
    assert (
        query("""
        SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
        AND NOT coalesce(proconfig::text LIKE '%%search_path=%%, pg_temp%%', false)
    """)
        == []
    )


def test_only_the_gate_reads_what_the_gate_may_see():
    """The two views show sessions and places of everybody: one statement of the application names them."""
    sources = [p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0] not in ("tests", ".venv", "migrations")]
    naming = [str(p.relative_to(ROOT)) for p in sources if re.search("gate_(sessions|places)", p.read_text())]
    assert naming == ["models/identity.py"]


# --- what is seen -----------------------------------------------------------------------------------------------


class TestAForgetfulQuery:
    @pytest.mark.parametrize("model", [Organization, *TENANT_TABLES], ids=lambda model: model.__tablename__)
    def test_finds_nothing_before_a_tenant_is_entered(self, app, northfield, invitation, model):
        with app.app_context():
            assert seen(model) == 0

    @pytest.mark.parametrize("model", TENANT_TABLES, ids=lambda model: model.__tablename__)
    def test_finds_one_tenants_rows_inside_it(self, app, northfield, invitation, query, model):
        mine = f"SELECT count(*) FROM {model.__tablename__} WHERE organization_id = %(id)s"
        with northfield.inside(app):
            assert seen(model) == query(mine, id=northfield.organization.id)[0][0] > 0

    def test_finds_ones_own_across_organizations(self, app, northfield, invitation):
        lena, mateo = northfield.guest, northfield.stranger
        with app.app_context():
            tenant.own(lena.id, lena.email_key)
            assert db.session.scalars(select(Organization.name)).all() == ["Northfield"]
            assert (seen(OrganizationMember), seen(ProjectMember), seen(Project), seen(Invitation)) == (0, 1, 0, 0)
            tenant.own(mateo.id, None)
            assert db.session.scalars(select(Organization.name)).all() == ["Harbour Labs"]
            assert seen(Invitation) == 0
            tenant.own(mateo.id, mateo.email_key)
            assert seen(Invitation) == 1
            assert db.session.scalars(select(OrganizationMember.user_id)).all() == [mateo.id]

    def test_changes_nothing_of_another_tenant(self, app, northfield, query):
        with northfield.inside(app), transaction():
            db.session.execute(text("UPDATE projects SET description = 'touched'"))
            db.session.execute(text("DELETE FROM project_members"))
        touched = query("SELECT organization_id, count(*) FROM projects WHERE description = 'touched' GROUP BY 1")
        assert touched == [(northfield.organization.id, 2)]

    def test_knows_a_key_and_still_finds_nothing(self, app, northfield):
        with northfield.inside(app):
            assert db.session.get(Project, northfield.harbour_project.id) is None
            assert db.session.get(Organization, northfield.harbour.id) is None


def test_a_row_of_another_tenant_cannot_be_written(app, northfield):
    with northfield.inside(app):
        for change in (
            "INSERT INTO projects (organization_id, name) VALUES (:other, 'Trojan')",
            "UPDATE projects SET organization_id = :other",
        ):
            with pytest.raises(ProgrammingError, match="row-level security"), transaction():
                db.session.execute(text(change), {"other": northfield.harbour.id})


def test_sessions_cannot_be_read_at_all(app, northfield, browser):
    browser(northfield.owner)
    with northfield.inside(app), pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text("SELECT * FROM sessions"))


def test_the_last_owner_stays_though_the_web_role_sees_no_members(app, northfield):
    """The rule counts with its owner's eyes; with the caller's it would find no organization to keep."""
    with app.app_context(), pytest.raises(LastOwner), transaction():
        db.session.execute(text("UPDATE users SET deactivated_at = now() WHERE id = :id"), {"id": northfield.owner.id})


# --- pooled connections -----------------------------------------------------------------------------------------


def test_a_pooled_connection_forgets(app_with, northfield):
    """Reading, writing, failing: whatever was done with a connection, the next who has it has entered nothing."""
    with northfield.inside(app_with(database_pool=1)):
        assert seen(Project) == 2
        with transaction():
            assert seen(Project) == 2
        with pytest.raises(ZeroDivisionError), transaction():
            raise ZeroDivisionError
        backend = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.remove()
        assert db.session.scalar(text("SELECT pg_backend_pid()")) == backend
        assert seen(Project) == 0
        told = "SELECT current_setting('freehold.organization_ids', true)"
        assert db.session.scalar(text(told)) in ("", None)


def test_an_organization_that_was_entered_to_write_is_left_afterwards(app, northfield):
    with northfield.inside(app):
        with transaction():
            tenant.enter(northfield.harbour.id)
            assert db.session.scalars(select(Project.name)).all() == ["Lighthouse"]
        assert "Lighthouse" not in db.session.scalars(select(Project.name)).all()


def test_tenants_never_mix_on_a_few_connections(app, northfield, query):
    """Two tenants' members at once, over and over: nobody is shown the other's project."""
    names = {northfield.organization.id: {"Billing pipeline", "Payroll"}, northfield.harbour.id: {"Lighthouse"}}

    def look(number):
        here = list(names)[number % 2]
        with app.app_context():
            tenant.enter(here)
            return here, set(db.session.scalars(select(Project.name)))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, range(400)))
    assert [(here, seen) for here, seen in found if seen != names[here]] == []


def test_the_tenant_is_told_in_the_statements_own_round_trip(app, northfield):
    """Each statement that reads is one pipeline with the setting before it: the connection syncs once."""
    syncs = []
    with northfield.inside(app):
        driver = db.session.connection().connection.driver_connection
        original = type(driver).pipeline
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(driver), "pipeline", lambda self: (syncs.append(1), original(self))[1])
            seen(Project)
            seen(Project)
    assert len(syncs) == 2


def test_nothing_is_sent_after_a_sync(app_with, northfield, tmp_path):
    """A pooler in transaction mode would give it another server, for good: it is answered by nothing."""
    trace = tmp_path / "trace"
    with northfield.inside(app_with(database_pool=1)), trace.open("w") as file:
        driver = db.session.connection().connection.driver_connection
        driver.pgconn.trace(file.fileno())
        seen(Project)
        with transaction():
            seen(Project)
        driver.pgconn.untrace()
    sent = re.findall(r"\tF\t\d+\t(\w+)", trace.read_text())
    assert sent.count("Sync") >= 3
    assert "Flush" not in sent


def test_a_pooler_that_leaves_the_role_out_is_refused(app_with, settings, monkeypatch):
    """As PgBouncer does: the owner, whom it would make of everybody, sees every tenant."""
    monkeypatch.delitem(CONNECTION_SETTINGS, "role")
    app = app_with(database_url=settings.database_url)
    with app.app_context(), pytest.raises(SettingsError, match="freehold_web"):
        seen(Project)


def test_without_the_policy_the_forgetful_query_finds_everything(northfield, owner):
    """The positive control: what the tests above rely on is the policy, and not an empty table."""
    with owner.transaction(force_rollback=True), owner.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE freehold_web")
        assert cursor.execute("SELECT count(*) FROM projects").fetchone() == (0,)
        cursor.execute("RESET ROLE")
        cursor.execute("ALTER TABLE projects DISABLE ROW LEVEL SECURITY")
        cursor.execute("SET LOCAL ROLE freehold_web")
        assert cursor.execute("SELECT count(*) FROM projects").fetchone() == (3,)


def test_a_host_may_give_the_web_role_a_login_of_its_own(app_with, northfield, browser, settings, owner):
    """Then the owner's rights are in no web process; what must see everything logs in as the owner."""
    owner.execute("ALTER ROLE freehold_web LOGIN")
    try:
        own = settings.database_url.replace("freehold@", "freehold_web@", 1)
        app = app_with(database_url=own, database_owner_url=settings.database_url)
        person = browser(app=app)
        person.log_in(northfield.admin, fresh=True)
        assert person.get("/orgs/northfield/people").status_code == 200
        with app.app_context():
            assert db.session.execute(text("SELECT session_user, current_user")).one() == ("freehold_web",) * 2
            with pytest.raises(ProgrammingError, match="permission denied"):
                db.session.execute(text("SET ROLE freehold"))
        assert app.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 0
    finally:
        owner.execute("ALTER ROLE freehold_web NOLOGIN")
