"""`flask mail deliver`."""

from models import OutgoingMail, transaction


def test_mail_is_delivered_by_command(app, northfield, query):
    with northfield.inside(app), transaction():
        OutgoingMail.queue("password_changed", northfield.viewer.id)
    said = app.test_cli_runner().invoke(args=["mail", "deliver", "--once"])
    assert said.output == "1 mails were looked at.\n"
    assert query("SELECT state, attempts FROM outgoing_mail") == [("sent", 1)]
