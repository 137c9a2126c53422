"""The sources of a run: their names, their order, and how a detector is opened for them."""

from types import SimpleNamespace

import pytest

from throughput_parts import frames, write_clip
from trt_course import CourseError, TrtSSD
from trt_course.throughput import tuning
from trt_course.throughput.opening import (
    InMemory,
    NamedSource,
    is_live,
    is_one_camera,
    kind_or_none,
    named,
)
from trt_course.throughput.tuning import (
    Split,
    _first_frames,
    _rate,
    _splits,
    best_split,
    with_graph,
)


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", 30)


def test_cameras_come_first_and_the_others_in_their_order():
    """A camera does not wait for its reader, and only so many files are open at once."""
    listed = named(["b.mp4", "rtsp://camera/one", "a.mp4", "0"])
    assert [source.uri for source in listed] == ["rtsp://camera/one", "0", "b.mp4", "a.mp4"]
    assert [source.name for source in listed] == ["live-2", "live-4", "b", "a"]


def test_one_camera_is_one_source_that_is_live(clip):
    camera = NamedSource("rtsp://camera", "live")
    assert is_one_camera([camera])
    assert not is_one_camera([camera, camera])
    assert not is_one_camera([NamedSource(clip, "clip")])
    assert is_live("0")
    assert not is_live(clip)


def test_what_cannot_be_read_is_of_no_kind(tmp_path):
    """Its reader says what is wrong with it: nobody before."""
    for uri in (tmp_path / "no.mp4", "x" * 5000, "zero\0byte.mp4"):
        assert kind_or_none(uri) is None


@pytest.mark.parametrize(
    "uri, name",
    [
        ("/", "root"),
        ("zero\0byte.mp4", "zero0byte"),
        ("x" * 300 + ".mp4", "x" * 240),
        ("x" * 240 + ".mp4", "x" * 240),
        ("\u00e4" * 121 + ".mp4", "\u00e4" * 120),
    ],
)
def test_every_source_s_name_is_a_file_s_name(uri, name):
    assert named([uri]) == [(uri, name)]


def test_frames_in_memory_end_and_can_be_closed():
    some = frames(3)
    with InMemory(some) as source:
        assert source.read() is some[0]
    assert source.read() is None


# --- How the threads of a CPU are shared out


def test_the_split_that_makes_the_most_pictures_is_taken(clip, monkeypatch, capsys):
    rates = {Split(1, 6): 10.0, Split(2, 3): 12.5, Split(4, 1): 11.0}
    tried = []

    def rate(open_ssd, split, pictures):
        tried.append((split, len(pictures)))
        return rates[split]

    monkeypatch.setattr("os.cpu_count", lambda: 6)
    monkeypatch.setattr(tuning, "_rate", rate)
    assert best_split(None, clip) == {"lanes": 2, "threads": 3}
    assert tried == [(split, 24) for split in rates]
    assert capsys.readouterr().out == (
        "2 x 3 threads for the network, by trying: 1 x 6 make 10.0 FPS, 2 x 3 make 12.5 FPS, "
        "4 x 1 make 11.0 FPS.\n"
    )


def test_a_machine_whose_cores_nobody_knows_has_one(monkeypatch):
    assert list(_splits(1)) == [(1, 1)]
    assert list(_splits(8)) == [(1, 8), (2, 4), (4, 2), (8, 1)]
    monkeypatch.setattr("os.cpu_count", lambda: None)
    monkeypatch.setattr(tuning, "_first_frames", lambda *_: frames(1))
    monkeypatch.setattr(tuning, "_rate", lambda open_ssd, split, pictures: 1.0)
    assert best_split(None, "") == {"lanes": 1, "threads": 1}


def test_a_source_that_gives_no_pictures_is_not_tried_with(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"not a video")
    for source in ("rtsp://127.0.0.1:9/x", tmp_path / "no.mp4", tmp_path / "none.mp4"):
        assert best_split(None, source) == {}


def test_large_photographs_are_tried_with_as_far_as_there_is_room(tmp_path, clip, monkeypatch):
    """Twenty-four of 100 megapixels would fill a small machine's memory."""
    (first, second) = _first_frames(clip, 2)
    assert (first.number, second.number) == (0, 1)
    nbytes = first.image.nbytes
    for room, wanted in ((3 * nbytes + 1, 3), (3 * nbytes, 2), (1, 1)):
        monkeypatch.setattr(tuning, "_MOST_BYTES", room)
        assert len(_first_frames(clip, 24)) == wanted


def test_a_rate_is_what_two_readers_have_detected_in_a_second(cells, monkeypatch):
    """After a first run, which is slow and not counted."""
    opened = []
    done = []
    moments = iter([50.0, 52.0])

    def open_ssd(**options):
        ssd = TrtSSD(cells, backend="cpu", verbose=False, **options)
        finish = ssd.finish
        monkeypatch.setattr(
            ssd, "finish", lambda *args, **more: done.append(1) or finish(*args, **more)
        )
        opened.append((ssd, options))
        return ssd

    def perf_counter():
        done.append("clock")
        return next(moments)

    monkeypatch.setattr(tuning, "time", SimpleNamespace(perf_counter=perf_counter))
    assert _rate(open_ssd, Split(lanes=2, threads=1), frames(6)) == 6.0
    assert done == [1, "clock"] + [1] * 12 + ["clock"]
    ((ssd, options),) = opened
    assert options == {"lanes": 2, "threads": 1}
    with pytest.raises(CourseError, match="closed"):
        ssd.warm_up()


# --- Graphs


class Opened:
    """A detector that may be unable to run as a graph, as its first run shows."""

    def __init__(self, works, **options):
        self.works = works
        self.options = options
        self.warm = False
        self.closed = False

    def warm_up(self):
        if self.options.get("graph") and not self.works:
            raise CourseError("This engine cannot be recorded as a CUDA graph.")
        self.warm = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


@pytest.mark.parametrize("works", [True, False])
def test_where_graphs_do_not_work_there_are_none(works):
    """It shows when the first graph is recorded, and what that has opened is closed again."""
    opened = []

    def open_ssd(**options):
        opened.append(Opened(works, **options))
        return opened[-1]

    best = with_graph(open_ssd, lanes=1)
    assert best is opened[-1]
    assert not best.closed
    assert opened[0].options == {"backend": "tensorrt", "graph": True, "lanes": 1}
    if works:
        assert len(opened) == 1
        assert best.warm
    else:
        assert opened[0].closed
        assert best.options == {}
