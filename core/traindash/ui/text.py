"""Names and messages as data: what comes from a server or a person is never read as Markdown."""

_SPECIAL = frozenset("\\`*_{}[]()#+-.!|<>~:$&")


def plain(text: str) -> str:
    """Return Markdown that shows exactly this text."""
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in text)
