"""The last Owner of an organization stays its Owner, whatever door one tries."""

import threading

import pytest

from models import LastOwner, db, transaction
from tests.factories import PASSWORD

WORDS = "Northfield needs at least one Owner. Make someone else an Owner first."
PEOPLE, SETTINGS = "/orgs/northfield/people", "/orgs/northfield/settings"
PAGES = {
    "changing the role": (lambda member: (f"{PEOPLE}/{member}/role", {"role": "VIEWER"}), WORDS),
    "removing oneself": (lambda member: (f"{PEOPLE}/{member}/remove", {}), WORDS),
    "leaving": (lambda _: (f"{SETTINGS}/leave", {}), WORDS),
    "deleting the account": (
        lambda _: ("/account/delete", {"current_password": PASSWORD}),
        "You are the only Owner of 1 organization.",
    ),
}
SQL = {
    "changing the role": "UPDATE organization_members SET role = 'ADMIN' WHERE user_id = :id",
    "ending the membership": "DELETE FROM organization_members WHERE user_id = :id",
    "deactivating the account": "UPDATE users SET deactivated_at = now() WHERE id = :id",
}


def is_owner(query, northfield, name="owner"):
    statement = (
        "SELECT count(*) FROM organization_members m JOIN users u ON u.id = user_id "
        "WHERE user_id = %(id)s AND role = 'OWNER' AND deactivated_at IS NULL"
    )
    return query(statement, id=northfield.person(name).id) == [(1,)]


@pytest.mark.parametrize(("door", "words"), PAGES.values(), ids=PAGES.keys())
@pytest.mark.parametrize("hx", [True, False])
def test_no_page_lets_the_last_owner_go(browser, northfield, query, door, words, hx):
    url, fields = door(northfield.member("owner").id)
    answer = browser(northfield.owner).post(url, hx=hx, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert is_owner(query, northfield)


@pytest.mark.parametrize(("door", "_words"), PAGES.values(), ids=PAGES.keys())
def test_each_page_lets_one_of_two_go(browser, northfield, query, second_owner, door, _words):
    """The positive control: the doors work where an Owner stays."""
    url, fields = door(northfield.member("owner").id)
    assert browser(northfield.owner).post(url, **fields).status_code == 303
    assert not is_owner(query, northfield)


def test_nor_does_the_hosts_command(app, northfield, query):
    answer = app.test_cli_runner().invoke(args=["users", "deactivate", northfield.owner.email])
    assert answer.exit_code == 1
    assert "Northfield (northfield)" in answer.output
    assert is_owner(query, northfield)


@pytest.mark.parametrize("statement", SQL.values(), ids=SQL.keys())
def test_nor_does_plain_sql(app, northfield, query, statement):
    with northfield.inside(app), pytest.raises(LastOwner), transaction():
        db.session.execute(db.text(statement), {"id": northfield.owner.id})
    assert is_owner(query, northfield)


def test_nor_does_an_owner_who_cannot_log_in_count(browser, northfield, query, second_owner):
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.admin.id)
    assert browser(northfield.owner).post(f"{SETTINGS}/leave").status_code == 422
    assert is_owner(query, northfield)


@pytest.mark.parametrize("action", ["role", "remove"])
def test_of_two_owners_who_end_each_other_at_once_one_stays(as_, northfield, query, second_owner, action):
    ready, answers = threading.Barrier(2), []

    def end(actor, target):
        person = as_(actor)
        fields = {"csrf_token": person.token(), **({"role": "VIEWER"} if action == "role" else {})}
        ready.wait()
        answers.append(person.client.post(f"{PEOPLE}/{northfield.member(target).id}/{action}", data=fields).status_code)

    threads = [threading.Thread(target=end, args=pair) for pair in (("owner", "admin"), ("admin", "owner"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) in ([303, 403], [303, 404])
    assert [is_owner(query, northfield, name) for name in ("owner", "admin")].count(True) == 1


def test_of_two_owners_who_leave_at_once_one_stays(as_, northfield, query, second_owner):
    ready, answers = threading.Barrier(2), []

    def go(name):
        person = as_(name)
        token = person.token()
        ready.wait()
        answers.append(person.client.post(f"{SETTINGS}/leave", data={"csrf_token": token}).status_code)

    threads = [threading.Thread(target=go, args=[name]) for name in ("owner", "admin")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 422]
    assert [is_owner(query, northfield, name) for name in ("owner", "admin")].count(True) == 1
