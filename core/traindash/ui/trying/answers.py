"""What models have said of pictures, for one tab: asked behind the page, which never waits for long."""

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from traindash.comparison.pictures.gallery import MOST_COLUMNS
from traindash.domain.prediction import ImagePrediction, ModelFile, ReadyModel
from traindash.errors import AppError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.supervisely.client import SuperviselyClient
from traindash.ui.trying.models import TriedModel
from traindash.ui.trying.pictures import Picture

# Threads wait for the server, which has a process for each model
_POOL = ThreadPoolExecutor(4 * MOST_COLUMNS, thread_name_prefix="traindash-trying")
_MOST_KEPT = 600
_FAILED = N_("Something went wrong in the dashboard itself; its log has the details.")


@dataclass(slots=True)
class Answers:
    """What was asked in one tab of one server, and the answers so far."""

    client: SuperviselyClient
    _asked: OrderedDict[tuple[ModelFile, str], "Future[ImagePrediction]"] = field(default_factory=OrderedDict)
    _opened: dict[ModelFile, "Future[ReadyModel]"] = field(default_factory=dict)

    def want(self, models: Sequence[TriedModel], pictures: Sequence[Picture], patience: float) -> bool:
        """Ask for what nobody has asked for yet, wait a moment, and return whether all of it is answered.

        ``patience`` are seconds: models that are ready answer within it, so that the page is drawn once.
        """
        for one in models:  # first, so that a model is loaded while somebody still looks for a picture
            if one.model not in self._opened:
                self._opened[one.model] = _POOL.submit(self.client.predictions.open, one.model)
        # Picture by picture: the first one is complete in all columns before the second is begun
        for picture in pictures:
            for one in models:
                key = (one.model, picture.key)
                if key not in self._asked:
                    self._asked[key] = _POOL.submit(_look, self.client, one.model, picture)
                self._asked.move_to_end(key)
        while len(self._asked) > _MOST_KEPT:
            self._asked.popitem(last=False)
        wanted = [self._asked[one.model, picture.key] for one in models for picture in pictures]
        opening = [self._opened[one.model] for one in models]
        wait(wanted, timeout=patience)
        return all(future.done() for future in wanted) and all(future.done() for future in opening)

    def of(self, model: TriedModel, picture: Picture) -> ImagePrediction | str | None:
        """Return what a model has found, a sentence that says why it cannot, or ``None`` before it has answered."""
        future = self._asked.get((model.model, picture.key))
        if future is None or not future.done():
            return None
        if (error := future.exception()) is not None:
            return _words(error)
        found = future.result()
        return found.problem or found

    def state(self, model: TriedModel) -> ReadyModel | str | None:
        """Return a model that is ready, why it cannot be, or ``None`` while it is being loaded."""
        future = self._opened.get(model.model)
        if future is None or not future.done():
            return None
        error = future.exception()
        return future.result() if error is None else _words(error)

    @property
    def has_failed(self) -> bool:
        """Whether asking again may help somewhere."""
        asked = any(future.done() and future.exception() for future in self._asked.values())
        return asked or any(future.done() and future.exception() for future in self._opened.values())

    def forget_failures(self) -> None:
        """Have what failed asked for again."""
        for key in [key for key, future in self._asked.items() if future.done() and future.exception()]:
            del self._asked[key]
        for model in [model for model, future in self._opened.items() if future.done() and future.exception()]:
            del self._opened[model]


def _look(client: SuperviselyClient, model: ModelFile, picture: Picture) -> ImagePrediction:
    if picture.image is not None:
        (found,) = client.predictions.of_images(model, [picture.image.id])
        return found
    return client.predictions.of_picture(model, picture.content)


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, AppError) else _(_FAILED)
