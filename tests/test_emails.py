"""What our mails look like to the people and programs that read them."""

import itertools
import re
from email import message_from_bytes
from email.policy import SMTP, default
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

import emails
from emails import writing
from models import Invitation, Offer, OutgoingMail, Role, Signup, User, db, transaction
from models.text import Address, address

pytestmark = pytest.mark.usefixtures("context")
SEEN_BY_MAIL_PROGRAMS = re.compile(r"(?:https?://|www\.\w|\b[\w-]+\.[a-z]{2,})\S*", re.IGNORECASE)


@pytest.fixture
def invitation(northfield):
    """invitation(inviter=, organization=, message=) -> the mail, read back from the bytes that a server is given."""

    def write(inviter="Amara Okafor", organization="Northfield", message="", to="ana@example.com"):
        with transaction():
            db.session.get_one(User, northfield.owner.id).name = inviter
            db.session.get_one(type(northfield.organization), northfield.organization.id).name = organization
            Invitation.issue(northfield.organization.id, address(to), Role.OPERATOR, northfield.owner.id, message)
        return sent(db.session.scalars(db.select(OutgoingMail).order_by(OutgoingMail.id.desc())).first())

    return write


def sent(row):
    written = emails.render(row)
    return message_from_bytes(written.as_bytes(policy=SMTP), policy=default) if written else None


def parts(mail):
    return [mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html")]


def test_the_invitation_says_who_where_as_what_and_until_when(invitation):
    mail = invitation()
    plain, html = parts(mail)
    assert mail["Subject"] == "Amara Okafor invited you to Northfield"
    first = plain.splitlines()[0]
    assert "as Operator" in first
    assert re.search(r"until [A-Z]\w+day \d+ [A-Z]\w+ \d{4}, \d\d:\d\d UTC\.$", first)
    for body in (plain, html):
        assert "Not expecting this? Ignore it; nothing happens until you accept." in body


def test_it_has_one_link_in_both_parts_and_it_is_ours(invitation):
    plain, html = parts(invitation())
    links = [link for link in re.findall(r"http://[^\s\"<]+", plain) if link != "http://localhost"]
    assert len(links) == 1
    assert re.fullmatch(r"http://localhost/invitations/[\w-]{64}", links[0])
    assert set(re.findall(r'href="([^"]+)"', html)) == {links[0], "http://localhost"}


def test_the_headers_are_what_mail_servers_expect(invitation):
    mail = invitation()
    assert mail["To"].addresses[0].addr_spec == "ana@example.com"
    assert mail["From"].addresses[0].addr_spec == "freehold@example.org"
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Date"].datetime
    assert mail["Auto-Submitted"] == "auto-generated"
    assert all(len(line) <= 998 and line.isascii() for line in mail.as_bytes(policy=SMTP).decode().splitlines())


def test_every_try_is_the_same_mail_byte_by_byte(invitation):
    invitation(message="--=_x\n=_")
    row = db.session.scalars(db.select(OutgoingMail)).one()
    assert emails.render(row).as_bytes(policy=SMTP) == emails.render(row).as_bytes(policy=SMTP)


class Elements(HTMLParser):
    """Every element with its attributes; fails on one that is closed where it is not open."""

    def __init__(self, html):
        super().__init__()
        self.all, self.open = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


LONG = {"inviter": "نور الهدى", "organization": "山" * 100, "message": "👩‍🚀 שלום\n" + "x" * 480}


@pytest.mark.parametrize("words", [{}, LONG], ids=["usual", "long"])
def test_the_html_part_is_whole_and_loads_nothing(invitation, words):
    html = parts(invitation(**words))[1]
    found = Elements(html)
    assert found.open == []
    assert [attributes["lang"] for tag, attributes in found.all if tag == "html"] == ["en"]
    assert "<title>Freehold</title>" in html
    assert {tag for tag, _ in found.all}.isdisjoint({"img", "link", "script", "iframe", "object", "video", "audio"})
    assert not re.search(r"\ssrc=|\sbackground=|url\(|@import", html)


@pytest.mark.parametrize("words", [{}, LONG], ids=["usual", "long"])
def test_no_line_is_too_long_and_the_subject_is_folded(invitation, words):
    lines = invitation(**words).as_bytes(policy=SMTP).split(b"\r\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(b"Subject:"))
    subject = [lines[start], *itertools.takewhile(lambda line: line.startswith(b" "), lines[start + 1 :])]
    assert all(len(line) <= 78 for line in subject)
    assert all(len(line) <= 998 for line in lines)


@pytest.mark.parametrize(
    "name", ["山田 花子", "محمد علي", "Zoë 👩‍🚀 O’Hara", "é" * 100, "x" * 100, "a, b <c@example.com>", '"']
)
def test_names_of_any_script_and_length_arrive_whole(invitation, name):
    mail = invitation(inviter=name, organization=name)
    assert mail["Subject"] == f"{emails.unlinked(name)} invited you to {emails.unlinked(name)}"
    assert name.replace("example.com", "example. com") in parts(mail)[0]


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_line_break_in_a_name_makes_no_header(invitation, breaks):
    mail = invitation(inviter=f"Eve{breaks}Bcc: all@example.com{breaks}{breaks}Text")
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Eve Bcc: all@example. com Text")
    assert [key for key, _ in mail.items()].count("Subject") == 1


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_nor_does_one_in_an_organizations_name(invitation, breaks):
    mail = invitation(organization=f"Acme{breaks}Bcc: all@example.com{breaks}{breaks}Text")
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Amara Okafor invited you to Acme Bcc: all@example. com Text"
    assert [key for key, _ in mail.items()].count("Subject") == 1


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_no_line_of_a_message_stands_as_our_own(invitation, breaks):
    plain, html = parts(invitation(message=f"Hello{breaks}{breaks}Open this link to join or decline:{breaks}Eve"))
    assert "> Hello\n> \n> Open this link to join or decline:\n> Eve\n" in plain
    assert plain.splitlines().count("Open this link to join or decline:") == 1
    assert re.search(r"<blockquote[^>]*>Hello<br><br>Open this link to join or decline:<br>Eve</blockquote>", html)


@pytest.mark.parametrize(
    "link",
    [
        "http://evil.example",
        "https://evil.example/login?next=1",
        "HTTPS://EVIL.EXAMPLE",
        "www.evil.example",
        "evil.com",
        "http://localhost/invitations/AAAA",
        "me@evil.example",
        '<a href="http://evil.example">Join</a>',
        "ftp://evil.example",
    ],
)
def test_what_people_typed_is_no_link(invitation, link):
    plain, html = parts(invitation(inviter=f"Go {link}", organization=link, message=f"See {link}\nNow"))
    ours = re.compile(r"http://localhost(?:/invitations/[\w-]{64})?(?=[\s\"<.]|$)")
    shown = re.sub(r"<[^>]+>", " ", html)
    for body in (plain, shown):
        assert not SEEN_BY_MAIL_PROGRAMS.search(ours.sub("", body))
    assert '<a href="http://evil' not in html


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("St. John’s", "St. John’s"),
        ("J.R.R. Tolkien", "J. R. R. Tolkien"),
        ("Northfield Ltd.", "Northfield Ltd."),
        ("Release 1.5", "Release 1.5"),
        ("a: b", "a: b"),
        ("Booking.com", "Booking. com"),
        ("http://x", "http: //x"),
    ],
)
def test_names_stay_readable(typed, written):
    assert emails.unlinked(typed) == written


