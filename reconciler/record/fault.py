"""The one way in which the record fails."""


class RecordError(Exception):
    """Local state is locked, full or unreadable. Nothing may be done to a cluster without it."""
