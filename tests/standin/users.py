"""The users of the recordings."""

from reconciler.standin.auth import JOBS, Users

# Of the example that Aurora's own tests and its local mode use.
EXAMPLE_USERS = Users(
    passwords={"root": "secret", "wfarner": "password", "ksweeney": "12345"},
    roles={"root": ("admin",), "wfarner": ("eng",)},
    permissions={"admin": ("*",), "eng": (f"{JOBS}:*",)},
)
