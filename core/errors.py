"""One tree of errors that people see.

AppError
├── InputError            something a person gave is not usable
├── NotFoundError         a named thing does not exist
├── StateError            the thing exists but cannot do this now
├── StorageError          disk, database, permissions
└── core.api.errors.ApiError and its kinds (connection, 401, 404, …)

Each carries what happened and the next step. They are raised where the cause is known and caught at two edges only:
``core/ui/errors.py`` (screen text) and the platform's exception handler (``{"error", "details": {"message"}}``).
"""


class AppError(Exception):
    """Base of all errors whose text is meant for a person.

    Args:
        message: What happened, to what; one sentence without codes or blame.
        hint: The next step; empty when there is none.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return message and hint as one text."""
        return f"{self.message} {self.hint}".strip()


class InputError(AppError):
    """A value, file or plan that a person gave cannot be used."""


class NotFoundError(AppError):
    """A thing named by id, name or path does not exist."""


class StateError(AppError):
    """The thing exists but is in a state that does not allow this."""


class StorageError(AppError):
    """The data directory, its database or the disk does not work."""
