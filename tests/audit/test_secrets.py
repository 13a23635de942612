"""What the log never holds: passwords, cookies, tokens, links, and people's names and addresses."""

import re

from tests.factories import PASSWORD

NEW, NEWER = "a new and quiet password", "another one, as quiet as that"


def test_no_secret_and_no_name_is_in_any_event(browser, as_, link, mails, query, northfield):
    secrets = {PASSWORD, NEW, NEWER}
    browsers = [ana := browser(), owner := as_("owner")]
    ana.post("/signup", email="ana@example.org", name="Ana Silva", password=NEW)
    ana.post(link())
    ana.post("/account", name="Ana de Silva")
    ana.post("/account/security", current_password=NEW, password=NEWER)
    secrets.add(ana.cookie("session"))
    ana.post("/logout")
    ana.post("/forgot-password", email="ana@example.org")
    ana.post(link(), password=NEW)
    owner.post("/orgs/northfield/people/invite", emails="ana@example.org", role="ADMIN", message="Come to us, dear Ana")
    ana.get(link())
    ana.post("/invitation/accept")
    ana.post("/orgs/northfield/settings/delete", confirm="northfield", current_password=NEW)  # refused
    ana.get(f"/orgs/northfield/projects/{northfield.project.id}")
    ana.post(
        f"/orgs/northfield/projects/{northfield.project.id}/edit", name="Billing", description="Call Ana: 555 0100"
    )
    ana.post("/orgs/northfield/people/invite", emails="ben@example.org", role="VIEWER")
    waiting = query("SELECT id FROM invitations WHERE email = 'ben@example.org'")[0].id
    shown = ana.post(f"/orgs/northfield/people/invitations/{waiting}/link").text
    secrets |= {browser.cookie("session") for browser in browsers}
    secrets |= {row.sid for row in query("SELECT sid FROM sessions")}
    secrets |= {row.password_hash for row in query("SELECT password_hash FROM users")}
    secrets |= {bytes(row.nonce).hex() for row in query("SELECT nonce FROM invitations")}
    tokens = set(re.findall(r"[\w-]{64}", shown + "".join(str(mail) for mail in mails())))
    assert len(tokens) > 1
    names = {"ana@example.org", "ben@example.org", "Silva", "Amara", "555 0100", "dear Ana"}

    events = query("SELECT * FROM audit_events")
    assert {"account.created", "member.joined", "invitation.link_made", "access.refused", "session.ended"} <= {
        event.action for event in events
    }
    written = " ".join(row[0] for row in query("SELECT e::text FROM audit_events e"))
    for secret in filter(None, secrets | tokens | names):
        assert secret not in written
