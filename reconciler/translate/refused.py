"""What was written and cannot be said to Aurora: the part of a problem that knows no place."""


class RefusedError(ValueError):
    """What is wrong is the message; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
