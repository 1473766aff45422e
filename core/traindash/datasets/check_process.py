"""A process beside an import that checks image files; :mod:`traindash.datasets.image_checks` starts it.

Without an argument it only checks; with one it returns hashes, too, and if that is no empty text, copies the files into
the folder of that name. It runs until its input ends.
"""

import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import msgspec

from traindash.datasets.image_checks import CheckAnswer
from traindash.datasets.image_files import Contents, check_unless_huge
from traindash.errors import InputError

_LONGEST = 500  # characters of a message; see what `image_checks` says of pipes


def main(arguments: Sequence[str]) -> None:
    """CheckAnswer lines of the input."""
    contents = Contents(copies=Path(arguments[0]) if arguments[0] else None) if arguments else None
    warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of large images that are fine
    for line in sys.stdin.buffer:
        answers = [_answer(path, contents) for path in json.loads(line)]
        sys.stdout.buffer.write(msgspec.json.encode(answers) + b"\n")
        sys.stdout.buffer.flush()


def _answer(path: str, contents: Contents | None) -> CheckAnswer:
    try:
        # Of the huge ones a single one may be in memory, and who asked sees to that.
        return CheckAnswer(image=check_unless_huge(path, contents))
    except MemoryError:
        return CheckAnswer()
    except InputError as error:
        return CheckAnswer(message=error.message[:_LONGEST], hint=error.hint[:_LONGEST])


if __name__ == "__main__":
    main(sys.argv[1:])
