"""How answers look: JSON, and errors in the form that clients of this API read."""

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.responses import Response

from core.errors import AppError, InputError, NotFoundError, StateError, StorageError

_STATUS_OF_ERROR: tuple[tuple[type[AppError], int], ...] = (
    (InputError, 400),
    (NotFoundError, 404),
    (StateError, 409),
    (StorageError, 507),  # not 500: clients of this API repeat a call for five minutes after a 500
)


def json_response(value: object, status: int = 200) -> Response:
    """Return JSON."""
    return Response(to_json(value, inf_nan_mode="null"), status, media_type="application/json")


def problem(status: int, message: str, hint: str = "") -> Response:
    """Return an error."""
    return json_response({"error": message, "details": {"message": message, "hint": hint}}, status)


def error_response(error: AppError) -> Response:
    """Return an error of ours."""
    status = next((code for kind, code in _STATUS_OF_ERROR if isinstance(error, kind)), 400)
    return problem(status, error.message, error.hint)


def invalid_body(name: str, error: ValidationError) -> InputError:
    """Return the error for a body that does not have the method's shape; it names the field."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return InputError(f"{name}: the field {field!r} is not valid: {first['msg']}.", "Correct the request.")
