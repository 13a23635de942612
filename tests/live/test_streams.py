"""A stream over HTTP: who gets one, what it is like, and that it keeps nobody logged in."""

import json
import time
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError

from blueprints import live
from models.live import Notice
from runtime.streams import MOST_REMEMBERED, REMEMBERED, TOLD_AT_ONCE, Memory, Told
from tests.live.conftest import LONGEST

STREAM = {"Accept": "text/event-stream"}
HERE = "/orgs/northfield/live"


def events(response) -> Iterator[tuple[str, dict[str, object]]]:
    """What a browser would be given, one event at a time."""
    for chunk in response.response:
        lines = dict(line.split(": ", 1) for line in chunk.decode().splitlines() if ": " in line)
        if "event" in lines:
            yield lines["event"], json.loads(lines["data"])


@pytest.fixture
def open_stream(as_, hub, query, northfield):
    """open_stream("admin") -> the response, whose events come as they happen; what went before was told already."""
    opened = []

    def run(who):
        response = as_(who).client.get(f"{HERE}?since={time.time()}", headers=STREAM)
        opened.append(response)
        if response.status_code == 200:
            query("SELECT tell_live('begun', people => ARRAY[%(id)s::uuid])", id=northfield.person(who).id)
            assert any(data.get("topic") == "begun" for _, data in events(response))
        return response

    yield run
    for response in opened:
        response.close()


class TestAStream:
    @pytest.mark.parametrize(("who", "status"), [("viewer", 200), ("guest", 200), ("stranger", 404), ("visitor", 401)])
    def test_is_for_who_is_in_the_organization(self, open_stream, who, status):
        response = open_stream(who)
        assert response.status_code == status
        assert "Location" not in response.headers
        if status == 200:
            assert response.mimetype == "text/event-stream"
            assert response.headers["Cache-Control"] == "private, no-store"
            assert response.headers["X-Accel-Buffering"] == "no"

    def test_tells_a_topic_and_nothing_of_its_content(self, open_stream, query, northfield):
        told = events(open_stream("admin"))
        query("UPDATE projects SET name = 'A secret name' WHERE id = %(id)s", id=northfield.restricted.id)
        expected = {"topic": f"projects.{northfield.restricted.id}", "tab": None, "within": 0}
        assert next(told) == ("change", expected)

    def test_says_which_page_a_change_came_from(self, open_stream, as_, northfield):
        """That page knows already; the others look again."""
        told = events(open_stream("admin"))
        url = f"/orgs/northfield/people/{northfield.member('viewer').id}/role"
        owner = as_("owner")
        data = {"role": "OPERATOR", "csrf_token": owner.token()}
        assert owner.client.post(url, data=data, headers={"X-Tab": "17-4"}).status_code == 303
        assert next(data for _, data in told if data.get("topic") == "members")["tab"] == "17-4"

    def test_ends_and_says_why_when_its_person_is_removed(self, open_stream, as_, northfield, hub):
        response = open_stream("viewer")
        told = events(response)
        as_("owner").post(f"/orgs/northfield/people/{northfield.member('viewer').id}/remove")
        began = time.monotonic()
        assert list(told)[-1] == ("bye", {"why": "removed"})
        assert time.monotonic() - began < 1.0
        response.close()
        assert not hub.streams
        assert open_stream("viewer").status_code == 404

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ("UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'", "deleted"),
            ("DELETE FROM sessions", "logged-out"),
            ("UPDATE users SET credential_epoch = credential_epoch + 1", "logged-out"),
            ("UPDATE users SET deactivated_at = now() WHERE name = 'Hana Reyes'", "logged-out"),
            ("DELETE FROM organization_members WHERE role = 'VIEWER'", "removed"),
        ],
    )
    def test_ends_whatever_ends_the_right_to_it(self, open_stream, query, change, why):
        told = events(open_stream("viewer"))
        query(change)
        assert list(told)[-1] == ("bye", {"why": why})

    def test_of_a_guest_ends_with_the_last_role(self, open_stream, query):
        told = events(open_stream("guest"))
        query("DELETE FROM project_members WHERE role = 'OPERATOR'")
        assert list(told)[-1] == ("bye", {"why": "removed"})

    def test_ends_with_a_session_whose_time_is_up(self, open_stream, query, as_):
        hana = as_("viewer")
        query("UPDATE sessions SET expire = now() + interval '0.3 seconds'")
        response = hana.client.get(f"{HERE}?since={time.time()}", headers=STREAM)
        began = time.monotonic()
        assert list(events(response))[-1] == ("bye", {"why": "logged-out"})
        assert time.monotonic() - began < 0.3 + 1.0 + 0.5  # looked at every second
        response.close()

    def test_says_now_and_then_that_it_is_there(self, open_stream, monkeypatch):
        monkeypatch.setattr(live, "HEARTBEAT", 0.01)
        kinds = (kind for kind, _ in events(open_stream("viewer")))
        assert next(kind for kind in kinds if kind != "change") == "beat"

    def test_never_prolongs_a_session(self, open_stream, as_, query):
        """Neither does a page that looks again by itself; one that its reader opens does."""
        seen = "SELECT max(last_seen_at), max(expire) FROM sessions"
        hana = as_("viewer")
        query("UPDATE sessions SET last_seen_at = now() - interval '1 hour'")
        before = query(seen)
        hana.client.get(HERE, headers=STREAM).close()
        hana.client.get(HERE)
        hana.get("/orgs/northfield/people", hx=True, headers={"X-Refresh": "1"})
        assert query(seen) == before
        hana.get("/orgs/northfield/people", hx=True)
        assert query(seen) != before

    def test_is_not_for_who_has_very_many_open(self, open_stream, monkeypatch):
        monkeypatch.setattr(live, "MOST", 2)
        assert [open_stream("viewer").status_code for _ in range(3)] == [200, 200, 429]

    def test_is_forgotten_with_its_browser(self, open_stream, hub):
        response = open_stream("viewer")
        assert len(hub.streams) == 1
        response.close()
        assert not hub.streams

    def test_holds_no_database_connection(self, app_with, northfield, browser):
        app = app_with(database_pool=1)
        hana = browser(northfield.viewer, app=app)
        response = hana.client.get(HERE, headers=STREAM)
        assert hana.get("/orgs/northfield/people").status_code == 200
        response.close()


