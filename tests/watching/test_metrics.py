"""What is counted, who may read it, and the picture of it."""

import json
import re
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models import OutgoingMail, db, transaction
from runtime import metrics
from tests.factories import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a token that is only used by tests, 0123456789"
EMAIL = "amara.okafor@example.org"
DASHBOARD = json.loads((ROOT / "hosting/grafana.json").read_text())
LONGEST = 5.0  # seconds that a test waits for what must come


# --- who may read them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xff"])
def test_without_the_token_there_is_no_such_page(app_with, statements, given):
    client = app_with(metrics_token=TOKEN).test_client()
    with statements() as sent:
        answer = client.get("/metrics", headers={"Authorization": given} if given is not None else {})
    assert (answer.status_code, len(sent)) == (404, 0)
    assert "freehold_" not in answer.text


@pytest.mark.parametrize("given", ["Bearer ", "Bearer None", "Bearer"])
def test_without_a_setting_nothing_opens_it(app, given):
    assert app.test_client().get("/metrics", headers={"Authorization": given}).status_code == 404


def test_whoever_holds_the_token_reads_them(app_with, statements):
    client, proof = app_with(metrics_token=TOKEN).test_client(), {"Authorization": f"Bearer {TOKEN}"}
    client.get("/metrics", headers=proof)  # the first connection asks for more
    with statements() as sent:
        answer = client.get("/metrics", headers=proof)
    assert (answer.status_code, answer.mimetype, len(sent)) == (200, "text/plain", 1)
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"freehold_request_seconds", "freehold_log_ins", "freehold_mail_waiting"} <= names


def test_while_the_database_is_away_the_rest_is_shown(app, monkeypatch, counted):
    monkeypatch.setattr(OutgoingMail, "waiting", lambda: db.session.scalar(db.text("SELECT 1 / 0")))
    assert counted("freehold_database_pool_size") > 0
    assert counted("freehold_mail_waiting") == 0


# --- what they count ------------------------------------------------------------------------------------------


def test_requests_are_counted_by_route_method_and_class_of_status(northfield, browser, counted):
    amara, route = browser(northfield.owner), "/orgs/<slug:slug>/people"
    asked = {"method": "GET", "route": route}
    before = [counted("freehold_request_seconds_count", status=status, **asked) for status in ("2xx", "4xx")]
    seconds, sent = (counted(f"freehold_database_{name}_total", route=route) for name in ("seconds", "statements"))
    amara.get("/orgs/northfield/people")
    amara.get("/orgs/nowhere/people")
    after = [counted("freehold_request_seconds_count", status=status, **asked) for status in ("2xx", "4xx")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]
    assert counted("freehold_database_seconds_total", route=route) > seconds
    assert counted("freehold_database_statements_total", route=route) - sent >= 3


def test_whatever_is_asked_makes_no_new_series(app, counted):
    client = app.test_client()
    for n in range(3):
        client.open(f"/nowhere/{n}", method=f"BREW{n}")
    assert counted("freehold_request_seconds_count", method="other", route="") >= 3
    assert counted("freehold_request_seconds_count", method="BREW1") == 0


@pytest.mark.parametrize(
    ("outcome", "password"), [("succeeded", PASSWORD), ("refused", "wrong guess"), ("limited", "wrong guess")]
)
def test_log_ins_are_counted_by_outcome(outcome, password, northfield, browser, counted):
    if outcome == "limited":
        for _ in range(5):
            browser().post("/login", email=EMAIL, password=password)
    before = {name: counted("freehold_log_ins_total", outcome=name) for name in metrics.OUTCOMES}
    browser().post("/login", email=EMAIL, password=password)
    after = {name: counted("freehold_log_ins_total", outcome=name) for name in metrics.OUTCOMES}
    assert {name for name in after if after[name] != before[name]} == {outcome}
    assert after[outcome] == before[outcome] + 1


