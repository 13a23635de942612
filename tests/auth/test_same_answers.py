"""Whoever types an address learns nothing of it: whole answers, with an account and without (PROMISES.md P11)."""

import re

import pytest
from itsdangerous import BadData, URLSafeSerializer

from models import User, db, transaction
from tests.browser_like import without_tokens
from tests.factories import PASSWORD

KNOWN, UNKNOWN = "hana.reyes@example.org", "hana.rexes@example.org"  # as long as each other
SIGN_UP = {"name": "Hana", "password": "a new and quiet password"}
CHANCE = ("Date", "X-Request-Id", "Content-Length")
TIMES = re.compile(r"(?<='Retry-After', ')\d+|\d\d:\d\d UTC \([\w ]+\)|\d{10}\.\d+|(?<=Expires=)[^;]+")
DOORS = {
    "log in": ("/login", {"password": "not the password"}),
    "log in with a password that is too long": ("/login", {"password": "x" * 2000}),
    "log in without a password": ("/login", {}),
    "forgot the password": ("/forgot-password", {}),
    "sign up": ("/signup", SIGN_UP),
    "sign up with a weak password": ("/signup", SIGN_UP | {"password": "hana.reyes"}),
}


@pytest.fixture(params=["usual", "the mail server is away"])
def host(request, app, app_with):
    return app_with(smtp_url="smtp://127.0.0.1:1") if request.param != "usual" else app


@pytest.fixture
def both(host, northfield, browser):
    """both(ask) -> what two visitors see who ask the same way, of an address with an account and of one without."""
    return lambda ask: [seen(ask(browser(app=host).at("192.0.2.1"), email), email) for email in (KNOWN, UNKNOWN)]


def seen(answer, email):
    """The whole answer, but for chance, times and the address that was sent.

    A time may be a character longer than the other ("9 minutes", "10 minutes"): the body is compared, not its length.
    """
    assert answer.content_length in (None, len(answer.data))
    headers = [(name, cookie(value)) for name, value in answer.headers if name not in CHANCE]
    whole = f"{answer.status_code} {headers} {without_tokens(answer.text)}".replace(email, "<address>")
    return TIMES.sub("<time>", whole)


def cookie(value):
    """A cookie without its signature and what is random in it."""
    name, _, rest = value.partition("=")
    content, semicolon, attributes = rest.partition(";")
    if not semicolon:
        return value
    try:
        content = str(URLSafeSerializer("-").load_payload(content.rpartition(".")[0].encode()))
    except BadData:
        content = f"{len(content)} characters"
    return f"{name}={re.sub('[0-9a-f-]{36}', '<id>', content)};{attributes}"


@pytest.mark.parametrize(("path", "fields"), DOORS.values(), ids=DOORS)
def test_a_door_answers_the_same(path, fields, both):
    known, unknown = both(lambda person, email: person.post(path, email=email, **fields))
    assert known == unknown


@pytest.mark.parametrize(("path", "fields"), [DOORS["log in"], DOORS["forgot the password"], DOORS["sign up"]])
@pytest.mark.parametrize("spread", [False, True], ids=["from one network", "from many"])
def test_and_where_it_was_tried_too_often(path, fields, spread, both):
    def ask(person, email):
        for number in range(40):
            answer = person.at(f"192.0.2.{number if spread else 1}").post(path, email=email, **fields)
        assert answer.status_code == 429
        return answer

    known, unknown = both(ask)
    assert known == unknown


@pytest.mark.parametrize("path", ["/signup/check-email", "/login", "/signup"])
def test_and_so_does_what_comes_after_signing_up(path, both):
    def ask(person, email):
        person.post("/signup", email=email, **SIGN_UP)
        return person.get(path)

    known, unknown = both(ask)
    assert known == unknown


@pytest.mark.parametrize("times", [1, 6])
def test_and_sending_the_mail_again(times, both):
    def ask(person, email):
        person.post("/signup", email=email, **SIGN_UP)
        answers = [person.post("/signup/check-email") for _ in range(times)]
        assert answers[-1].status_code == (303 if times == 1 else 429)
        return answers[-1]

    known, unknown = both(ask)
    assert known == unknown


@pytest.mark.parametrize("path", ["/invitation", "/invitation/accept", "/login"])
def test_and_an_invitation_whose_link_was_copied(path, both, invite):
    def ask(person, email):
        person.get(invite(email=email, copied=True))
        if path == "/invitation":
            return person.get(path)
        return person.post(path, email=email, **SIGN_UP)

    known, unknown = both(ask)
    assert re.sub("[0-9a-f-]{36}", "<id>", known) == re.sub("[0-9a-f-]{36}", "<id>", unknown)


def test_and_an_account_that_was_closed(both, app, northfield):
    with app.app_context(), transaction():
        db.session.get_one(User, northfield.viewer.id).deactivate()
    for password in (PASSWORD, "not the password"):
        closed, unknown = both(lambda person, email, p=password: person.post("/login", email=email, password=p))
        assert closed == unknown


def test_a_word_that_differs_is_noticed(both):
    """The control."""
    known, unknown = both(lambda person, email: person.get("/login" if email == KNOWN else "/signup"))
    assert known != unknown
