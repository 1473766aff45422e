"""When to ask again, and after how long. Pure: the caller sleeps."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from core.api.error_mapping import is_passing
from core.api.errors import ApiError, ConnectionFailedError

_TRIES_TO_REACH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential waiting with jitter; a server's ``Retry-After`` wins when it is longer.

    Attributes:
        attempts: Tries in all, at least 1.
        first_seconds: Longest wait before the second try; it doubles with each further one.
        longest_seconds: No wait is longer. A ``Retry-After`` above it ends the trying: the person decides.
        draw: Gives numbers from 0 up to 1; stands in for chance in tests.
    """

    attempts: int = 4
    first_seconds: float = 0.5
    longest_seconds: float = 20.0
    draw: Callable[[], float] = field(default=random.random)

    def wait_before(self, attempt: int, retry_after: float | None = None) -> float | None:
        """Return the seconds to wait before a try, ``None`` if there shall be no further one.

        Args:
            attempt: Number of the next try, 2 for the first repetition.
            retry_after: What the server asked for, in seconds.
        """
        if attempt > self.attempts:
            return None
        longest: float = min(self.first_seconds * 2 ** (attempt - 2), self.longest_seconds)
        # Half of it is fixed, so that a burst of clients spreads out and still leaves the server time.
        wait = longest * (0.5 + 0.5 * self.draw())
        if retry_after is None:
            return wait
        return None if retry_after > self.longest_seconds else max(wait, retry_after)


NO_RETRY = RetryPolicy(attempts=1)
"""For everything that changes something on the server."""


def may_pass(error: ApiError, attempt: int) -> bool:
    """Whether a further try makes sense. A server that nobody can reach is asked once more, then the person decides.

    Args:
        error: What happened.
        attempt: Number of the next try, 2 for the first repetition.
    """
    unreachable = isinstance(error, ConnectionFailedError) and not error.sent
    return is_passing(error) and not (unreachable and attempt > _TRIES_TO_REACH)
