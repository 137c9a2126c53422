"""No password of a camera's address gets out: in no message, trace, table or file's name.

Whatever a command prints, its native libraries too, and all that it writes is searched.
"""

import base64
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stand_ins.hostile_rtsp import HostileRtsp
from stand_ins.web import PictureServer
from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.media.sources import open_source

KIT = Path(__file__).resolve().parent.parent.parent

# each holds one of these two words, or both
SECRETS = ("byron", "lovelace")
PASSWORDS = [
    "byron",
    "byron%40love%2Flovelace",
    "byron@lovelace",
    "byron/lovelace",
    "byron:lovelace",
    "byron?lovelace",
    "byron#lovelace",
    "12/lovelace",
    "byron'lovelace",
    'byron"lovelace',
    "byron lovelace",
    "lovelace" * 50,
]
QUERIES = [
    "token=byron",
    "a=1&password=byron&b=2",
    "key=byron",
    "auth=byron",
    "access-token=byron",
    "loginuse=ada&loginpas=byron",
    "mode=caller&passphrase=byron",
    "jwt=byron",
]


@pytest.fixture
def web():
    server = PictureServer()
    yield server
    server.stop()


@pytest.fixture
def rtsp():
    with HostileRtsp(refuse="401 Unauthorized") as server:
        yield f"rtsp://127.0.0.1:{server.port}"


def with_password(uri, password):
    return uri.replace("://", f"://ada:{password}@") + "/private"


def all_addresses(web, rtsp):
    """Addresses with a password that nobody accepts, in each place where one may stand."""
    for uri in (web.uri, rtsp, rtsp.upper(), rtsp.replace("rtsp", "rtmp")):
        for password in PASSWORDS:
            if password != "byron" or uri != web.uri:  # that one is right
                yield with_password(uri, password)
        for query in QUERIES:
            yield f"{uri}/private?{query}"
    yield with_password(web.uri, "byron").replace("private", "text")
    yield "http://ada:byron@127.0.0.1:9/shot.jpg"
    yield "rtsp://ada@example.com:byron@127.0.0.1:9/live"
    yield "srt://127.0.0.1:9?passphrase=byron"
    yield rtsp + "/user=ada_password=byron_channel=1"
    yield f"gst:rtspsrc location={with_password(rtsp, 'byron')} ! decodebin"
    yield f"gst:rtspsrc location={rtsp} user-id=ada user-pw=lovelace ! decodebin"
    yield "gst:srtsrc uri=srt://127.0.0.1:9 passphrase=byron ! decodebin"


def files_below(folder):
    """All names and bytes of a folder as one text."""
    texts = []
    for path in sorted(folder.rglob("*")):
        texts.append(str(path))
        if path.is_file():
            texts.append(path.read_bytes().decode("latin-1"))
    return "\n".join(texts)


def require_no_secret(text):
    for secret in SECRETS:
        assert secret not in text
        assert base64.b64encode(b"ada:" + secret.encode()).decode().rstrip("=") not in text


def test_what_commands_say_of_cameras_that_refuse(web, rtsp, cells, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for address in all_addresses(web, rtsp):
        words = [address, "--model", str(cells)]
        assert main(["camera", *words, "--json", "a.json", "--trace", "trace.json"]) == 2
    said = capfd.readouterr()
    require_no_secret(said.out + said.err + files_below(tmp_path))
    assert "401" in said.err
    assert "ada:***@127.0.0.1" in said.err


@pytest.mark.slow
def test_what_many_at_once_say(web, rtsp, cells, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    addresses = list(all_addresses(web, rtsp))
    words = ["--model", str(cells), "--trace", "trace.json", "--backend", "cpu"]
    assert main(["detect", "--fast", *addresses, *words]) == 1
    said = capfd.readouterr()
    require_no_secret(said.out + said.err + files_below(tmp_path))
    assert said.err.count("not done") == len(addresses)


@pytest.mark.parametrize("command", ["detect", "transcode", "fps", "evaluate"])
def test_a_password_where_none_is_expected(command, rtsp, tmp_path, capfd, monkeypatch):
    """Also argparse repeats what was typed."""
    monkeypatch.chdir(tmp_path)
    address = with_password(rtsp, "byron@lovelace")
    words = {
        "detect": [address, "--conf", address],
        "transcode": [address],
        "fps": ["--source", address],
        "evaluate": ["--data", address],
    }
    statuses = []
    for more in ([], [address], ["--json", address + "/a.json"]):
        try:
            statuses.append(main([command, *words[command], *more]))
        except SystemExit as stop:  # argparse's own
            statuses.append(stop.code)
    assert set(statuses) == {2}
    said = capfd.readouterr()
    require_no_secret(said.out + said.err + files_below(tmp_path))


def run(words, folder):
    """The real command line: what it prints and writes."""
    done = subprocess.run(
        [sys.executable, "-m", "trt_course", *words],
        cwd=str(folder),
        env=dict(os.environ, PYTHONPATH=str(KIT)),
        capture_output=True,
        text=True,
    )
    return done, done.stdout + done.stderr + files_below(folder)


@pytest.mark.slow
def test_the_real_command_line_with_cameras_that_let_it_in(web, cells, tmp_path):
    address = with_password(web.uri, "byron")
    camera = [address, "--model", str(cells), "--json", "a.json", "--trace", "trace.json"]
    done, text = run(["camera", *camera, "--seconds", "1"], tmp_path)
    assert done.returncode == 0, done.stderr
    require_no_secret(text)

    detect = [address, "--model", str(cells), "--save-json", "--trace", "trace2.json"]
    done, text = run(["detect", *detect, "--end", "1"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "live.mp4").is_file()
    require_no_secret(text)


def test_what_a_source_shows(web):
    address = with_password(web.uri, "byron")
    with open_source(address) as source:
        assert source.uri == address
        assert source.shown == address.replace("byron", "***")
        require_no_secret(repr(source) + str(source))
        require_no_secret(" ".join(thread.name for thread in threading.enumerate()))


def test_what_is_said_after_the_connection_is_lost(web):
    with open_source(with_password(web.uri, "byron"), rate=50) as source:
        source.read()
        web.stop()
        with pytest.raises(CourseError) as caught:
            while True:
                source.read(timeout=0.5)
    error = caught.value
    while error is not None:
        require_no_secret(str(error))
        error = error.__cause__ or error.__context__
