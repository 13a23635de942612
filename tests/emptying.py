"""An empty database again, quickly."""

from models import db


def empty() -> str:
    """The statement that deletes every row, for the tables' owner.

    Not TRUNCATE: it makes new files for every table and index, and takes thirty times as long. The audit log's triggers
    refuse to forget anything, so they rest meanwhile.
    """
    deletes = " ".join(f"DELETE FROM {table.name};" for table in reversed(db.metadata.sorted_tables))
    log = "ALTER TABLE audit_events {} TRIGGER USER;"
    return f"DO $$ BEGIN {log.format('DISABLE')} {deletes} {log.format('ENABLE')} END $$"


def keep_directory(verb: str) -> str:
    """The statement that lets the directory's triggers rest ("DISABLE"), or work again ("ENABLE").

    They make two changes of members wait for each other, which a control that takes other locks away must not see.
    """
    names = (
        "list_members",
        "list_role",
        "count_members_insert",
        "count_members_update",
        "count_members_delete",
        "know_people",
    )
    return "ALTER TABLE organization_members " + ", ".join(f"{verb} TRIGGER {name}" for name in names)
