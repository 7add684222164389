"""A scheduler that does not lead: it has no storage, and says so to whoever insists."""

from collections.abc import Mapping
from typing import Any

from reconciler.standin.aurora import Aurora
from reconciler.standin.web import Answer, error_page
from reconciler.thrift.structs import Response, ResponseCode

NOT_READY = "Storage is not READY"
WITHOUT_STORAGE = frozenset({"populateJobConfig", "getTierConfigs"})
FROM_STORAGE = frozenset({"/agents", "/slaves", "/quotas"})


class Follower(Aurora):
    """An Aurora that answers what needs no storage."""

    def call(self, method: str, args: Mapping[str, Any], user: str) -> Response:
        if method in WITHOUT_STORAGE:
            return super().call(method, args, user)
        return self._response(ResponseCode.ERROR_TRANSIENT, NOT_READY, None, refused=True)

    def page(self, path: str, query: Mapping[str, str]) -> Answer | None:
        if path in FROM_STORAGE:
            return error_page(500, NOT_READY)
        return super().page(path, query)
