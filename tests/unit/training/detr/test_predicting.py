"""What is found in the outputs of a model: against transformers' own post-processing."""

from importlib import import_module
from types import SimpleNamespace

import pytest

from traindash.training.trainers.torchvision_fallback import ensure_torchvision

pytestmark = pytest.mark.slow  # imports transformers


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("threshold", [0.05, 0.5])
def test_it_is_that_of_transformers(threshold: float) -> None:
    ensure_torchvision()
    torch = import_module("torch")
    found_on = import_module("traindash.training.trainers.detr.predicting").found_on
    dice = torch.Generator().manual_seed(1)
    logits = torch.randn((4, 60, 7), generator=dice) * 3 - 2
    boxes = torch.rand((4, 60, 4), generator=dice)
    sizes = [(480, 640), (33, 77), (1080, 1920), (64, 64)]
    outputs = SimpleNamespace(logits=logits, pred_boxes=boxes)
    processor = import_module("transformers").RTDetrImageProcessor()
    expected = processor.post_process_object_detection(outputs, threshold=threshold, target_sizes=sizes)
    for found, theirs in zip(found_on(logits, boxes, sizes, threshold), expected, strict=True):
        assert len(found.scores) == len(theirs["scores"]) > 0
        assert torch.equal(found.labels, theirs["labels"])
        assert (found.scores - theirs["scores"]).abs().max() < 1e-6
        assert (found.corners - theirs["boxes"]).abs().max() < 1e-4


def test_images_are_stretched_as_by_transformers() -> None:
    ensure_torchvision()
    torch = import_module("torch")
    stretched = import_module("traindash.training.trainers.detr.images").stretched
    image = torch.randint(0, 256, (3, 90, 130), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    processor = import_module("transformers").RTDetrImageProcessor()
    expected = processor(images=[image], size={"height": 64, "width": 96}, return_tensors="pt")["pixel_values"][0]
    assert (stretched(image, (64, 96)) - expected).abs().max() < 1e-4
