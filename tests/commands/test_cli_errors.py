"""How a command ends where something outside it goes wrong: one sentence, and the right status."""

import io
import sys

import pytest

from trt_course import __main__ as command_line
from trt_course.__main__ import main


@pytest.mark.parametrize(
    "error, sentence",
    [
        (OSError(28, "No space left on device", "/disk/x.mp4"), "No space left on device: /disk/x"),
        (OSError(5, "Input/output error"), "Input/output error: a file"),
        (OSError("the driver is odd"), "the driver is odd: a file"),
        (OSError(2, "No such file", "rtsp://ann:secret@host/a"), "No such file: rtsp://ann:***@ho"),
    ],
)
def test_an_error_of_the_system_names_the_file(monkeypatch, capsys, error, sentence):
    def fail(args):
        raise error

    monkeypatch.setattr(command_line, "_call", fail)
    assert main(["models"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("trt_course: " + sentence)
    assert said.count("\n") == 1


@pytest.mark.parametrize("given, status", [(None, 0), (0, 0), (1, 1)])
def test_the_status_is_the_command_s(monkeypatch, given, status):
    monkeypatch.setattr(command_line, "_call", lambda args: given)
    assert main(["models"]) == status


def test_what_is_typed_wrongly_is_said_without_its_password(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["detect", "a.mp4", "--conf", "rtsp://ann:secret@host"])
    said = capsys.readouterr().err
    assert "secret" not in said
    assert "argument --conf: wanted: " in said


def test_help_names_the_statuses(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("usage: python -m trt_course ")
    assert "Each command calls what the lessons call." in said
    assert "Exit status: 0 everything was done; 1 something was left out" in said


def test_a_name_that_the_terminal_cannot_print_is_no_error(monkeypatch, tmp_path):
    """As with LANG=C, where the output is ASCII."""
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    errors = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", errors)
    assert main(["detect", str(tmp_path / "straße.jpg")]) == 2
    print("straße")
    screen.flush()
    errors.flush()
    assert b"stra\\xdfe.jpg" in errors.buffer.getvalue()
    assert screen.buffer.getvalue() == b"stra\\xdfe\n"


def test_the_commands_stand_in_the_help_with_what_they_do(capsys):
    for command in ("detect", "camera", "evaluate", "bench", "build", "compare", "inspect"):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert f"usage: python -m trt_course {command} " in capsys.readouterr().out
