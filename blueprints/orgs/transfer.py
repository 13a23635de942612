"""Offering ownership of an organization to a member; and what people may do about an offer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import abort, g, request, url_for
from sqlalchemy import Row, Subquery, and_

import access
from blueprints.fragments import leave, respond
from blueprints.gate import requires
from blueprints.once import once
from blueprints.orgs import listing
from blueprints.orgs.directory import FEW, says
from blueprints.orgs.forms import PeopleSearch, TransferForm
from blueprints.orgs.settings import bp
from blueprints.paging import Keys, Page, searched
from blueprints.proof import proves
from models import (
    AlreadyOffered,
    Listed,
    NoNominee,
    OfferOver,
    OrganizationMember,
    OwnershipOffer,
    User,
    db,
    tenant,
    transaction,
)
from models.ownership import nominees

_LISTED = and_(
    Listed.organization_id == OrganizationMember.organization_id, Listed.user_id == OrganizationMember.user_id
)


@bp.route("/transfer", methods=["GET", "POST"])
@requires(access.OWN_ORGANIZATION)
def transfer() -> Any:
    """Choose a member, then one's own role afterwards, and offer ownership. Nothing changes until they accept."""
    form = TransferForm()
    nominee = _nominee(form.member.data or "")
    if nominee is None:
        return _choose(form)
    if form.accepted() and _offered(form, nominee):
        return leave(url_for(".index"), f"{nominee.name} was asked to become an Owner of {g.org.name}.")
    status = 422 if form.errors else 200
    return respond("orgs/transfer.html", "orgs/_transfer.html", status, form=form, nominee=nominee)


@bp.post("/transfer/cancel")
@requires(access.OWN_ORGANIZATION)
def cancel_transfer() -> Any:
    """Take an offer back: who made it, or any other Owner."""
    offer = _shown() or abort(404)
    with _while_open():
        once(to := url_for(".index"))
        access.confirm(g.actor, access.OWN_ORGANIZATION)
        offer.cancel()
    return leave(to, f"The offer of ownership of {g.org.name} was cancelled.")


def offered_to_me() -> OwnershipOffer:
    """Find the offer that was made to the viewer, whatever became of it; to everybody else there is none."""
    offer = _shown()
    return offer if offer and offer.nominee_id == g.actor.user_id else abort(404)


@bp.post("/transfer/accept")
@requires(access.SEE_ORGANIZATION, on=offered_to_me)
def accept_transfer(offer: OwnershipOffer) -> Any:
    """Become an Owner."""
    with _while_open():
        once(to := url_for("orgs.home"))
        offer.accept()
    return leave(to, f"You are now an Owner of {g.org.name}.")


@bp.post("/transfer/decline")
@requires(access.SEE_ORGANIZATION, on=offered_to_me)
def decline_transfer(offer: OwnershipOffer) -> Any:
    """Say no."""
    with _while_open():
        once(to := url_for("orgs.home"))
        offer.decline()
    return leave(to, f"You declined to become an Owner of {g.org.name}.")


@contextmanager
def _while_open() -> Iterator[None]:
    """A transaction that ends an offer: 410 where that came to its end before."""
    try:
        with transaction():
            yield
    except OfferOver:
        abort(410)


def _shown() -> OwnershipOffer | None:
    """Return the latest offer here, unless the button that was pressed speaks of another one."""
    offer, shown = OwnershipOffer.latest(g.org.id), request.form.get("offer")
    return offer if offer and shown in (None, str(offer.id)) else None


def _offered(form: TransferForm, nominee: Row[Any]) -> bool:
    """Make the offer, by a fresh proof; what stands against it is told in the form."""
    if not proves(form):
        return False
    try:
        with transaction():
            once(url_for(".index"))
            access.confirm(g.actor, access.OWN_ORGANIZATION)
            OwnershipOffer.offer(g.org.id, nominee.id, form.role.role, g.actor.user_id)
    except (AlreadyOffered, NoNominee) as refusal:
        form.refuse(refusal.field, str(refusal))
    return not form.errors


def _choose(form: TransferForm) -> Any:
    """Show the members to choose from or, while an offer is open, that one."""
    if request.method == "POST":
        form.refuse("member", str(NoNominee()))
    q, offer = searched(), OwnershipOffer.waiting_in(g.org.id)
    found = Page([], 1, 0) if offer else _members(q)
    return listing.beyond(found, ".transfer", q=q or None) or respond(
        "orgs/nominees.html",
        "orgs/_nominees.html",
        422 if form.errors else 200,
        form=form,
        offer=offer,
        found=found,
        q=q,
        search=PeopleSearch(request.args) if q or found.total > FEW else None,
    )


def _members(q: str) -> Page:
    """Read a page of those to whom ownership can be offered."""
    rows = nominees(g.org.id).join(Listed, _LISTED).with_only_columns(OrganizationMember.id, Listed.search_text)
    rows = rows.where(says(q, Listed.search_text)) if q else rows
    keys = Keys(rows, lambda columns: [columns.search_text, columns.id], _page)
    number = listing.page_number(request.args.get("page", ""))
    with tenant.planned_anew():
        return listing.statement(keys).read(number)[0]


def _page(keys: Subquery) -> Any:
    return _lines().join(keys, keys.c.id == OrganizationMember.id).add_columns(keys.c.search_text)


def _nominee(member_id: str) -> Row[Any] | None:
    try:
        chosen = OrganizationMember.id == UUID(member_id)
    except ValueError:
        return None
    return db.session.execute(_lines().where(chosen)).one_or_none()


def _lines() -> Any:
    columns = User.id.label("user_id"), User.name, User.email
    return nominees(g.org.id).with_only_columns(OrganizationMember.id, OrganizationMember.role, *columns)
