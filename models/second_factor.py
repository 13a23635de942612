"""The second step of logging in: an authenticator app, and recovery codes for the day that it is lost.

What is stored is sealed with a key outside of the database: a dump of it makes no code.
"""

import hashlib
import hmac
import secrets
from base64 import b32encode
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import pyotp
from sqlalchemy import BigInteger, ColumnElement, ForeignKey, delete, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from models import audit
from models.audit.actions import (
    RECOVERY_CODE_USED,
    RECOVERY_CODES_RENEWED,
    TWO_STEP_OFF,
    TWO_STEP_ON,
    Action,
)
from models.base import Base, db
from models.known_browser import KnownBrowser
from models.outgoing_mail import OutgoingMail
from models.sealed import seal, unseal
from models.user import User

SECRET_BYTES = 20  # the 160 bits of RFC 4226, section 4
STEP = 30  # seconds that a code of an app counts (RFC 6238); the one before and the one after are taken too
CODES = 10
CODE_LENGTH = 10  # letters of a recovery code in base 32: 50 bits, far beyond what may be tried
SHOWN_FOR = timedelta(minutes=10)  # new recovery codes, unless they are said to be saved before
SEALED = "second factor"


class SecondFactor(Base):
    """One person's authenticator app and recovery codes. Each code works once, however many send it at once."""

    __tablename__ = "second_factors"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    secret: Mapped[bytes]  # sealed
    last_step: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # of the last code that was taken
    recovery: Mapped[bytes]  # sealed; the codes are made from it
    recovery_used: Mapped[int] = mapped_column(server_default=text("0"))  # a bit for each code
    recovery_shown_until: Mapped[datetime | None]

    @classmethod
    def of(cls, user_id: UUID) -> Self | None:
        """Return a person's, if two-step verification is on."""
        return db.session.get(cls, user_id, populate_existing=True)

    @classmethod
    def set_up(cls, user: User, secret: bytes, code: str) -> bool:
        """Turn two-step verification on, with an app that shows the right code.

        Args:
            user: whose.
            secret: what the app was given, by new_secret().
            code: what it shows.

        Returns:
            False if the code is not right. True also if it was turned on meanwhile: that one stays.
        """
        db.session.refresh(user, with_for_update=True)
        if user.second_factor_at is not None:
            return True
        step = _step(secret, code)
        if step is None:
            return False
        made = cls(user_id=user.id, last_step=step, secret=seal(SEALED, secret), recovery=_new_recovery())
        made.recovery_shown_until = func.now() + SHOWN_FOR
        db.session.add(made)
        user.second_factor_at = func.now()
        _note(user, TWO_STEP_ON, "two_step_on")
        return True

    @classmethod
    def turn_off(cls, user: User) -> None:
        """Turn it off, for the person or, by a command of the host, for somebody who lost everything. Twice is once."""
        db.session.refresh(user, with_for_update=True)
        cls.forget(user.id)
        if user.second_factor_at is not None:
            user.second_factor_at = None
            _note(user, TWO_STEP_OFF, "two_step_off")

    @classmethod
    def forget(cls, user_id: UUID) -> None:
        """Delete what there is, and let no browser stand for it any more."""
        db.session.execute(delete(cls).where(cls.user_id == user_id))
        KnownBrowser.remember_none(user_id)

    def spend(self, code: str) -> bool:
        """Take a code of the app, or a recovery code. True for exactly one caller, however many send the same.

        What is sealed is sealed anew with today's key, so that the previous one can be put away.
        """
        step = _step(self._secret, code)
        if step is not None:
            return self._spent(SecondFactor.last_step < step, last_step=step)
        written = code.replace("-", "").replace(" ", "").lower()
        number = next((n for n, one in enumerate(self._codes()) if hmac.compare_digest(one, written.encode())), None)
        if number is None:
            return False
        bit = SecondFactor.recovery_used.op("&")(1 << number) == 0
        if not self._spent(bit, recovery_used=SecondFactor.recovery_used.op("|")(1 << number)):
            return False
        _note(db.session.get_one(User, self.user_id), RECOVERY_CODE_USED, "recovery_code_used")
        return True

    def renew_recovery_codes(self) -> None:
        """Make new recovery codes, to be shown for a while; the earlier ones stop working."""
        self.recovery, self.recovery_used = _new_recovery(), 0
        self.recovery_shown_until = func.now() + SHOWN_FOR
        audit.note(RECOVERY_CODES_RENEWED, user_id=self.user_id, subject=self.user_id)

    @property
    def recovery_codes(self) -> list[str]:
        """The codes as a person writes them: two groups of five letters and digits."""
        return [f"{code[:5]}-{code[5:]}" for code in (raw.decode() for raw in self._codes())]

    @property
    def recovery_codes_left(self) -> int:
        """How many were not used."""
        return CODES - self.recovery_used.bit_count()

    @property
    def shows_codes(self) -> bool:
        """True while the codes are new and were not said to be saved, by the database's clock."""
        if self.recovery_shown_until is None:
            return False
        return self.recovery_shown_until > db.session.scalars(select(func.clock_timestamp())).one()

    @property
    def _secret(self) -> bytes:
        return unseal(SEALED, self.secret) or secrets.token_bytes(SECRET_BYTES)  # of a lost key: no code is right

    def _codes(self) -> list[bytes]:
        nonce = unseal(SEALED, self.recovery) or secrets.token_bytes(SECRET_BYTES)
        made = (hmac.digest(nonce, bytes([n]), hashlib.sha256) for n in range(CODES))
        return [b32encode(one)[:CODE_LENGTH].lower() for one in made]

    def _spent(self, unspent: ColumnElement[bool], **values: object) -> bool:
        """Write that a code was used; only over what it was made from, which may be another app's by now."""
        nonce = unseal(SEALED, self.recovery)
        sealed = {"secret": seal(SEALED, self._secret), "recovery": seal(SEALED, nonce) if nonce else self.recovery}
        mine = SecondFactor.user_id == self.user_id
        same = SecondFactor.secret == self.secret, SecondFactor.recovery == self.recovery
        spent = (
            update(SecondFactor).where(mine, *same, unspent).values(**values, **sealed).returning(SecondFactor.user_id)
        )
        return db.session.scalar(spent) is not None


