"""`flask demo`: what it fills in, and when it refuses."""

import pytest
from click.testing import CliRunner

import demo
from demo.plans import ACCOUNTS
from models import User, db, transaction
from models.password import verify
from models.text import Address


@pytest.fixture
def run(app):
    """run() -> the command's result, in an application context as flask gives it."""

    def command(app=app):
        with app.app_context():
            return CliRunner().invoke(demo.cli)

    return command


def test_it_fills_an_empty_database_and_says_how_to_log_in(run, query):
    result = run()
    assert result.exit_code == 0, result.output
    assert "Made 6 organizations" in result.output
    assert demo.PASSWORD in result.output
    assert all(email in result.output for email in ACCOUNTS.values())
    sizes = dict(
        query(
            "SELECT slug, count(*) FROM organizations o JOIN organization_members m ON o.id = organization_id "
            "GROUP BY slug"
        )
    )
    assert sizes["northfield"] > 260
    assert sizes["bluebird"] == 1


def test_everything_that_pages_can_show_is_there(run, query):
    run()
    assert {row[0] for row in query("SELECT access FROM projects")} == {"organization", "restricted"}
    assert query("SELECT count(*) FROM projects WHERE archived_at IS NOT NULL")[0][0] > 1
    ends = query(
        "SELECT count(declined_at) AS declined, count(revoked_at) AS revoked, "
        "count(*) FILTER (WHERE expires_at < now()) AS expired, count(*) AS made FROM invitations"
    )[0]
    assert all(ends)
    assert ends.made > 20
    guests = (
        "SELECT count(*) FROM project_members p WHERE NOT EXISTS (SELECT FROM organization_members m "
        "WHERE m.user_id = p.user_id AND m.organization_id = p.organization_id)"
    )
    assert query(guests)[0][0] > 1
    assert query("SELECT count(*) FROM outgoing_mail")[0][0] == 0


def test_addresses_are_nobodys_and_names_are_many(run, query):
    run()
    rows = query("SELECT name, email FROM users")
    assert {email.split("@")[1] for _, email in rows} == {"example.com", "example.org"}
    assert all(email.isascii() for _, email in rows)
    scripts = {name[0] for name, _ in rows if not name[0].isascii()}
    assert len(scripts) > 20
    assert len({name for name, _ in rows}) > 0.9 * len(rows)


def test_the_second_time_it_only_says_so(run, query):
    run()
    before = query("SELECT count(*) FROM users")
    result = run()
    assert result.exit_code == 0
    assert "The demo is in this database already." in result.output
    assert ACCOUNTS["Owner of Northfield"] in result.output
    assert query("SELECT count(*) FROM users") == before


def test_production_refuses_in_one_line(app_with, run, query):
    result = run(app_with(freehold_env="production", smtp_url="none", email_verification="off"))
    assert result.exit_code == 1
    assert result.output.strip() == ("Error: flask demo is for development: the password of its accounts is public.")
    assert query("SELECT count(*) FROM users")[0][0] == 0


def test_a_database_that_is_in_use_is_left_alone(app, run, query):
    with app.app_context(), transaction():
        email = ACCOUNTS["Owner of Northfield"]
        User.create(Address(email, email), "Somebody", "x", proven=True)
    result = run()
    assert result.exit_code == 1
    assert "does not go with what is in this database" in result.output
    assert query("SELECT count(*) FROM organizations")[0][0] == 0


def test_its_accounts_can_log_in(app, run):
    run()
    with app.app_context():
        hashes = db.session.scalars(db.select(User.password_hash).distinct()).all()
        assert len(hashes) == 1
        assert verify(hashes[0], demo.PASSWORD)


def test_one_can_look_around(run, browser, app):
    run()
    with app.app_context():
        owner = db.session.scalars(db.select(User).where(User.email == ACCOUNTS["Owner of Northfield"])).one()
    visitor = browser(owner)
    for page in ("projects", "people", "people/invitations", "settings"):
        assert visitor.get(f"/orgs/northfield/{page}").status_code == 200
    assert "Billing pipeline" in visitor.get("/orgs/northfield/projects").text
