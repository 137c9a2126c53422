"""What a figure was measured on: a Jetson, a PC and a throttled machine, by what they say."""

from types import SimpleNamespace

import pytest

from trt_course.support import doctor, machine

SPEED = "/sys/devices/system/cpu/cpu0/cpufreq/"


@pytest.fixture
def says(monkeypatch):
    """What the machine's files and programs say; a test fills the dictionaries."""

    said = SimpleNamespace(files={}, programs={})
    monkeypatch.setattr(doctor, "file_text", lambda path: said.files.get(path, ""))
    monkeypatch.setattr(
        doctor, "program_output", lambda program, *words: said.programs.get(program, "")
    )
    return said


@pytest.mark.parametrize(
    "now, most, held_back",
    [
        ("1000", "3000", True),
        ("1999", "3000", True),
        ("2000", "3000", False),
        ("3000", "3000", False),
        ("", "3000", False),
        ("1000", "", False),
        ("<unknown>", "3000", False),
    ],
)
def test_a_core_under_two_thirds_of_its_speed_is_held_back(says, now, most, held_back):
    says.files = {SPEED + "scaling_cur_freq": now, SPEED + "cpuinfo_max_freq": most}
    assert machine.throttled() == held_back


@pytest.mark.parametrize(
    "reasons, held_back",
    [
        ("Active, Not Active", True),
        ("Not Active, Active", True),
        ("Not Active, Not Active", False),
        ("[N/A], [N/A]", False),
        ("Not Active, Not Active\nActive, Active", False),  # of another card
        ("", False),
    ],
)
def test_a_gpu_that_is_held_back_says_so_itself(says, reasons, held_back):
    says.programs = {"nvidia-smi": reasons}
    assert machine.throttled() == held_back


def test_a_pc_has_no_power_mode(says):
    says.files = {"/proc/cpuinfo": "processor : 0\nmodel name\t: Xeon X\nmodel name\t: Xeon X\n"}
    says.programs = {"nvidia-smi": "H200, 1980 MHz, 580.1"}
    facts = machine.facts()
    assert facts["cpu"] == f"Xeon X, {doctor.core_count()} cores"
    assert (facts["gpu"], facts["gpu_clock"], facts["driver"]) == ("H200", "1980 MHz", "580.1")
    assert "jetson" not in facts
    assert "power_mode" not in facts


def test_a_jetson_tells_its_model_and_mode(says):
    says.files = {"/proc/device-tree/model": "NVIDIA Jetson Nano", "/proc/cpuinfo": "processor : 0"}
    says.programs = {"nvpmodel": "NV Fan Mode:quiet\nNV Power Mode: 15W\n2"}
    facts = machine.facts()
    assert (facts["jetson"], facts["power_mode"]) == ("NVIDIA Jetson Nano", "15W")
    assert "gpu" not in facts
    assert facts["cpu"].endswith(" cores")
    assert not facts["cpu"].startswith(",")


def test_what_cannot_be_read_is_left_out(says):
    facts = machine.facts()
    assert all(facts.values())
    assert not {"gpu", "gpu_clock", "driver", "jetson", "power_mode", "hottest"} & set(facts)
    assert {"system", "cpu", "python", "numpy", "opencv"} <= set(facts)


def test_the_hottest_sensor_counts(says, monkeypatch):
    zones = [f"/sys/class/thermal/thermal_zone{number}/temp" for number in range(4)]
    monkeypatch.setattr(machine.Path, "glob", lambda folder, pattern: iter(zones))
    says.files = dict(zip(zones, ["41500", "67600", "", "-1"]))
    assert machine.facts()["hottest"] == "68 C"
