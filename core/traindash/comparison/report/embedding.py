"""Pictures inside a page: nothing is fetched when it is opened."""

from base64 import b64encode


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG as the address of an image."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
