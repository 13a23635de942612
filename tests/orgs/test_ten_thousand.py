"""The people of an organization of 10,000: what each view sends, asks of the database and takes (UX.md check 39)."""

import time
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from demo.names import names

PEOPLE = "/orgs/northfield/people"
VIEWS = [
    "",
    "?page=100",
    "?sort=-joined",
    "?sort=role&page=200",
    "?role=ADMIN",
    "?q=an",
    "?q=an&role=VIEWER&sort=-name",
]
PAGE, FRAGMENT = 40_000, 6 * 1024  # bytes: of the page as it is written, of the list as it travels
QUICK = 0.15  # seconds; a sixth of it is usual
COMPRESSED = {"HX-Request": "true", "Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
ROLES = ["VIEWER"] * 6 + ["OPERATOR"] * 3 + ["ADMIN"]


@pytest.fixture
def amara(as_, owner, northfield):
    """The browser of the Owner of 10,000 people, who joined in the last years and have names of all kinds."""
    random, now = Random(1811), datetime.now(UTC)
    people = names(random)
    with owner.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE crowd (name text, email text, role role, joined timestamptz)")
        with cursor.copy("COPY crowd FROM STDIN") as copy:
            for number in range(10_000 - 4):
                name, local = next(people)
                joined = now - timedelta(days=random.uniform(2, 900))
                copy.write_row((name, f"{local}.{number}@example.org", random.choice(ROLES), joined))
        cursor.execute(
            "INSERT INTO users (email, email_key, name, password_hash) SELECT email, email, name, '' FROM crowd"
        )
        cursor.execute(
            "INSERT INTO organization_members (organization_id, user_id, role, created_at) "
            "SELECT %s, id, role, joined FROM crowd JOIN users USING (email)",
            [northfield.organization.id],
        )
        cursor.execute("DROP TABLE crowd")
        cursor.execute("ANALYZE users, organization_members")
    return as_("owner")


def test_every_view_of_ten_thousand_people_is_small_and_quick(amara, statements):
    for view in VIEWS:
        with statements() as sent:
            page = amara.get(PEOPLE + view)
        assert page.text.count('<tr id="m-') == 50, view
        assert len(sent) == 2, "the gate and one list"
        assert len(page.data) <= PAGE, view
        parts = [timed(amara, PEOPLE + view) for _ in range(3)]
        assert all(part.headers["Content-Encoding"] == "gzip" and len(part.data) <= FRAGMENT for _, part in parts), view
        assert min(seconds for seconds, _ in parts) < QUICK, view


def test_what_many_match_ends_after_a_thousand(amara):
    assert "More than 1,000 people match “example”." in amara.get(f"{PEOPLE}?q=example").text
    last = amara.get(f"{PEOPLE}?q=example&page=21")
    assert (last.status_code, last.location) == (303, f"{PEOPLE}?q=example&page=20")
    assert amara.get(last.location).text.count('<tr id="m-') == 50


def test_who_can_use_a_project_is_listed_to_the_end(amara, northfield):
    people = f"/orgs/northfield/projects/{northfield.project.id}/access"
    assert "Showing 1–50 of 10,000 people" in amara.get(people).text
    assert "Showing 9,951–10,000 of 10,000 people" in amara.get(f"{people}?page=999").text
    assert "Showing 951–1,000 of more than 1,000 people" in amara.get(f"{people}?q=example&page=21").text
    assert "Showing 951–1,000 of more than 1,000 members" in amara.get(f"{people}/add?page=21").text


def timed(browser, url):
    begun = time.perf_counter()
    part = browser.client.get(url, headers=COMPRESSED)
    return time.perf_counter() - begun, part
