"""Models that look at images, on the embedded platform only: methods ``traindash.predictions.…``.

On a Supervisely server a model is deployed as an app before it predicts; that server answers that it has none of these.
"""

from collections.abc import Sequence
from io import BytesIO

import msgspec

from traindash.domain.ids import ImageId
from traindash.domain.prediction import LEAST_CONFIDENCE, MOST_IMAGES, ImagePrediction, ModelFile, ReadyModel
from traindash.supervisely.embedded import OwnMethods
from traindash.supervisely.errors import MissingError
from traindash.supervisely.resources import read


class Predictions(OwnMethods):
    """What models of experiments find.

    A model is loaded when it is first asked, which takes seconds, and stays ready for some minutes.
    """

    family = "predictions"

    def ready(self) -> tuple[ReadyModel, ...] | None:
        """Return the models that are kept ready, the one used last first; ``None`` where the server runs no models."""
        try:
            return self._ask("list", tuple[ReadyModel, ...])
        except MissingError:
            return None

    def open(self, model: ModelFile) -> ReadyModel:
        """Make a model ready and wait until it is.

        Raises:
            RejectedError: It cannot be loaded, or there is no room for it; says why.
            MissingError: There is no such file.
        """
        return self._write("open", ReadyModel, msgspec.to_builtins(model))

    def close(self, model: ModelFile) -> None:
        """Let a model go.

        Raises:
            MissingError: It is not ready.
        """
        self._write("close", dict, msgspec.to_builtins(model))

    def of_picture(self, model: ModelFile, content: bytes, confidence: float = LEAST_CONFIDENCE) -> ImagePrediction:
        """Return what a model finds on a picture, the content of an image file.

        Raises:
            RejectedError: The picture cannot be used, or the model cannot be loaded; says why.
            MissingError: There is no such model.
        """
        method = f"traindash.{self.family}.upload"
        about = {"team_id": str(model.team_id), "path": model.path, "confidence": str(confidence)}
        answer = self.transport.upload(method, about, BytesIO(content), len(content))
        return read(method, ImagePrediction, answer, camel=False)

    def of_images(
        self, model: ModelFile, image_ids: Sequence[ImageId], confidence: float = LEAST_CONFIDENCE
    ) -> tuple[ImagePrediction, ...]:
        """Return what a model finds on images of projects, in their order; one that cannot be used has a problem.

        Raises:
            RejectedError: The model cannot be loaded; says why.
            MissingError: There is no such model or image.
        """
        found: list[ImagePrediction] = []
        for start in range(0, len(image_ids), MOST_IMAGES):
            some = list(image_ids[start : start + MOST_IMAGES])
            body = {"model": msgspec.to_builtins(model), "image_ids": some, "confidence": confidence}
            found += self._ask("get", tuple[ImagePrediction, ...], body)
        return tuple(found)
