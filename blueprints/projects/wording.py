"""What is said before and after a change of a project, or of somebody's role on one."""

from datetime import datetime

from access import Access, Pause, Shift
from blueprints.presentation import counted, plural
from blueprints.receipts import receipt
from models import Role
from models.project import Deleted


def shifts(shift: Shift) -> str:
    """Say whom it would concern if the other choice were made of who can use a project."""
    said = [
        ("loses access", "lose access", shift.lost),
        ("can do less", "can do less", shift.lowered),
        ("gets access", "get access", shift.gained),
    ]
    parts = [
        f"{counted(people, 'person', 'people')} {one if people.number == 1 else many}."
        for one, many, people in said
        if people.number
    ]
    return " ".join(parts) or "Nobody gets or loses access."


def was_saved(name: str, at: datetime | None = None, shift: Shift | None = None) -> str:
    """Say that a project was saved and, where who can use it changed, for how many."""
    if at is None or shift is None:
        return f"{name} was saved."
    said = receipt(f"{name} was saved", at, (shift.lost.number, "person’s access", "people’s access"))
    others = (shift.lowered.number, "can do less"), (shift.gained.number, "can use it from now on")
    return said + "".join(f" {plural(number, 'person', 'people')} {what}." for number, what in others if number)


def was_archived(name: str, at: datetime | None, pause: Pause) -> str:
    """Say what archiving a project stopped; without a time, somebody else had done it."""
    if at is None:
        return f"{name} is archived already. It can be restored."
    people, invitations = pause.people.number, pause.invitations.number
    stopped = [f"{plural(people, 'person', 'people')} cannot change it"] * bool(people)
    stopped += [f"{plural(invitations, 'invitation')} to it cannot be accepted"] * bool(invitations)
    until = f" Until it is restored, {' and '.join(stopped)}." if stopped else ""
    return receipt(f"{name} was archived", at) + until


def was_restored(name: str, at: datetime | None) -> str:
    """Say that a project is in use again; without a time, it was all along."""
    return receipt(f"{name} was restored", at) if at else f"{name} is in use already."


def was_deleted(name: str, deleted: Deleted) -> str:
    """Say what ended with a project."""
    invitations = deleted.invitations, "invitation to it", "invitations to it"
    return receipt(f"{name} was deleted", deleted.at, (deleted.roles, "project role"), invitations)


def lowers(person: Access, after: Role | None, *, you: bool) -> str:
    """Say what a choice would take from somebody on a project; nothing where it takes nothing.

    Args:
        person: as they are.
        after: their effective role then.
        you: whether it is oneself.
    """
    if person.effective is None or (after is not None and after >= person.effective):
        return ""
    who = "You" if you else person.user.name
    last = " You will not be able to change it back." if you else ""
    if after is None:
        return f"{who} can no longer use this project.{last}"
    if you:
        return f"You are about to lower your own role to {after.label}.{last}"
    return f"{who} can do less here: {after.label} instead of {person.effective.label}."


def role_set(project: str, organization: str, before: Access, now: Access | None, at: datetime | None) -> str:
    """Say what came of setting somebody's role on a project, or of taking it away.

    Args:
        project: its name.
        organization: its name.
        before: the person as they were.
        now: as they are; None for whoever has left the project altogether.
        at: when; None where it was so already.
    """
    name = before.user.name
    if at is None:
        return _already(project, name, now)
    if now is None or now.effective is None:
        return receipt(f"{name} lost access to {project}", at)
    verb = "is still" if now.effective is before.effective else "became"
    did = f"{name} {verb} {now.effective.article} on {project}"
    return receipt(did if now.decides_here else f"{did} by the role in {organization}", at)


def _already(project: str, name: str, now: Access | None) -> str:
    if now is None or now.row is None:
        return f"What was set for {name} on {project} was already removed."
    role = f" {now.set_here.article}" if now.set_here else " with the organization role"
    return f"{name} is already{role} on {project}."
