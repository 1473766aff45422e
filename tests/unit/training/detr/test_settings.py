"""What hyperparameters mean for the engine of RT-DETRv2 and DEIM."""

import pytest
import yaml

from traindash.frameworks.registry import framework
from traindash.training.trainers.detr.settings import Settings, check_values, not_done, read_settings
from traindash.training.trainers.entry import RunError


def settings(name: str, text: str = "") -> Settings:
    return read_settings(yaml.safe_load(text) or {}, framework(name).reference)


@pytest.mark.parametrize("name", ["DEIM", "RT-DETRv2"])
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_defaults_are_taken(name: str, device: str) -> None:
    asked = framework(name)
    values = yaml.safe_load(asked.hyperparameters("cpu" if device == "cpu" else "gpu"))
    check_values(values, asked.reference)
    assert read_settings(values, asked.reference).epochs == values["epoches"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("optimizer: {learning_rate: 0.1}", "optimizer.learning_rate"),
        ("eval_spatial_size: [60, 64]", "eval_spatial_size"),
    ],
)
def test_a_mistake_is_named_by_its_path(text: str, named: str) -> None:
    with pytest.raises(RunError) as caught:
        check_values(yaml.safe_load(text), framework("DEIM").reference)
    assert f"“{named}”" in caught.value.message


def test_sizes_of_batches_go_around_the_size_of_the_images() -> None:
    assert settings("DEIM", "eval_spatial_size: [640, 640]").sizes[0] == (480, 480)
    ours = {side for side, _ in settings("DEIM", "eval_spatial_size: [640, 640]").sizes}
    assert ours == {480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800}
    assert {side for side, _ in settings("RT-DETRv2", "eval_spatial_size: [320, 320]").sizes} == {
        *range(240 // 32 * 32, 401, 32)
    } - {224}
    wide = settings("DEIM", "eval_spatial_size: [64, 128]").sizes
    assert all(height % 32 == width % 32 == 0 and height <= width for height, width in wide)
    only = settings("RT-DETRv2", "train_dataloader: {collate_fn: {scales: }}")
    assert only.sizes == (only.size,)


def test_images_are_varied_in_the_epochs_that_the_text_says() -> None:
    text = "epoches: 10\ntrain_dataloader: {{dataset: {{transforms: {{policy: {{epoch: {}}}}}}}}}\n{}"
    deim = settings("DEIM", text.format("[2, 5, 8]", "no_aug_epoch: 1"))
    assert [epoch for epoch in range(10) if deim.varies_strongly(epoch)] == [2, 3, 4, 5, 6, 7]
    assert [epoch for epoch in range(10) if not deim.varies(epoch)] == [9]
    other = settings("RT-DETRv2", text.format("4", ""))
    assert [epoch for epoch in range(10) if other.varies_strongly(epoch)] == [0, 1, 2, 3]


def test_what_has_no_effect_is_told() -> None:
    asked = framework("DEIM").hyperparameters("gpu")
    told = " ".join(not_done(settings("DEIM", asked)))
    assert all(word in told for word in ("mosaic_prob", "mixup_prob", "copyblend_prob", "matcher_change_epoch"))
    assert not list(not_done(settings("DEIM", framework("DEIM").hyperparameters("cpu"))))
    assert not list(not_done(settings("RT-DETRv2", framework("RT-DETRv2").hyperparameters("gpu"))))
