"""Writing new invitations with their mail: one statement, however many there are."""

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import text

from models.base import direct
from models.text import Address

_ISSUE = text("""
    WITH issued AS (
        INSERT INTO invitations
            (organization_id, project_id, email, email_key, role, message, nonce, invited_by, expires_at)
        SELECT :organization_id, CAST(:project_id AS uuid), email, email_key, CAST(:role AS role), :message, nonce,
               :invited_by, now() + :life
        FROM unnest(CAST(:emails AS text[]), CAST(:keys AS text[]), CAST(:nonces AS bytea[]))
             AS a (email, email_key, nonce)
        ON CONFLICT DO NOTHING
        RETURNING id, email_key
    ), queued AS (
        INSERT INTO outgoing_mail (message, organization_id, subject_id)
        SELECT 'invitation', :organization_id, id FROM issued
    )
    SELECT id, email_key FROM issued
""")


def issue(addresses: list[Address], terms: dict[str, Any]) -> dict[str, UUID]:
    """Write those that no other invitation is in the way of; inside a transaction.

    Args:
        addresses: whom to invite.
        terms: what is the same for all: organization_id, project_id, role, message, invited_by and life.

    Returns:
        The keys of the invitations, by their addresses' keys.
    """
    each = {
        "emails": [address.typed for address in addresses],
        "keys": [address.key for address in addresses],
        "nonces": [secrets.token_bytes(32) for _ in addresses],
    }
    return {email_key: id for id, email_key in direct(_ISSUE, {**terms, **each})}
