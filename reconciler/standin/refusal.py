"""How a call ends that is not answered with OK: raised anywhere below the RPCs, told once."""

from reconciler.thrift.structs import ResponseCode, Result


class Refusal(Exception):  # noqa: N818 - it is Aurora's answer, not a fault of ours
    """Aurora's words for a call that it refuses; None where it answers without any.

    `result` is what goes out beside the words, as with an update that another one blocks.
    """

    def __init__(
        self,
        message: str | None,
        code: ResponseCode = ResponseCode.INVALID_REQUEST,
        result: Result | None = None,
    ) -> None:
        super().__init__(message or code.name)
        self.message = message
        self.code = code
        self.result = result


class Unwritable(Exception):  # noqa: N818 - it is Aurora's fault, and imitated
    """The words in which Aurora fails when its answer is being written down already.

    The caller gets no answer at all, but an error of HTTP.
    """
