"""Finding image files that annotations name, whatever folder they lie in."""

from pathlib import Path, PurePosixPath

from core.datasets.reading import is_image


class ImageSearch:
    """Finds images inside a folder and nowhere else.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str, *, near: Path, dataset: str) -> Path | None:
        """Return the file that an annotation means.

        Args:
            name: Path or name as written there; with either kind of slash.
            near: Folder of the annotation file.
            dataset: Name of the dataset, often that of the images' folder.

        Returns:
            The file; ``None`` if there is none or several that could be meant.
        """
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in (".", "/")]
        if not parts or ".." in parts:
            return None
        relative = Path(*parts)
        root = self._root
        bases = [near, near / "images", root, root / "images", root / dataset, root / "images" / dataset, root / "data"]
        for base in bases:
            path = base / relative
            if path.is_file() and path.resolve().is_relative_to(root):
                return path
        named = self._index().get(parts[-1], [])
        return named[0] if len(named) == 1 else None

    def _index(self) -> dict[str, list[Path]]:
        if self._by_name is None:
            self._by_name = {}
            for path in self._root.rglob("*"):
                if is_image(path.name) and path.is_file() and path.resolve().is_relative_to(self._root):
                    self._by_name.setdefault(path.name, []).append(path)
        return self._by_name
