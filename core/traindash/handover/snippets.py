"""Code to copy: how a model is used by the package, by onnxruntime alone, by the SDK, and from a shell."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from traindash.domain.handover import ChosenModel
from traindash.domain.ids import TeamId
from traindash.handover.package import usage_python
from traindash.language import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A few lines to copy."""

    title: str
    about: str  # a sentence
    text: str
    language: Literal["python", "bash"]


def snippets(choice: ChosenModel, team: TeamId, checkpoint: str) -> tuple[Snippet, ...]:
    """Return the ways to use a chosen model; ``checkpoint`` is its path in Team Files."""
    threshold = f"{choice.thresholds.default:.3f}"
    return (
        Snippet(
            title=N_("Package"),
            about=N_("In the unpacked folder, after “pip install -r requirements.txt”: onnxruntime, numpy and Pillow."),
            text=usage_python(),
            language="python",
        ),
        Snippet(
            title="onnxruntime",
            about=N_("The network alone. What is done before and after it stands in model.json; predict.py does it."),
            text=_ONNX,
            language="python",
        ),
        Snippet(
            title="Supervisely SDK",
            about=N_("The model as a service; the environment variables are those that “traindash env” prints."),
            text=_SDK.format(checkpoint=checkpoint, threshold=threshold),
            language="python",
        ),
        Snippet(
            title="curl",
            about=N_("Fetches the weights, and asks the model of this server about a picture."),
            text=_CURL.format(
                team=team,
                checkpoint=checkpoint,
                quoted=quote(checkpoint),
                threshold=threshold,
                name=checkpoint.rpartition("/")[2],
            ),
            language="bash",
        ),
    )


_ONNX = """import json

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("model.onnx")
with open("model.json", encoding="utf-8") as file:
    wanted = json.load(file)["preprocessing"]["resize"]
width, height = wanted["width"], wanted["height"]
image = Image.open("photo.jpg").convert("RGB").resize((width, height))
pixels = np.asarray(image, dtype=np.float32).transpose(2, 0, 1)[None] / 255
given = {"images": pixels}
if len(session.get_inputs()) > 1:  # RT-DETRv2 and DEIM: the size that boxes shall count in
    given["orig_target_sizes"] = np.array([[width, height]])
for output, values in zip(session.get_outputs(), session.run(None, given)):
    print(output.name, values.shape)
"""

_SDK = """import supervisely as sly

api = sly.Api()  # SERVER_ADDRESS, API_TOKEN and WORKSPACE_ID
model = api.nn.deploy(model="{checkpoint}", device="cpu")
for prediction in model.predict(input="photo.jpg", conf={threshold}):
    print(prediction.boxes, prediction.scores, prediction.classes)
model.shutdown()
"""

_CURL = """curl -H "x-api-key: $API_TOKEN" -H "content-type: application/json" -o "{name}" \\
  -d '{{"teamId": {team}, "path": "{checkpoint}"}}' \\
  "$SERVER_ADDRESS/public/api/v3/file-storage.download"

curl -H "x-api-key: $API_TOKEN" -H "content-type: application/octet-stream" --data-binary @photo.jpg \\
  "$SERVER_ADDRESS/public/api/v3/traindash.predictions.upload?team_id={team}&path={quoted}&confidence={threshold}"
"""
