"""The audit log: what happened, who did it, and the proof that nothing of it was changed since.

Verbs say audit.note(…); models.audit.actions has the table of what can be noted.
"""

from models.audit.log import LOG_IN, STRANGER, Asking, Facts, asking, begin, bury, count_refusal, note, proven

__all__ = ["LOG_IN", "STRANGER", "Asking", "Facts", "asking", "begin", "bury", "count_refusal", "note", "proven"]
