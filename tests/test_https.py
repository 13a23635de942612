"""Over https: cookies that only this host gets, and never in the clear."""

import re

import pytest

from tests.factories import PASSWORD

BASE = "https://id.example.org"


@pytest.fixture
def client(app_with, northfield):
    return app_with(base_url=BASE).test_client()


def post(client, page, url, **fields):
    token = re.search(r'name="csrf_token" value="(\w+)"', page.text)[1]
    return client.post(url, base_url=BASE, data={"csrf_token": token, **fields})


def cookies(answer):
    return {line.split("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_every_cookie_is_bound_to_the_host(client, northfield):
    login = client.get("/login", base_url=BASE)
    logged_in = post(client, login, "/login", email=northfield.viewer.email, password=PASSWORD)
    home = client.get("/orgs/northfield", base_url=BASE)
    logged_out = post(client, home, "/logout")
    given = cookies(login) | cookies(logged_in) | cookies(logged_out)
    assert set(given) == {"__Host-visitor", "__Host-session", "__Host-browser", "__Host-toast"}
    for line in given.values():
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
        assert "Domain" not in line


def test_logging_out_takes_the_cookie_back(client, northfield):
    post(client, client.get("/login", base_url=BASE), "/login", email=northfield.viewer.email, password=PASSWORD)
    post(client, client.get("/orgs/northfield", base_url=BASE), "/logout")
    answer = client.get("/account", base_url=BASE)
    assert (answer.status_code, answer.location) == (302, "/login?next=/account")


def test_browsers_are_told_to_stay_with_https(client):
    assert client.get("/login", base_url=BASE).headers["Strict-Transport-Security"] == "max-age=31536000"
