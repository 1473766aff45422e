"""What this machine computes with."""

from core.local_platform.hardware import Hardware, Memory, cpu_name, usable_gpus

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
