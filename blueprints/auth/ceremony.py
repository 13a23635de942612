"""What a passkey is asked, and whether its answer is right (WebAuthn level 3).

A challenge is ours by an HMAC, for one purpose, one browser and one hour, and is taken once: nothing is stored before
it comes back.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from blueprints.csrf import csrf_token
from config import CHALLENGE_LIFE, settings
from models import Passkey, User, limits, transaction
from models.rate_limit import Refused, take_all

T = TypeVar("T")
LOG_IN, ADD = "log in", "add"
LONGEST = 10_000  # characters of an answer; that of an RSA key with its certificate has two thousand
_NONCE, _TIME = 16, 8  # bytes


def to_log_in() -> str | None:
    """Return what a device is asked to prove, as JSON for the browser; None where there are no passkeys."""
    domain = settings().passkey_domain
    if domain is None:
        return None
    needs = UserVerificationRequirement.REQUIRED  # it takes a finger, a face or a PIN: two factors in one
    return options_to_json(
        generate_authentication_options(rp_id=domain, challenge=_challenge(LOG_IN), user_verification=needs)
    )


def to_add(user: User, known: list[Passkey]) -> str:
    """Return what a device is asked to make, as JSON for the browser."""
    options = generate_registration_options(
        rp_id=settings().passkey_domain or "",
        rp_name="Freehold",
        user_id=user.id.bytes,
        user_name=user.email,
        user_display_name=user.name,
        challenge=_challenge(ADD),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
    )
    return options_to_json(options)


def proven(answer: str) -> User | None:
    """Return whose passkey answered, and note its use; None if the answer is not right. It is taken once."""
    credential = _read(parse_authentication_credential_json, answer)
    found = Passkey.find(credential.raw_id) if credential and _taken(credential, LOG_IN) else None
    if found is None:
        return None
    key, user = found
    verified = _unless_unfit(
        verify_authentication_response,
        credential=credential,
        credential_public_key=key.public_key,
        credential_current_sign_count=key.sign_count,
        **_expected(credential),
    )
    if verified is None:
        return None
    with transaction():
        used = key.use(verified.new_sign_count)
    return user if used else None


def made(answer: str) -> VerifiedRegistration | None:
    """Return the public key that a device made; None if the answer is not right. It is taken once."""
    credential = _read(parse_registration_credential_json, answer)
    if credential is None or not _taken(credential, ADD):
        return None
    return _unless_unfit(verify_registration_response, credential=credential, **_expected(credential))


def _read(parse: Callable[..., T], answer: str) -> T | None:
    fits = settings().passkey_domain is not None and len(answer) <= LONGEST
    return _unless_unfit(parse, answer) if fits else None


def _unless_unfit(judge: Callable[..., T], *args: Any, **given: Any) -> T | None:
    """Return what the library says; None where it says no, in whatever way: a stranger chose what it reads."""
    try:
        return judge(*args, **given)
    except Exception:
        return None


def _expected(credential: Any) -> dict[str, Any]:
    return {
        "expected_challenge": _challenge_in(credential),
        "expected_rp_id": settings().passkey_domain,
        "expected_origin": settings().base_url,
        "require_user_verification": True,
    }


def _challenge(purpose: str) -> bytes:
    head = secrets.token_bytes(_NONCE) + int(time.time()).to_bytes(_TIME)
    return head + _mac(purpose, head)


def _challenge_in(credential: Any) -> bytes:
    said = _unless_unfit(parse_client_data_json, credential.response.client_data_json)
    return said.challenge if said else b""


def _taken(credential: Any, purpose: str) -> bool:
    """Tell whether the challenge was ours, is young enough, and was not taken before."""
    challenge = _challenge_in(credential)
    head, mac = challenge[: _NONCE + _TIME], challenge[_NONCE + _TIME :]
    too_old = int.from_bytes(head[_NONCE:]) + CHALLENGE_LIFE.total_seconds() <= time.time()
    if too_old or not hmac.compare_digest(mac, _mac(purpose, head)):
        return False
    tries = [limits.answering(challenge), *limits.trying_passkey(request.remote_addr)]
    return not isinstance(take_all(tries), Refused)


def _mac(purpose: str, head: bytes) -> bytes:
    key = settings().keys("passkey challenge")[0]
    return hmac.digest(key, f"{purpose}:{csrf_token()}:".encode() + head, hashlib.sha256)