def new_secret() -> bytes:
    """Return what an app is to be given."""
    return secrets.token_bytes(SECRET_BYTES)


def app_address(secret: bytes, email: str) -> str:
    """Return the otpauth address that an app reads from a QR code.

    Args:
        secret: by new_secret().
        email: names the account in the app.
    """
    return _totp(secret).provisioning_uri(name=email, issuer_name="Freehold")


def written(secret: bytes) -> str:
    """Return the secret as a person types it into an app: groups of four letters and digits."""
    plain = b32encode(secret).decode()
    return " ".join(plain[n : n + 4] for n in range(0, len(plain), 4))


def _new_recovery() -> bytes:
    return seal(SEALED, secrets.token_bytes(32))


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(b32encode(secret).decode(), interval=STEP)


def _step(secret: bytes, code: str) -> int | None:
    """Return the time step whose code this is, by the database's clock; None if it is no code of about now."""
    now = db.session.scalars(select(func.extract("epoch", func.clock_timestamp()))).one()
    typed, app, step = code.replace(" ", "").encode("utf-8", "replace"), _totp(secret), int(now) // STEP
    right = [n for n in (step - 1, step, step + 1) if hmac.compare_digest(app.generate_otp(n).encode(), typed)]
    return max(right, default=None)


def _note(user: User, action: Action, mail: str) -> None:
    audit.proven(user.id)
    audit.note(action, user_id=user.id, subject=user.id)
    OutgoingMail.queue(mail, user.id)
