"""Where one is logged in, and logging out elsewhere."""

import re

import pytest

from models.device import device
from tests.browser_like import words

PAGE = "/account/sessions"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"


@pytest.fixture
def two(as_, query):
    """Hana on this device, and on a phone."""
    here, phone = as_("viewer"), as_("viewer")
    query("UPDATE sessions SET user_agent = %(here)s, ip = '203.0.113.7'", here=CHROME)
    query(
        "UPDATE sessions SET user_agent = %(phone)s WHERE id = (SELECT id FROM sessions ORDER BY id DESC LIMIT 1)",
        phone=SAFARI,
    )
    return here, phone


def listed(browser):
    return [words(row) for row in re.findall(r'<tr id="session-.*?</tr>', browser.get(PAGE).text, flags=re.S)]


def others(browser):
    return re.findall(rf"{PAGE}/([0-9a-f-]+)/revoke\"", browser.get(PAGE).text)


def test_each_device_is_listed_and_this_one_first(two):
    rows = listed(two[0])
    assert [row.split(" 203")[0] for row in rows] == ["Chrome on Windows This device", "Safari on iPhone"]
    assert listed(two[1])[0].startswith("Safari on iPhone This device")


@pytest.mark.parametrize("hx", [True, False])
def test_a_device_that_is_logged_out_is_out_at_once(two, hx):
    here, phone = two
    answer = here.post(f"{PAGE}/{others(here)[0]}/revoke", hx=hx)
    if hx:
        assert "Safari on iPhone was logged out." in answer.text
    else:
        assert answer.status_code == 303
        assert "Safari on iPhone was logged out." in here.get(answer.location).text
    assert len(listed(here)) == 1
    assert phone.get("/account").status_code == 302


def test_a_device_that_is_logged_out_twice_is_out(two):
    here, _ = two
    url = f"{PAGE}/{others(here)[0]}/revoke"
    here.post(url, hx=True)
    assert "was logged out already" in here.post(url, hx=True).text


def test_all_others_are_logged_out_after_a_review(two, as_, query):
    here, phone = two
    review = here.get(f"{PAGE}/revoke-others")
    assert "1 other device is logged out at once: Safari on iPhone, 203.0.113.7" in words(review.text)
    amara = as_("owner")
    assert here.post(f"{PAGE}/revoke-others").status_code == 303
    assert phone.get("/account").status_code == 302
    assert (here.get("/account").status_code, amara.get("/account").status_code) == (200, 200)


def test_somebody_elses_device_is_not_here(two, as_, query):
    here, _ = two
    mine = others(here)[0]
    as_("owner").post(f"{PAGE}/{mine}/revoke")
    assert len(listed(here)) == 2


def test_this_device_has_its_own_way_out(two, query):
    here, phone = two
    this = others(phone)[0]
    assert here.post(f"{PAGE}/{this}/revoke").status_code == 404
    assert here.get("/account").status_code == 200


def test_a_session_that_a_new_password_ended_is_not_listed(two, query):
    here, _ = two
    query("UPDATE sessions SET credential_epoch = credential_epoch - 1 WHERE user_agent = %(phone)s", phone=SAFARI)
    assert len(listed(here)) == 1


def test_a_session_whose_time_is_up_is_not_logged_out_again(two, query):
    """It is not listed, and nothing counts it."""
    here, _ = two
    other = others(here)[0]
    query("UPDATE sessions SET expire = now() WHERE user_agent = %(phone)s", phone=SAFARI)
    assert "was logged out already" in here.post(f"{PAGE}/{other}/revoke", hx=True).text
    assert here.post(f"{PAGE}/revoke-others").status_code == 303
    assert query("SELECT count(*) FROM audit_events WHERE action LIKE 'session%%revoked'")[0][0] == 0


def test_each_end_is_an_event_of_the_account(two, query):
    here, _ = two
    events = "SELECT action, subject_id FROM audit_events WHERE user_id IS NOT NULL AND action LIKE 'session%%revoked'"
    other = others(here)[0]
    here.post(f"{PAGE}/{other}/revoke")
    here.post(f"{PAGE}/{other}/revoke")
    here.post(f"{PAGE}/revoke-others")
    assert [(action, str(subject)) for action, subject in query(events)] == [("session.revoked", other)]


@pytest.mark.parametrize(
    ("user_agent", "named"),
    [
        (CHROME, "Chrome on Windows"),
        (SAFARI, "Safari on iPhone"),
        (CHROME + " Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/156.0 Mobile", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/19 Safari/605", "Safari on macOS"),
        ("curl/8.1 (Windows)", "A browser on Windows"),
        ("curl/8.1", "An unknown browser"),
        ("", "An unknown browser"),
        (None, "An unknown browser"),
    ],
)
def test_a_browser_is_named_in_the_words_of_people(user_agent, named):
    assert device(user_agent) == named
