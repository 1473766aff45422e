"""What can go wrong between this client and a server, by kind.

AppError
└── ApiError
    ├── ConnectionFailedError   no connection: refused, name unknown, broken off
    ├── RequestTimeoutError     no answer in time
    ├── UnauthorizedError       401: the token is missing or wrong
    ├── ForbiddenError          403: the token may not do this
    ├── MissingError            404: also a NotFoundError
    ├── RejectedError           400, 422 and other refusals of what was asked: also an InputError
    ├── RateLimitedError        429
    ├── ServerFailedError       5xx
    └── ContractError           an answer whose form is not the documented one; names method and field

Each knows the API method and the status, and tells them apart from its message. The server's own words
(``details.message``, contract section 1.1) are part of the message; the API token never is.
"""

from core.errors import AppError, InputError, NotFoundError


class ApiError(AppError):
    """Base of everything that can fail on the way to a server and back.

    Args:
        message: What happened; one sentence.
        hint: The next step.
        method: API method that was called, e.g. ``tasks.info``.
        status: HTTP status, ``None`` when there was no answer.

    Attributes:
        retry_after: Seconds that the server wants to be left alone, ``None`` where it does not say.
    """

    retry_after: float | None = None

    def __init__(self, message: str, hint: str = "", *, method: str = "", status: int | None = None) -> None:
        super().__init__(message, hint)
        self.method = method
        self.status = status

    @property
    def details(self) -> str:
        """Method and status, for whoever looks into it; messages for people leave them out."""
        status = "" if self.status is None else f"status {self.status}"
        return ", ".join(part for part in (self.method, status) if part)


class ConnectionFailedError(ApiError):
    """The server could not be reached, or it closed the connection before it answered.

    Args:
        sent: Whether the request may have reached the server. ``False`` means that it certainly did nothing.
    """

    def __init__(self, message: str, hint: str = "", *, method: str = "", sent: bool = True) -> None:
        super().__init__(message, hint, method=method)
        self.sent = sent


class RequestTimeoutError(ApiError):
    """The server did not answer in time. It may have done what was asked."""


class UnauthorizedError(ApiError):
    """The server does not know the token."""


class ForbiddenError(ApiError):
    """The token's owner may not do this."""


class MissingError(ApiError, NotFoundError):
    """The server does not have what was asked for."""


class RejectedError(ApiError, InputError):
    """The server refuses what was asked, and says why."""


class RateLimitedError(ApiError):
    """Too many requests."""


class ServerFailedError(ApiError):
    """The server failed by its own fault."""


class ContractError(ApiError):
    """The answer does not have the documented form.

    Args:
        field: Path of the first field that does not fit, e.g. ``entities.0.id``.
    """

    def __init__(self, message: str, hint: str = "", *, method: str = "", field: str = "") -> None:
        super().__init__(message, hint, method=method)
        self.field = field