def test_many_pages_do_not_all_ask_at_once(listen, settled, query, northfield):
    """Each one beyond 25 gives them all 20 ms more."""
    ears = [listen("viewer") for _ in range(27)]
    settled(ears[-1])
    query("UPDATE projects SET description = 'x' WHERE id = %(id)s", id=northfield.project.id)
    topic, deadline, within = f"projects.{northfield.project.id}", time.monotonic() + LONGEST, None
    while within is None and time.monotonic() < deadline:
        within = next((told.within for told in ears[-1].stream.wait(0.1) if told.topic == topic), None)
    assert within == pytest.approx(0.04)


def test_few_who_may_hear_are_not_kept_waiting_by_many_who_may_not(listen, settled, query, northfield):
    admin = listen("admin")
    crowd = [listen("viewer") for _ in range(40)]
    settled(admin, crowd[-1])
    query("SELECT tell_live('invitations', %(id)s)", id=northfield.organization.id)
    within = [told.within for told in admin.stream.wait(LONGEST) if told.topic == "invitations"]
    assert within == [0.0]


def test_an_event_vouches_only_for_what_was_heard(hub, listen, monkeypatch):
    """While nobody listens its id stands still, so that whoever goes on from there hears of everything since."""
    ear = listen("viewer")
    ear.hear_until(lambda: hub.heard_until > ear.began)
    monkeypatch.setattr(hub, "heard_until", 17.0)
    assert next(live._events(hub, ear.stream, 0.01)).startswith("retry")
    lines = live._events(hub, ear.stream, 0.01)
    next(lines)
    assert next(lines).startswith("id: 17.000")


def test_who_asks_for_no_stream_is_answered_at_once(as_, hub):
    """So does a browser find out why its stream was refused."""
    answer = as_("viewer").client.get(HERE)
    assert answer.status_code == 200
    assert "event: bye" not in answer.text
    answer.close()
    assert as_("visitor").client.get(HERE, headers={"X-Refresh": "1"}).status_code == 401
    assert not hub.streams


class TestAPageThatWasDrawnBefore:
    """Between the drawing of a page and its stream, and while a stream is broken, things happen."""

    def test_hears_what_it_missed(self, listen, settled, query, northfield):
        first = listen("admin")
        settled(first)
        query("UPDATE projects SET description = 'x' WHERE id = %(id)s", id=northfield.project.id)
        settled(first)
        late = listen("viewer", since=first.began)
        late.hear_until(lambda: late.topics)
        assert f"projects.{northfield.project.id}" in late.topics

    def test_hears_nothing_of_what_it_may_not(self, listen, settled, query, northfield):
        first = listen("admin")
        settled(first)
        query("UPDATE projects SET description = 'x' WHERE id = %(id)s", id=northfield.restricted.id)
        settled(first)
        late = listen("viewer", since=first.began)
        settled(late)
        assert f"projects.{northfield.restricted.id}" in first.topics
        assert f"projects.{northfield.restricted.id}" not in late.topics

    def test_looks_at_everything_if_that_is_too_long_ago(self, listen):
        ear = listen("viewer", since=time.time() - 3600)
        ear.hear_until(lambda: ear.topics)
        assert ear.topics == ["resync"]

    @pytest.mark.parametrize("since", ["", "yesterday", "nan", "1e400", "-1", "9" * 400])
    def test_may_say_any_nonsense(self, as_, hub, since):
        answer = as_("viewer").client.get(HERE, query_string={"since": since})
        assert answer.status_code == 200


