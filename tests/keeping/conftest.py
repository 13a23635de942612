"""What the tests of the host's commands share."""

from base64 import b32encode

import pyotp
import pytest

from models import SecondFactor, User, db, transaction
from models.second_factor import STEP, new_secret


@pytest.fixture
def flask(app):
    """flask("users", "find", "hana", app=other, typed="y\\n") -> the command's exit code and what it said."""

    def run(*arguments, app=app, typed=None):
        answer = app.test_cli_runner().invoke(args=arguments, input=typed)
        if answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception  # a traceback, which no command may answer with
        return answer.exit_code, answer.output

    return run


@pytest.fixture
def two_step(app):
    """two_step(user) -> turns two-step verification on, with an app whose key nobody keeps."""

    def turn_on(user):
        secret = new_secret()
        with app.app_context():
            seconds = db.session.scalars(db.select(db.func.extract("epoch", db.func.clock_timestamp()))).one()
            code = pyotp.TOTP(b32encode(secret).decode()).generate_otp(int(seconds) // STEP)
            with transaction():
                assert SecondFactor.set_up(db.session.get_one(User, user.id), secret, code)

    return turn_on