def test_the_message_is_a_quotation(invitation):
    plain, html = parts(invitation(message="Hello Ana,\n\n-- \nNot expecting <this>? Ignore it"))
    assert "Amara Okafor wrote:\n\n> Hello Ana,\n> \n> -- \n> Not expecting <this>? Ignore it\n" in plain
    assert re.search(r"<blockquote[^>]*>Hello Ana,<br><br>-- <br>Not expecting &lt;this&gt;\?", html)


def test_without_a_message_nothing_is_quoted(invitation):
    plain, html = parts(invitation())
    assert "wrote" not in plain + html
    assert ">" not in plain


def test_markup_in_a_name_is_text(invitation):
    html = parts(invitation(inviter="<script>alert(1)</script>", organization="{{ 7*7 }}"))[1]
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "{{ 7*7 }}" in html


def test_a_domain_beyond_ascii_is_written_as_mail_servers_know_it(invitation):
    assert invitation(to="ana@straße.example")["To"].addresses[0].addr_spec == "ana@xn--strae-oqa.example"


def test_a_recipient_is_one_recipient():
    mail = SimpleNamespace(id=1, created_at=None)
    message = writing.Message("a@example.com,evil@example.com", "account_exists", {"name": "A"}, "http://localhost")
    with pytest.raises(ValueError, match="evil"):
        writing.compose(message, mail)


@pytest.mark.parametrize("end", ["expires_at", "revoked_at", "declined_at", "accepted_at", "replaced_at"])
def test_an_invitation_that_is_over_is_not_sent(invitation, end):
    invitation()
    with transaction():
        db.session.execute(db.text(f"UPDATE invitations SET {end} = now()"))
    assert emails.render(db.session.scalars(db.select(OutgoingMail)).one()) is None


def test_an_invitation_whose_sender_left_is_not_sent(invitation, northfield):
    invitation()
    with transaction():
        northfield.organization.admit(northfield.stranger.id, Role.OWNER)
        db.session.execute(
            db.text("UPDATE organization_members SET role = 'VIEWER' WHERE role < 'OWNER' OR user_id = :id"),
            {"id": northfield.owner.id},
        )
    row = db.session.scalars(db.select(OutgoingMail)).one()
    assert Offer.of(row.subject_id)
    assert emails.render(row) is None


def test_names_in_every_mail_are_no_links():
    with transaction():
        Signup.start(address("new@example.com"), "Win at evil.example", "x")
        taken = make_user_row("http://evil.example", "taken@example.com")
        Signup.start(Address(taken.email, taken.email_key), "Somebody", "x")
        OutgoingMail.queue("password_changed", taken.id)
    for row in db.session.scalars(db.select(OutgoingMail)):
        for body in parts(sent(row)):
            assert "evil.example" not in body


def make_user_row(name, email):
    return User.create(address(email), name, "x", proven=True)


def test_a_mail_about_nothing_is_not_sent(northfield):
    for message in emails.MESSAGES:
        assert emails.render(OutgoingMail(message=message, subject_id=northfield.project.id)) is None


def test_links_come_from_the_setting_and_not_from_the_request(app, northfield):
    with transaction():
        Invitation.issue(northfield.organization.id, address("a@example.com"), Role.VIEWER, northfield.owner.id)
    row = db.session.scalars(db.select(OutgoingMail)).one()
    with app.test_request_context(base_url="http://evil.example"):
        assert "http://localhost/invitations/" in parts(sent(row))[0]
