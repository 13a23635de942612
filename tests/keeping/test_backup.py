"""`flask backup` and `flask restore`: everything that was acknowledged comes back, or nothing is touched."""

import stat
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest

from models import Project, db, tenant
from tests.browser_like import Browser
from tests.factories import PASSWORD, populate
from tests.keeping.place import KEY, copy, migrate, remove, run, served

PROJECTS = "/orgs/northfield/projects"


@pytest.fixture(scope="module")
def directory():
    """A directory that the account of root's servers can reach (pytest's own are closed to it)."""
    path = Path(tempfile.mkdtemp(prefix="freehold-test-"))
    path.chmod(0o711)
    yield path
    remove(path)


@pytest.fixture(scope="module")
def home(directory):
    """The instance of a host with Northfield in it, stopped; its cast; and a backup of it."""
    with served(directory / "home") as app:
        migrate(app)
        with app.app_context():
            cast = populate()
        assert run(app, "backup", directory / "home.dump")[0] == 0
    return directory / "home", cast, directory / "home.dump"


@pytest.fixture(scope="module")
def nothing(directory):
    """A stopped instance without any table, as a first start leaves it."""
    with served(directory / "nothing"):
        pass
    return directory / "nothing"


@pytest.fixture(autouse=True)
def settings_of_the_host(monkeypatch):
    """Commands that a command starts find the same settings."""
    monkeypatch.setenv("SECRET_KEY", KEY)
    monkeypatch.setenv("MAIL_WORKER", "off")


@pytest.fixture
def elsewhere(nothing, tmp_path_factory, directory):
    """Another host's instance, where nothing is yet."""
    path = copy(nothing, directory / tmp_path_factory.mktemp("elsewhere").name)
    yield path
    remove(path)


def superuser(app):
    return psycopg.connect(app.extensions["postgres"].url("postgres"), autocommit=True)


def names_of_projects(app):
    with superuser(app) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM projects")}


def databases(app):
    with superuser(app) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")}


def disconnect(app):
    """What the end of a server does."""
    with app.app_context():
        db.engine.dispose()


class Writer(threading.Thread):
    """Creates projects, one after the other, and remembers those that were acknowledged."""

    def __init__(self, app, person, name):
        super().__init__()
        self.browser, self.name_of, self.acknowledged, self.over = Browser(app, person), name, [], threading.Event()

    def run(self):
        while not self.over.is_set():
            name = f"{self.name_of} {len(self.acknowledged)}"
            answer = self.browser.post(f"{PROJECTS}/new", name=name, access="organization")
            assert answer.status_code == 303, answer.text
            self.acknowledged.append(name)


def test_a_backup_under_writes_is_restored_elsewhere(home, directory, elsewhere):
    instance, cast, _ = home
    busy, file = copy(instance, directory / "busy"), directory / "busy.dump"
    with served(busy) as app, served(busy) as other:
        assert not other.extensions["postgres"].running  # a command beside the server
        writers = [Writer(app, person, name) for person, name in ((cast.owner, "A"), (cast.admin, "S"))]
        for writer in writers:
            writer.start()
        while not all(len(writer.acknowledged) > 5 for writer in writers):
            assert all(writer.is_alive() for writer in writers)
        before = {name for writer in writers for name in writer.acknowledged}
        code, words = run(other, "backup", file)
        for writer in writers:
            writer.over.set()
            writer.join()
        assert (code, "and was restored once to prove it" in words) == (0, True), words
        assert len(names_of_projects(app)) > len(before) + 3  # it was not held up
    with served(elsewhere) as app:
        code, words = run(app, "restore", file)
        assert code == 0, words
        restored = names_of_projects(app)
        assert before <= restored
        for writer in writers:  # of each, a beginning of what it did: nothing that came later without what came before
            mine = [name for name in writer.acknowledged if name in restored]
            assert mine == writer.acknowledged[: len(mine)]
        with superuser(app) as connection:
            written = connection.execute("SELECT count(*) FROM audit_events WHERE action = 'project.created'")
            assert written.fetchone()[0] == len(restored)  # each with its event
        assert run(app, "audit", "verify")[0] == 0
        hana = Browser(app)
        assert hana.post("/login", email=cast.viewer.email, password=PASSWORD).status_code == 303
        assert hana.get(f"{PROJECTS}/{cast.project.id}").status_code == 200
        assert hana.get(f"{PROJECTS}/{cast.project.id}/edit").status_code == 403
        assert hana.get(f"{PROJECTS}/{cast.restricted.id}").status_code == 404
        with app.app_context():  # and row-level security holds
            assert db.session.scalar(db.text("SELECT current_user")) == "freehold_web"
            assert db.session.scalar(db.select(db.func.count()).select_from(Project)) == 0
            tenant.enter(cast.harbour.id)
            assert db.session.scalars(db.select(Project.name)).all() == ["Lighthouse"]
        assert databases(app) == {"postgres", "freehold"}


def test_a_backup_is_private_and_overwrites_nothing(home, directory):
    instance, _, file = home
    before = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with served(instance) as app:
        code, words = run(app, "backup", file)
        assert (code, words) == (1, f"Error: {file} exists already, and is not overwritten.\n")
        code, words = run(app, "backup", directory / "no such place" / "x.dump")
        assert (code, "cannot be written: No such file or directory." in words) == (1, True)
        draft = directory / "interrupted.dump.part"
        draft.touch()
        code, words = run(app, "backup", directory / "interrupted.dump")
        assert (code, f"{draft} exists: this backup is being made, or was interrupted." in words) == (1, True)
        draft.unlink()
    assert file.read_bytes() == before
    assert list(directory.glob("*.part")) == []


