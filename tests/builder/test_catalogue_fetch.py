"""A public model is fetched whole or not at all, whatever its server does."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import catalogue_parts
from catalogue_parts import add_row, left, ok
from conftest import write_net
from stand_ins.hostile_web import HostileServer
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.catalogue import download, fetch, fetching
from trt_course.support.files import sha256
from trt_course.support.temporary import temporary_folder_beside

PROGRAM = str(Path(catalogue_parts.__file__))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The bytes of a network that finds coloured cells."""
    path = tmp_path_factory.mktemp("network") / "cells.onnx"
    write_net(path)
    return path.read_bytes()


BIG = bytes(range(256)) * 400  # some are sent, and then no more, or only slowly


def yes(question):
    return True


def no(question):
    return False


def environment():
    """That of a run with the tests' folders on its path."""
    tests = str(Path(PROGRAM).parent)
    return dict(os.environ, PYTHONPATH=os.pathsep.join([tests, *sys.path]))


def test_a_model_is_made_and_runs(models, network, cell_picture):
    with HostileServer(ok(network, length=len(network))) as server:
        row = add_row(models, server.uri + "/far/cells.onnx", network)
        fetched = fetch(row, no)
    assert fetched == (models / "cells", True)
    assert left(models) == ["cells"]
    assert (models / "cells/model.onnx").read_bytes() == network
    assert "GET /far/cells.onnx " in server.requests[0]
    assert "Accept-Encoding: identity" in server.requests[0]  # nothing packs it once more

    spec = find_model("cells")
    assert not spec.changed()
    with TrtSSD("cells", backend="cpu", verbose=False) as ssd:
        assert len(ssd.detect(cell_picture).boxes) == 2


def test_the_card_says_whose_it_is(models, network):
    with HostileServer(ok(network)) as server:
        row = add_row(models, server.uri + "/cells.onnx", network)
        fetch(row, no)
    card = " ".join((models / "cells/README.md").read_text().split())
    assert "**Source**: the tests" in card
    assert "code MIT; weights: none is stated for them, so ask their makers" in card
    assert f"{server.uri}/cells.onnx, {len(network):,} bytes, SHA-256 `{row.source.sha256}`" in card
    assert f"`model.onnx`, SHA-256 `{sha256(models / 'cells/model.onnx')}`" in card
    assert "3: blue, green, red" in card
    assert "**Tried when it was catalogued**: all." in card and "**Not tried**: nothing." in card


def refused(models, network, answer, **options):
    """The message for what a server answers; nothing is left of it."""
    with HostileServer(answer) as server:
        row = add_row(models, server.uri + "/cells.onnx", network, **options)
        with pytest.raises(CourseError) as caught:
            fetch(row, no)
    assert left(models) == []
    return str(caught.value)


BY_HAND = "models fetch cells --from cells.onnx"


@pytest.mark.parametrize("length", [None, 100000])
def test_a_file_that_is_cut_off(models, network, length):
    message = refused(models, network, ok(network[:-10], length=length))
    if length is None:
        assert f"it has {len(network) - 10:,} bytes, wanted: {len(network):,}" in message
    else:
        assert "(the connection broke off" in message and BY_HAND in message


def test_wrong_bytes_show_both_digests(models, network, tmp_path):
    wrong = network[:-1] + bytes([network[-1] ^ 1])
    message = refused(models, network, ok(wrong))
    for data in (wrong, network):
        (tmp_path / "data").write_bytes(data)
        assert sha256(tmp_path / "data") in message


def test_more_than_was_expected_is_not_read(models, network):
    message = refused(models, network, ok(network + b"x" * 5000))
    assert f"more than the {len(network):,} bytes come that were expected" in message


@pytest.mark.parametrize(
    "body, what",
    [
        (b"\xef\xbb\xbf\n <!DOCTYPE html><title>Log in</title>", "an HTML page"),
        (b"<HTML><body>moved</body>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a pointer to a file in G"),
        (b'<?xml version="1.0"?><Error>', "an XML text"),
        (b'{"error": "not found"}', "a JSON text"),
    ],
)
def test_a_page_instead_of_the_file(models, network, body, what):
    message = refused(models, network, ok(body, "text/html"))
    assert f"the server sent {what}" in message and BY_HAND in message


def test_graphs_may_begin_as_texts_do(models):
    """A frozen graph begins with a line feed, and may go on with a brace."""
    assert download.instead(b"\n{\n\x0cimage_tensor\x12\x0bPlaceholder") == ""
    assert download.instead(b"\x08\x07\x12\x05") == ""