def test_a_right_password_that_leads_to_the_second_step_is_no_log_in_yet(northfield, browser, counted, query):
    query("UPDATE users SET second_factor_at = now() WHERE email = %(email)s", email=EMAIL)
    before = [counted("freehold_log_ins_total", outcome=name) for name in ("second_step", "succeeded")]
    browser().post("/login", email=EMAIL, password=PASSWORD)
    after = [counted("freehold_log_ins_total", outcome=name) for name in ("second_step", "succeeded")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 0]


def test_confirming_who_one_is_is_no_log_in(northfield, browser, counted):
    amara = browser(northfield.owner)
    before = counted("freehold_log_ins_total")
    assert amara.post("/account/confirm", current_password=PASSWORD).status_code == 303
    assert counted("freehold_log_ins_total") == before


def test_mail_that_waits_is_counted_whoever_delivers_it(app, northfield, counted, query):
    with app.app_context(), transaction():
        for _ in range(3):
            OutgoingMail.queue("reset_password", northfield.owner.id)
    query(
        "UPDATE outgoing_mail SET last_error = '451 later', created_at = now() - interval '1 hour' WHERE id = "
        "(SELECT min(id::text)::uuid FROM outgoing_mail)"
    )
    assert (counted("freehold_mail_waiting"), counted("freehold_mail_failing")) == (3, 1)
    assert 3600 <= counted("freehold_mail_oldest_seconds") < 3700


def test_who_waits_for_a_connection_is_seen_waiting(app_with, northfield, browser, counted):
    app = app_with(database_pool=1)
    amara = browser(northfield.owner, app=app)
    with app.app_context():
        engine = db.engine
    asking = threading.Thread(target=lambda: amara.client.get("/orgs/northfield/people"))
    with engine.connect():
        assert counted("freehold_database_pool_in_use") == counted("freehold_database_pool_size") == 1
        asking.start()
        assert _soon(lambda: counted("freehold_database_pool_waiting") == 1)
    asking.join(LONGEST)
    assert counted("freehold_database_pool_waiting") == 0
    assert counted("freehold_database_pool_in_use") == 0


def test_an_open_page_is_counted_until_it_closes(as_, app, counted):
    hana = as_("viewer")
    before = counted("freehold_open_streams")
    response = hana.client.get("/orgs/northfield/live", headers={"Accept": "text/event-stream"}, buffered=False)
    assert counted("freehold_open_streams") == before + 1
    response.close()
    assert counted("freehold_open_streams") == before


def _soon(so):
    """Whether something becomes so in time."""
    gate = threading.Event()
    for _ in range(int(LONGEST / 0.01)):
        if so():
            return True
        gate.wait(0.01)
    return False


# --- the picture ----------------------------------------------------------------------------------------------


def panels():
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_the_dashboard_asks_for_what_is_there(panel, app, browser, counted):
    browser().get("/login")
    with app.app_context():
        text = metrics.exposed().decode()
    families = list(text_string_to_metric_families(text))
    there = {sample.name for family in families for sample in family.samples}
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    for target in panel["targets"]:
        asked = set(re.findall(r"freehold_\w+", target["expr"]))
        assert asked
        assert asked <= there, asked - there
        grouped = {name.strip() for by in re.findall(r"by \(([^)]*)\)", target["expr"]) for name in by.split(",")}
        assert grouped <= labels, grouped - labels


def test_every_metric_is_on_the_dashboard(app):
    with app.app_context():
        names = {f.name for f in text_string_to_metric_families(metrics.exposed().decode())}
    asked = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    assert {name for name in names if name not in asked and not name.endswith("_created")} == set()


def test_the_dashboard_is_one_that_grafana_takes():
    assert DASHBOARD["title"]
    assert DASHBOARD["schemaVersion"] >= 36
    [source] = [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "datasource"]
    assert source["query"] == "prometheus"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        assert panel["fieldConfig"]["defaults"]["unit"]