def test_a_backup_that_fails_leaves_nothing(home, directory):
    """An index that the backup's own server cannot make again: dumped without a word, and found by the proof."""
    instance, file = copy(home[0], directory / "broken"), directory / "broken.dump"
    with served(instance) as app:
        with superuser(app) as connection:
            connection.execute("CREATE FUNCTION wrong() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'")
            connection.execute("CREATE TABLE wrongs (n int CHECK (n = wrong()))")
            connection.execute("INSERT INTO wrongs VALUES (1)")
            connection.execute("CREATE OR REPLACE FUNCTION wrong() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2'")
        code, words = run(app, "backup", file)
        assert (code, 'violates check constraint "wrongs_n_check"' in words) == (1, True), words
    assert list(directory.glob("broken.dump*")) == []


@pytest.mark.long
def test_a_backup_knows_roles_that_the_host_added(home, directory):
    instance, file = copy(home[0], directory / "reported"), directory / "reported.dump"
    with served(instance) as app:
        with superuser(app) as connection:
            connection.execute("CREATE ROLE reports NOLOGIN; GRANT SELECT ON users TO reports")
        assert run(app, "backup", file)[0] == 0


@pytest.mark.long
def test_a_broken_log_is_said_and_backed_up_all_the_same(home, directory, elsewhere):
    instance, file = copy(home[0], directory / "tampered"), directory / "tampered.dump"
    with served(instance) as app:
        with superuser(app) as connection:
            connection.execute("ALTER TABLE audit_events DISABLE TRIGGER USER")
            connection.execute("UPDATE audit_events SET action = 'x' WHERE seq = 1")
            connection.execute("ALTER TABLE audit_events ENABLE TRIGGER USER")
        code, words = run(app, "backup", file)
        assert (code, "The audit log does not verify, in the database as in the backup: chain" in words) == (1, True)
        assert file.exists()
    with served(elsewhere) as app:
        code, words = run(app, "restore", file)
        assert (code, words.startswith("Error: Nothing was restored. chain ")) == (1, True), words
        code, words = run(app, "restore", "--unproven", file)
        assert (code, "Not proven: chain" in words) == (0, True), words
        assert names_of_projects(app) == {"Billing pipeline", "Payroll", "Lighthouse"}


def test_nothing_is_restored_over_data_or_under_a_running_server(home):
    instance, _, file = home
    with served(instance) as app, served(instance) as other:
        code, words = run(other, "restore", "--replace", file)
        assert (code, "The server runs. Stop bin/serve" in words) == (1, True)
        code, words = run(app, "restore", file)
        assert (code, "There is data already. With --replace it is backed up first" in words) == (1, True)
        with superuser(app):  # somebody with psql
            code, words = run(app, "restore", "--replace", file)
        assert (code, "Another command works in the database. End it, and restore again." in words) == (1, True)
        assert databases(app) == {"postgres", "freehold"}
        assert names_of_projects(app) == {"Billing pipeline", "Payroll", "Lighthouse"}


def damaged(file, how):
    data = bytearray(file.read_bytes())
    if how == "cut short":
        del data[len(data) // 2 :]
    elif how == "a bit turned":
        data[len(data) * 3 // 4] ^= 1
    else:
        data[:] = b"not a backup at all"
    return bytes(data)


@pytest.mark.parametrize(
    "how", ["a bit turned", *(pytest.param(how, marks=pytest.mark.long) for how in ("cut short", "something else"))]
)
def test_a_damaged_file_changes_nothing(home, directory, how):
    instance, _, file = home
    bad = directory / f"{how}.dump"
    bad.write_bytes(damaged(file, how))
    with served(instance) as app:
        code, words = run(app, "restore", "--replace", bad)
        problem = f"{bad} is damaged" if how == "a bit turned" else "pg_restore: error:"
        assert (code, words.startswith(f"Error: Nothing was restored. {problem}")) == (1, True), words
        assert names_of_projects(app) == {"Billing pipeline", "Payroll", "Lighthouse"}
        assert databases(app) == {"postgres", "freehold"}
    assert list(instance.glob("*.dump")) == []  # what was there is still in its place


@pytest.mark.long
def test_what_was_there_is_kept_aside_and_can_be_put_back(home, directory):
    instance, file = copy(home[0], directory / "replaced"), home[2]
    with served(instance) as app:
        owner = Browser(app, home[1].owner)
        owner.post(f"{PROJECTS}/new", name="Docks", access="organization")
        disconnect(app)
        code, words = run(app, "restore", "--replace", file)
        assert code == 0, words
        assert names_of_projects(app) == {"Billing pipeline", "Payroll", "Lighthouse"}
        assert "0 people" in words  # of the backup, in which nobody was logged in
        assert owner.get("/orgs").status_code == 302
        (former,) = instance.glob("before-restore-*.dump")
        assert f"What was there before is in {former}." in words
        disconnect(app)
        code, words = run(app, "restore", "--replace", former)
        assert code == 0, words
        assert "Docks" in names_of_projects(app)
        assert "Logged out: 1 people." in words, words
        assert owner.get("/orgs").status_code == 302
        assert run(app, "audit", "verify")[0] == 0


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_server_of_ones_own_has_its_own_tools(app, tmp_path, command):
    (tmp_path / "there.dump").touch()
    code, words = run(app, command, tmp_path / "there.dump")
    assert (code, "DATABASE_URL names a server of your own: docs/backup.md says how" in words) == (1, True)