def test_a_page_that_is_not_read_is_told_of_everything_in_the_end(listen):
    """What waits for it stays small."""
    stream = listen("viewer").stream
    for n in range(TOLD_AT_ONCE * 3):
        stream.tell(Told(f"projects.{n}"))
        assert len(stream._told) <= TOLD_AT_ONCE
    assert "resync" in {told.topic for told in stream.wait(LONGEST)}


@pytest.mark.parametrize("said", ["", "nonsense", "[]", "{}", '{"topic": "members", "people": [1]}', "null"])
def test_what_somebody_else_says_on_the_channel_is_left_alone(listen, settled, query, said):
    amara = listen("owner")
    settled(amara)
    amara.topics.clear()
    query("SELECT pg_notify('live', %(said)s)", said=said)
    settled(amara)
    assert amara.topics == []


def test_what_is_remembered_is_bounded():
    """Who asks for more looks at everything again."""
    memory, notice = Memory(since=0.0), Notice.read('{"topic": "x", "people": [], "rights": false, "open": false}')
    for second in range(3):
        memory.add(float(second), [notice] * MOST_REMEMBERED)
    assert len(memory.heard) == MOST_REMEMBERED
    assert memory.after(0.5) is None
    assert len(memory.after(2.0)) == MOST_REMEMBERED
    memory.add(2.0 + REMEMBERED + 1, [notice])
    assert len(memory.heard) == 1


def test_a_page_that_cannot_be_told_what_it_missed_is_not_kept(listen, hub, monkeypatch):
    """The database went away between the gate and the stream: the browser is answered 503, and tries again."""
    first = listen("owner")
    first.hear_until(lambda: first.topics)
    monkeypatch.setattr(hub, "_catch_up", Mock(side_effect=OperationalError("", {}, Exception())))
    with pytest.raises(OperationalError):
        listen("viewer")
    assert hub.streams == [first.stream]


def test_a_process_that_ends_lets_its_pages_go_and_takes_no_more(app_with, northfield, browser):
    """Each comes back by itself, to another one."""
    app = app_with()
    hana = browser(northfield.viewer, app=app)
    before = hana.client.get(HERE, headers=STREAM)
    next(iter(before.response))
    app.extensions["live"].stop()
    after = hana.client.get(HERE, headers=STREAM)
    assert "bye" not in {kind for answer in (before, after) for kind, _ in events(answer)}
    for answer in (before, after):
        answer.close()


def test_a_database_that_comes_back_is_listened_to_again(listen, settled, query, northfield):
    """Pages hear what they missed, and who lost their right meanwhile hears that."""
    amara, hana = listen("owner"), listen("viewer")
    settled(amara, hana)
    amara.topics.clear()
    with_the_listener_gone = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'freehold live' AND datname = current_database()
    """
    assert query(with_the_listener_gone)
    query("DELETE FROM organization_members WHERE id = %(id)s", id=northfield.member("viewer").id)
    amara.hear_until(lambda: "resync" in amara.topics)
    hana.hear_until(lambda: hana.stream.ended)
    assert hana.stream.ended == "removed"
    query("UPDATE projects SET description = 'x' WHERE id = %(id)s", id=northfield.project.id)
    amara.hear_until(lambda: f"projects.{northfield.project.id}" in amara.topics)


@pytest.mark.parametrize(
    ("shown", "later", "same"),
    [
        ('<time datetime="1" title="a">3 hours ago</time>', '<time datetime="1" title="a">4 hours ago</time>', True),
        ('<time datetime="1" title="a">3 hours ago</time>', '<time datetime="2" title="b">3 hours ago</time>', False),
        ('<input type="hidden" name="idem" value="1">', '<input type="hidden" name="idem" value="2">', True),
        ('<input type="hidden" name="version" value="1">', '<input type="hidden" name="version" value="2">', False),
        ("<td>Admin</td>", "<td>Viewer</td>", False),
    ],
)
def test_a_part_is_another_one_when_it_says_something_else(shown, later, same):
    assert (live.fingerprint(shown) == live.fingerprint(later)) is same