def test_a_server_that_knows_no_such_file(models, network):
    message = refused(models, network, [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"])
    assert "/cells.onnx cannot be fetched (the server answers 404 Not Found); to fetch" in message
    assert BY_HAND in message


def moved(where):
    """A server's answer that sends elsewhere."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n"
    return [head.encode() + b"Connection: close\r\n\r\n"]


def test_redirects_are_followed(models, network):
    def answer(request):
        if "/there" in request:
            return ok(network)
        return moved("/there")

    with HostileServer(answer) as server:
        fetch(add_row(models, server.uri + "/cells.onnx", network), no)
        assert len(server.requests) == 2
    assert left(models) == ["cells"]


def test_redirects_in_a_circle(models, network):
    message = refused(models, network, moved("/cells.onnx"))
    assert "(the server sends in circles)" in message


def test_nobody_there(models, network):
    with HostileServer([]) as server:
        row = add_row(models, server.uri + "/cells.onnx", network)
    with pytest.raises(CourseError, match=r"cells.onnx cannot be fetched \(no connection to the"):
        fetch(row, no)
    assert left(models) == []


def test_nobody_takes_the_connection(models, network, monkeypatch):
    """As behind a firewall that drops what it does not let through."""
    monkeypatch.setattr(download, "CONNECT", 0.3)
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # nobody accepts them, so the next one waits
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        row = add_row(models, f"http://127.0.0.1:{listener.getsockname()[1]}/cells.onnx", network)
        started = time.monotonic()
        with pytest.raises(CourseError, match="no connection in 0.3 seconds"):
            fetch(row, no)
    assert time.monotonic() - started < 2
    assert left(models) == []


def test_no_answer(models, network, monkeypatch):
    monkeypatch.setattr(download, "FIRST_BYTES", 0.3)
    started = time.monotonic()
    assert "(no answer in 0.3 seconds)" in refused(models, network, slow(ok(network), 3))
    assert time.monotonic() - started < 2


def test_a_server_that_falls_silent(models, network, monkeypatch):
    monkeypatch.setattr(download, "SILENCE", 0.3)
    head, body = ok(BIG, length=len(BIG))

    def answer(request):
        yield head + body[:40000]
        time.sleep(2)

    message = refused(models, BIG, answer)
    assert "(the connection broke off, or was silent for 0.3 seconds)" in message


def slow(pieces, seconds):
    """The same, after a while."""

    def answer(request):
        time.sleep(seconds)
        return pieces

    return answer


def test_a_slow_server_is_waited_for(models, network):
    pieces = [network[i : i + 4000] for i in range(0, len(network), 4000)]
    with HostileServer([ok(b"")[0], *pieces], pause=0.05) as server:
        fetch(add_row(models, server.uri + "/cells.onnx", network), no)
    assert left(models) == ["cells"]


def test_a_proxy_is_used(models, network, monkeypatch):
    with HostileServer(ok(network)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.uri)
        fetch(add_row(models, "http://models.invalid/cells.onnx", network), no)
        assert proxy.requests[0].startswith("GET http://models.invalid/cells.onnx ")


# A file that was fetched by hand


def test_a_file_that_was_fetched_by_hand(models, network, tmp_path):
    given = tmp_path / "download"
    given.write_bytes(network)
    fetch(add_row(models, "http://models.invalid/cells.onnx", network), no, given)
    assert left(models) == ["cells"]
    assert given.read_bytes() == network


@pytest.mark.parametrize(
    "data, message",
    [
        (b"\x08\x07 other", "it has 8 bytes, wanted: "),
        (b"<html>" + b"x" * 9, "is an HTML page, not the model at"),
        (b"x" * 90000, "has 90,000 bytes; the file at http://models.invalid/cells.onnx has"),
    ],
)
def test_another_file_is_refused(models, network, tmp_path, data, message):
    given = tmp_path / "download"
    given.write_bytes(data)
    row = add_row(models, "http://models.invalid/cells.onnx", network)
    with pytest.raises(CourseError, match=message):
        fetch(row, no, given)
    with pytest.raises(CourseError, match="not a regular file"):
        fetch(row, no, Path("/dev/zero"))
    with pytest.raises(CourseError, match="There is no file"):
        fetch(row, no, tmp_path / "none")
    assert left(models) == []


# A digest that nobody has published


def test_an_unknown_digest_is_asked_about(models, network):
    questions = []

    def never(question):
        questions.append(question)
        return False

    with HostileServer(ok(network)) as server:
        row = add_row(models, server.uri + "/cells.onnx")
        with pytest.raises(CourseError, match="cells was not taken, and nothing was kept"):
            fetch(row, never)
        assert left(models) == []
        fetch(row, yes)
    digest = sha256(models / "cells/model.onnx")
    assert len(questions) == 1
    assert f"{len(network):,} bytes, SHA-256 {digest}" in questions[0]
    card = " ".join((models / "cells/README.md").read_text().split())
    assert f"`{digest}`, which nobody has published to compare it with" in card


def test_a_file_of_unknown_length_is_bounded(models, network, monkeypatch, tmp_path):
    monkeypatch.setattr(fetching, "_MOST_UNKNOWN", len(network) - 1)
    with HostileServer(ok(network)) as server:
        row = add_row(models, server.uri + "/cells.onnx")
        with pytest.raises(CourseError, match="more than the .* bytes come"):
            fetch(row, yes)
    (tmp_path / "download").write_bytes(network)
    with pytest.raises(CourseError, match="has at most "):
        fetch(row, yes, tmp_path / "download")
    assert left(models) == []


# A folder that is there already


def test_a_fetched_model_is_not_fetched_again(models, network):
    with HostileServer(ok(network)) as server:
        row = add_row(models, server.uri + "/cells.onnx", network)
        fetch(row, no)
        (models / "cells/engines").mkdir()
        assert fetch(row, no) == (models / "cells", False)
        assert len(server.requests) == 1
        assert fetch(row, no, force=True).new
    assert left(models) == ["cells"]


def test_what_is_left_of_a_fetched_model_is_replaced(models, network):
    with HostileServer(ok(network)) as server:
        row = add_row(models, server.uri + "/cells.onnx", network)
        fetch(row, no)
        (models / "cells/model.onnx").unlink()
        assert fetch(row, no).new
    assert find_model("cells").onnx.is_file()
    assert left(models) == ["cells"]


def change(folder):
    (folder / "model.json").write_text("{}")


def add_notes(folder):
    (folder / "notes.txt").write_text("mine")


def add_folder(folder):
    (folder / "pictures").mkdir()


def put_folder(folder):
    (folder / "README.md").unlink()
    (folder / "README.md").mkdir()


@pytest.mark.parametrize("alter", [change, add_notes, add_folder, put_folder])
def test_a_folder_of_others_is_never_replaced(models, network, alter):
    with HostileServer(ok(network)) as server:
        row = add_row(models, server.uri + "/cells.onnx", network)
        fetch(row, no)
        alter(models / "cells")
        with pytest.raises(CourseError, match="cells is in the way: .* put it aside with --force"):
            fetch(row, no)
        fetch(row, no, force=True)
    assert left(models) == ["cells", "cells.old1"]
    assert find_model("cells").title == "colours of cells"


def test_a_link_to_elsewhere_is_never_replaced(models, network, tmp_path):
    """Not even to another fetched model, of which something is missing."""
    with HostileServer(ok(network)) as server:
        row = add_row(models, server.uri + "/cells.onnx", network)
        fetch(row, no)
        (models / "cells").rename(tmp_path / "elsewhere")
        (tmp_path / "elsewhere/model.onnx").unlink()
        (models / "cells").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(CourseError, match="is in the way"):
            fetch(row, no)


def test_git_leaves_a_fetched_model_out(models, network):
    subprocess.run(["git", "init", "-q", str(models)], check=True)
    with HostileServer(ok(network)) as server:
        fetch(add_row(models, server.uri + "/cells.onnx", network), no)
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    listed = subprocess.run(command, cwd=str(models), stdout=subprocess.PIPE, check=True)
    assert listed.stdout.decode().split() == ["??", "catalogue/cells.json"]


# Ends


def test_a_disk_that_fills(models):
    with HostileServer(ok(BIG)) as server:
        add_row(models, server.uri + "/cells.onnx", BIG)

        def little():
            resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))

        done = subprocess.run(
            [sys.executable, PROGRAM, str(models), "models", "fetch", "cells"],
            preexec_fn=little,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    said = done.stderr.decode()
    assert done.returncode == 2
    assert "takes no more: File too large" in said and "Traceback" not in said
    assert left(models) == []


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_leaves_nothing(models, number, status):
    pieces = [ok(b"")[0], BIG[:40000]] + [b"x"] * 200
    with HostileServer(pieces, pause=0.1) as server:
        add_row(models, server.uri + "/cells.onnx", BIG)
        job = subprocess.Popen(
            [sys.executable, PROGRAM, str(models), "models", "fetch", "cells"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        limit = time.monotonic() + 60
        while not has_begun(models):
            assert job.poll() is None and time.monotonic() < limit
            time.sleep(0.05)
        job.send_signal(number)
        said = job.communicate(timeout=60)[1].decode()
    assert job.returncode == status
    assert "Traceback" not in said
    assert left(models) == []


def has_begun(models):
    """Whether some of the file has come."""
    return any(path.stat().st_size for path in models.glob(".cells*/*/*"))


def test_what_a_killed_run_left_is_removed(models, network):
    leftover = models / ".cells~trt_course-123-456"
    (leftover / "work").mkdir(parents=True)
    (leftover / "work/cells.onnx").write_bytes(b"half")
    with temporary_folder_beside(models / "other") as running:
        assert not leftover.exists()
        with HostileServer(ok(network)) as server:
            fetch(add_row(models, server.uri + "/cells.onnx", network), no)
        assert running.is_dir()  # it is in use
    assert left(models) == ["cells"]


def test_a_failing_conversion_leaves_nothing(models, network, monkeypatch):
    def fail(row, file, folder):
        raise CourseError("no such head")

    conversions = fetching.conversion_of.__globals__["CONVERSIONS"]
    failing = conversions["none"]._replace(convert=fail)
    monkeypatch.setitem(conversions, "none", failing)
    assert refused(models, network, ok(network)) == "no such head"


def test_the_record_keeps_its_words(models, network):
    with HostileServer(ok(network)) as server:
        fetch(add_row(models, server.uri + "/cells.onnx", network), no)
    record = json.loads((models / "cells/model.json").read_text())
    assert {word: record[word] for word in catalogue_parts.RECORD} == catalogue_parts.RECORD
