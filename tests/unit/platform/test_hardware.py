"""What this machine computes with."""

import pytest

from traindash.platform.agents import Hardware, Memory, _gpu, cpu_name, usable_gpus

CARD = Memory(name="Card", total=8, available=5)


def test_the_cpu_has_a_name_and_memory() -> None:
    cpu = Hardware(list_gpus=tuple).device("cpu")
    assert cpu.name == cpu_name()
    assert cpu.name
    assert 0 < cpu.available <= cpu.total


def test_gpus_are_asked_for_once_in_a_while() -> None:
    calls = []

    def look() -> tuple[Memory, ...]:
        calls.append(1)
        return (CARD,)

    hardware = Hardware(list_gpus=look)
    assert hardware.gpus() == hardware.gpus() == (CARD,)
    assert hardware.device("0") == CARD
    assert calls == [1]


def test_a_gpu_that_is_gone_has_no_memory() -> None:
    assert Hardware(list_gpus=tuple).device("3").available == 0


def test_looking_for_gpus_never_fails() -> None:
    assert isinstance(usable_gpus(), tuple)


@pytest.mark.parametrize(
    ("line", "busy"),
    [("RTX 4090, 24564, 20000, 37", 37.0), ("RTX 4090, 24564, 20000, [N/A]", None), ("RTX 4090, 24564, 20000", None)],
)
def test_what_the_driver_says_of_a_gpu(line: str, busy: float | None) -> None:
    assert _gpu(line) == Memory(name="RTX 4090", total=24564 * 2**20, available=20000 * 2**20, busy_percent=busy)


@pytest.mark.parametrize("line", ["", "No devices were found", "a, b, c, d", "RTX, [N/A], [N/A], 3"])
def test_what_is_no_gpu(line: str) -> None:
    assert _gpu(line) is None
