"""The commands `models list` and `models fetch`: what they print and ask, their exit statuses."""

import io
import sys

import pytest

from catalogue_parts import add_row, left, ok
from conftest import RECORD, write_net
from stand_ins.hostile_web import HostileServer
from trt_course.__main__ import main


def run(*words):
    """The exit status of `models`."""
    return main(["models", *[str(word) for word in words]])


@pytest.fixture
def network(tmp_path):
    write_net(tmp_path / "net.onnx")
    return (tmp_path / "net.onnx").read_bytes()


class Terminal(io.StringIO):
    """A terminal at which somebody types this."""

    def isatty(self):
        return True


def test_the_list_has_both_kinds(capsys):
    assert run("list") == 0
    said = capsys.readouterr().out
    here, _, public = said.partition("To be fetched, by python -m trt_course models fetch NAME:")
    assert "ssd_resnet18_traffic  SSD, pruned ResNet-18, traffic" in here
    assert "\nrfb_320 " in public


def test_a_model_is_fetched_and_used(models, network, cell_picture, tmp_path, capsys):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), cell_picture)
    with HostileServer(ok(network)) as server:
        add_row(models, server.uri + "/cells.onnx", network)
        assert run("fetch", "cells") == 0
        said = capsys.readouterr().out
        assert said.splitlines() == [
            "cells  colours of cells",
            "    source   the tests",
            "    licence  code MIT; weights: none is stated for them, so ask their makers before "
            "you pass them on",
            f"    address  {server.uri}/cells.onnx",
            f"{models / 'cells'} is made. Next: python -m trt_course detect PHOTO --model cells",
        ]
        assert run("fetch", "cells") == 0
        assert "is there already (--force fetches it anew)" in capsys.readouterr().out
        assert run("fetch", "cells", "--force") == 0
    words = ["--model", "cells", "--backend", "cpu", "--out", str(tmp_path / "out")]
    assert main(["detect", str(tmp_path / "a.png"), *words]) == 0
    assert "\nred 1 64.000 32.000 96.000 64.000\n" in capsys.readouterr().out


def test_one_of_several_that_fails(models, network, capsys):
    with HostileServer(ok(network)) as server:
        add_row(models, server.uri + "/cells.onnx", network)
        add_row(models, server.uri + "/other.onnx", b"other", record=dict(RECORD, name="other"))
        assert run("fetch", "other", "cells", "other") == 1
        assert run("fetch", "other") == 2
    assert capsys.readouterr().err.count("/other.onnx cannot be fetched") == 2
    assert left(models) == ["cells"]


def test_a_name_that_is_unknown_stops_before_the_first(models, network, capsys):
    with HostileServer(ok(network)) as server:
        add_row(models, server.uri + "/cells.onnx", network)
        assert run("fetch", "cells", "cell") == 2
        assert server.requests == []
    assert "Did you mean cells?" in capsys.readouterr().err


def test_a_file_fetched_by_hand(models, network, tmp_path, capsys):
    add_row(models, "https://models.invalid/cells.onnx", network)
    add_row(models, "https://models.invalid/other.onnx", record=dict(RECORD, name="other"))
    assert run("fetch", "cells", "other", "--from", tmp_path / "net.onnx") == 2
    assert "--from takes the file of one model" in capsys.readouterr().err
    assert run("fetch", "cells", "--from", tmp_path / "net.onnx") == 0
    assert "models.invalid" not in capsys.readouterr().out
    assert left(models) == ["cells"]


@pytest.mark.parametrize(
    "typed, words, status",
    [
        (Terminal("y\n"), [], 0),
        (Terminal("Yes\n"), [], 0),
        (Terminal("\n"), [], 2),
        (Terminal("no\n"), [], 2),
        (Terminal(""), [], 2),  # Ctrl-D
        (io.StringIO("y\n"), [], 2),
        (io.StringIO(), ["--yes"], 0),
    ],
)
def test_what_nobody_can_check(typed, words, status, models, network, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", typed)
    with HostileServer(ok(network)) as server:
        add_row(models, server.uri + "/cells.onnx")
        assert run("fetch", "cells", *words) == status
    said = capsys.readouterr()
    assert (
        f"What came from {server.uri}/cells.onnx:\n    {len(network):,} bytes, SHA-256" in said.out
    )
    assert ("add --yes" in said.err) == (type(typed) is io.StringIO and not words)
    assert left(models) == ["cells"] * (status == 0)
