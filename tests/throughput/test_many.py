"""Many sources through one engine: equal boxes in order, back-pressure, late batches, bad sources, processes."""

import contextlib
import csv
import functools
import json
import sys
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from conftest import HEIGHT, WIDTH, write_conv_model
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import CourseError, Detections, TrtSSD, find_model
from trt_course.__main__ import main
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import CpuEngine, plan
from trt_course.engine.trt import TrtEngine
from trt_course.media import nvdec
from trt_course.media.base import Frame, Source
from trt_course.media.writer import VideoWriter
from trt_course.support.trace import tracing
from trt_course.throughput import run as command
from trt_course.throughput.many import Batches, Seen, detect_live, detect_many
from trt_course.throughput.run import (
    InMemory,
    best_split,
    detect_here,
    detect_on_gpus,
    named,
    source_opener,
)


def picture(seed, height=2 * HEIGHT, width=2 * WIDTH):
    """Three cells or four in colours, elsewhere black."""
    rng, image = np.random.RandomState(seed), np.zeros((height, width, 3), np.uint8)
    for _ in range(4):
        y, x = rng.randint(6) * height // 6, rng.randint(8) * width // 8
        image[y : y + height // 6, x : x + width // 8, rng.randint(3)] = 200
    return image


def frames(count, seed=0, **size):
    return [Frame(picture(100 * seed + i, **size), i, i / 30, "") for i in range(count)]


def openers(*lists):
    return [functools.partial(InMemory, some) for some in lists]


@pytest.fixture(autouse=True)
def no_spare_decoder():
    """Of another test's card."""
    yield
    vars(nvdec._spare).clear()


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, backend="cpu", threads=1, verbose=False) as ssd:
        yield ssd


class Kept:
    def __init__(self, pause=0.0):
        self.rows, self.pause = [], pause

    def __call__(self, seen, found):
        self.rows.append((seen, found))
        time.sleep(self.pause)

    def of(self, source):
        return [(seen, found) for seen, found in self.rows if seen.source == source]


def equal_to_plain(kept, lists, ssd, close=False):
    for number, some in enumerate(lists):
        rows = kept.of(number)
        assert [seen.number for seen, _ in rows] == [frame.number for frame in some]
        for (seen, found), frame in zip(rows, some):
            wanted = ssd.detect(frame.image)
            assert len(found) == len(wanted) > 0 and seen.time == frame.time
            assert found == wanted if not close else np.abs(found.boxes - wanted.boxes).max() < 0.01


@pytest.mark.parametrize("batch, depth", [(None, 1), (1, 2), (3, 2), (8, 4)])
def test_boxes_equal_the_plain_path_in_each_source_s_order(ssd, batch, depth):
    kept, lists = Kept(), [frames(40, 1), frames(7, 2, height=77, width=200), frames(23, 3)]
    assert detect_many(ssd, openers(*lists), kept, batch=batch, depth=depth) == []
    equal_to_plain(kept, lists, ssd)


def test_readers_wait_for_the_engine(ssd):
    read = []

    class Counted(InMemory):
        def read(self, timeout=None):
            read.append(1)
            return super().read()

    ahead = []
    kept = Kept(0.002)
    detect_many(
        ssd,
        [lambda: Counted(frames(100))] * 2,
        lambda *row: ahead.append(len(read) - len(kept.rows)) or kept(*row),
        batch=2,
        depth=2,
    )
    assert (
        len(kept.rows) == 200 and max(ahead) <= 2 * (2 + 2) + 2 + 2
    )  # all batches, and a frame in each reader's hand


def test_only_readers_for_whom_there_is_room_wake_up():
    """All at once they would mostly wake for nothing, and keep the engine's thread from its turn."""
    batches, woken, took = Batches([object(), object()], 16, 60, readers=12), [], []
    wait = batches._room.wait
    batches._room.wait = lambda *args: (wait(*args), woken.append(1))

    def read():
        for _ in range(10):
            batch, first, count = batches.take(8)
            took.append((first, count))
            batches.fill(batch, first, [None] * count)

    threads = [threading.Thread(target=read, daemon=True) for _ in range(12)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        batch = batches.next(block=True)
        time.sleep(0.002)  # so that all that can wait do
        batches.free(batch)
    for thread in threads:
        thread.join(20)
    assert took.count((0, 8)) == took.count((8, 8)) == 60 and len(woken) < 60 * 4


def test_a_free_batch_is_for_several_readers():
    batches = Batches([object()], 16, 60, readers=3)
    batch, _, _ = batches.take(16)
    threads = [threading.Thread(target=batches.take, args=(8,), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    batches.fill(batch, 0, [None] * 16)
    time.sleep(0.05)
    batches.free(batches.next(block=True))
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_a_late_batch_goes_without_its_last_pictures(ssd):
    go, came = threading.Event(), []

    class Slow(InMemory):
        def read(self, timeout=None):
            frame = super().read()
            assert frame is None or frame.number < 2 or go.wait(20)
            return frame

    def keep(seen, found):
        came.append((seen.number, go.is_set()))
        if seen.number == 1:
            go.set()

    assert detect_many(ssd, [lambda: Slow(frames(4))], keep, batch=8, deadline=0.05) == []
    assert came == [(0, False), (1, False), (2, True), (3, True)]


def test_one_bad_source_does_not_stop_the_others(ssd):
    class Breaks(InMemory):
        def read(self, timeout=None):
            frame = super().read()
            if frame.number == 3:
                raise ValueError("the cable is out")
            return frame

    def missing():
        raise CourseError("There is no file x.mp4.")

    odd = frames(5)
    odd[2] = odd[2]._replace(image=np.zeros((4, 4), np.float32))
    good, kept = frames(20, 4), Kept()
    complaints = detect_many(
        ssd, [missing, lambda: Breaks(frames(9)), *openers(odd, good)], kept, batch=4
    )
    assert len(complaints) == 3 and "There is no file x.mp4." in complaints
    assert "source 2: ValueError: the cable is out" in complaints
    assert any(complaint.startswith("source 3: ") for complaint in complaints)
    assert [len(kept.of(n)) for n in range(4)] == [0, 3, 2, 20]
    assert all(found == ssd.detect(good[seen.number].image) for seen, found in kept.of(3))


def test_only_so_many_sources_are_open_at_once(ssd):
    now, most = set(), []

    class Counted(InMemory):
        def __enter__(self):
            now.add(self)
            most.append(len(now))
            return self

        def __exit__(self, *_):
            now.discard(self)

    kept, lists = Kept(), [frames(3 + n, n) for n in range(9)]
    assert (
        detect_many(
            ssd, [functools.partial(Counted, some) for some in lists], kept, batch=4, at_once=3
        )
        == []
    )
    equal_to_plain(kept, lists, ssd)
    assert len(most) == 9 and max(most) == 3 and not now


def test_one_camera_s_pictures_are_done_as_they_come(ssd):
    class Camera(InMemory):
        def __init__(self, frames):
            super().__init__(frames)
            self.live = True
            self.goes_on = True

        def read(self, timeout=None):
            frame = super().read()
            if frame is not None and frame.number == 4:
                raise CourseError("x.png cannot be read as a picture.")
            return frame

    kept, some = Kept(), frames(12)
    assert detect_live(ssd, lambda: Camera(some), kept) == ["x.png cannot be read as a picture."]
    equal_to_plain(kept, [some[:4] + some[5:]], ssd)
    assert all(0 <= time.perf_counter() - seen.read < 60 for seen, _ in kept.rows)


def test_an_error_of_the_caller_ends_all_threads(ssd):
    class Endless(Source):
        def read(self, timeout=None):
            return Frame(picture(1), 0, 0.0, "")

        def close(self):
            pass

    def stop(seen, found):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        detect_many(ssd, [lambda: Endless("x")] * 3, stop, batch=2)
    assert threading.active_count() <= before + 1  # ONNX Runtime's worker is the engine's


# On TensorRT's stand-in ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["cuda-python", "pycuda"])
def card(monkeypatch, request):
    card = cuda_stand_in.install(monkeypatch, request.param)
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, 8.6, card)
    yield card
    assert card.left() == [] and card.faults == [] and not getattr(card.stack, "depth", 0)


def on_gpu(tmp_path, lanes=2, **options):
    spec = find_model(write_conv_model(tmp_path / "cells"))
    engine_from_onnx(spec, Options("fp32", **options))
    return TrtSSD(spec, verbose=False, lanes=lanes)


@pytest.mark.parametrize(
    "options",
    [
        {"batch": (4, 4, 4)},
        {"batch": (1, 2, 3)},
        {"batch": (4, 4, 4), "preprocess": "engine", "source": (2 * WIDTH, 2 * HEIGHT)},
    ],
    ids=["fixed", "dynamic", "inside"],
)
def test_the_readers_fill_the_gpu(card, tmp_path, ssd, options, monkeypatch):
    kept, lists = Kept(), [frames(13, 1), frames(6, 2)]
    with on_gpu(tmp_path, **options) as gpu:
        gpu.warm_up()
        copy_in, on_lane = gpu.engine._cuda.copy_in, []

        def watched(memory, array, stream):
            on_lane.append(any(stream is lane.stream for lane in gpu.engine._lanes))
            copy_in(memory, array, stream)

        with monkeypatch.context() as patch:
            patch.setattr(gpu.engine._cuda, "copy_in", watched)
            assert detect_many(gpu, openers(*lists), kept) == []
        assert on_lane and not any(on_lane)
    equal_to_plain(kept, lists, ssd, close=True)


def test_each_lane_gets_as_many_batches(card, tmp_path, monkeypatch):
    with on_gpu(tmp_path, batch=(1, 1, 1)) as gpu:
        gpu.warm_up()
        new_request, lanes = gpu.engine.new_request, []

        def counted(*args, **options):
            request = new_request(*args, **options)
            lanes.append(gpu.engine._lanes.index(request.lane))
            return request

        with monkeypatch.context() as patch:
            patch.setattr(gpu.engine, "new_request", counted)
            assert detect_many(gpu, openers(frames(5)), Kept()) == []
    assert sorted(lanes) == [0, 0, 0, 1, 1, 1]


class Decoder:
    """PyNvVideoCodec's, for frames that the test has put on the card."""

    def __init__(self, card, images):
        self.frames, self.width, self.height, self.average_fps = [], *images[0].shape[1::-1], 25.0
        for image in images:
            h, w = image.shape[:2]
            planar = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).ravel()
            colours = planar[h * w :].reshape(2, -1).T.ravel()
            address = card.alloc("device", h * w * 3 // 2)
            card.view(address, h * w * 3 // 2)[:] = np.concatenate([planar[: h * w], colours])
            self.frames.append((address, h * w * 3 // 2))
        self.card, self.given, self.claims = card, 0, len(images)

    def SimpleDecoder(self, path, gpu_id, use_device_memory):
        assert use_device_memory and gpu_id == 0
        return self

    def get_stream_metadata(self):
        return self

    def __len__(self):
        return self.claims

    def get_batch_frames(self, count):
        some, self.given = self.frames[self.given : self.given + count], self.given + count
        if len(some) < count:
            raise RuntimeError(
                f"End of stream reached while seeking to frame index {len(self.frames)}"
            )
        return [
            SimpleNamespace(GetPtrToPlane=lambda plane, a=a: a, framesize=lambda n=n: n)
            for a, n in some
        ]

    def free(self):
        for address, _ in self.frames:
            self.card.free("device", address)


def test_frames_stay_on_the_gpu(card, tmp_path, ssd, monkeypatch):
    some = frames(19)
    decoder = Decoder(card, [frame.image for frame in some])
    monkeypatch.setattr(nvdec, "need", lambda name: decoder)
    monkeypatch.setitem(sys.modules, "PyNvVideoCodec", cuda_stand_in.module("PyNvVideoCodec"))
    with VideoWriter(tmp_path / "clip.mp4", 25) as writer:
        writer.write(some[0].image)
    options = {"batch": (2, 2, 2), "preprocess": "engine", "pixels": "nv12"}
    kept = Kept()
    with on_gpu(tmp_path, source=(2 * WIDTH, 2 * HEIGHT), **options) as gpu:
        assert gpu.decoded_by_gpu == (2 * WIDTH, 2 * HEIGHT)
        assert (
            detect_many(gpu, [source_opener(gpu, tmp_path / "clip.mp4"), *openers(some)], kept)
            == []
        )
    decoder.free()
    for number, rate in ((0, 25), (1, 30)):
        rows = kept.of(number)
        assert [seen.number for seen, _ in rows] == list(range(19))
        for (seen, found), frame in zip(rows, some):
            wanted = ssd.detect(frame.image)
            assert seen.time == pytest.approx(frame.number / rate) and len(found) == len(wanted)
            assert sorted(zip(found.clss, found.boxes[:, 0].round())) == sorted(
                zip(wanted.clss, wanted.boxes[:, 0].round())
            )


@pytest.mark.parametrize("batch, alone", [(1, True), (4, False)])
def test_one_camera_on_a_gpu_needs_no_readers(
    card, tmp_path, monkeypatch, picture_folder, batch, alone
):
    monkeypatch.setattr(command, "_kind", lambda uri: "live")
    called = []
    for name in ("detect_live", "detect_many"):
        monkeypatch.setattr(
            command, name, lambda *args, name=name, **options: called.append(name) or []
        )
    detect_here(
        lambda: on_gpu(tmp_path, lanes=1, batch=(batch,) * 3), [("cam:0", "live")], tmp_path / "out"
    )
    assert called == ["detect_live" if alone else "detect_many"]


def test_batches_become_graphs_where_there_are_graphs(card, tmp_path, ssd):
    with on_gpu(tmp_path, batch=(2, 2, 2)):
        pass
    open_ssd, some, kept = (
        functools.partial(TrtSSD, find_model(tmp_path / "cells"), lanes=2),
        frames(7),
        Kept(),
    )
    with command.with_graph(open_ssd) as gpu:
        assert (
            gpu.engine._graph == (gpu.engine._cuda.name == "cuda-python") and gpu.engine.lanes == 2
        )
        assert detect_many(gpu, openers(some), kept) == []
    for (_, found), frame in zip(kept.of(0), some):
        assert len(found) == len(ssd.detect(frame.image)) > 0
    other = functools.partial(TrtSSD, write_conv_model(tmp_path / "without engines"))
    with command.with_graph(other) as cpu:
        assert isinstance(cpu.engine, CpuEngine)


@pytest.mark.parametrize("sources, lanes", [(["0"], 1), (["0", "1"], 2)])
def test_a_camera_alone_needs_one_lane_of_a_gpu(monkeypatch, sources, lanes):
    asked = []

    def opened(model, **options):
        asked.append((options["backend"], options["lanes"], options.get("graph", False)))
        raise CourseError("enough")

    monkeypatch.setattr(command, "TrtSSD", opened)
    for backend, tries in (
        ("auto", [("tensorrt", lanes, True), ("auto", 2, False)]),
        ("cpu", [("cpu", 2, False)]),
    ):
        assert main(["detect", *sources, "--fast", "--backend", backend]) != 0
        assert asked == tries
        asked.clear()


def test_a_camera_that_cannot_be_opened_is_a_complaint(card, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_kind", lambda uri: "live")
    run = detect_here(
        lambda: on_gpu(tmp_path, lanes=1), [(str(tmp_path / "no.mp4"), "live")], tmp_path / "out"
    )
    assert run.frames == 0 and "no.mp4" in run.complaints[0]


def test_an_engine_that_blocks_does_not_hold_up_the_other_lane(card, tmp_path, monkeypatch):
    """Some of TensorRT's engines return only when their last layers are under way."""
    together, most, lock = [0], [0], threading.Lock()

    def slow(self, request):
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        time.sleep(0.02)
        with lock:
            together[0] -= 1
        return self._api.run(request.lane.context, request, self._cuda.handle(request.lane.stream))

    monkeypatch.setattr(TrtEngine, "_run", slow)
    for lanes in (1, 2):
        most[0] = 0
        with on_gpu(tmp_path, lanes=lanes, batch=(2, 2, 2)) as gpu:
            assert detect_many(gpu, openers(frames(12), frames(12)), lambda *_: None) == []
        assert most[0] == lanes


def test_what_the_gpu_cannot_decode_is_decoded_on_the_cpu(card, tmp_path, monkeypatch):
    class Broken:
        def SimpleDecoder(self, *args, **kwargs):
            raise RuntimeError("no such codec")

    monkeypatch.setitem(sys.modules, "PyNvVideoCodec", cuda_stand_in.module("PyNvVideoCodec"))
    with VideoWriter(tmp_path / "clip.mp4", 25) as writer:
        writer.write(picture(0))
    with on_gpu(
        tmp_path, preprocess="engine", pixels="nv12", source=(2 * WIDTH, 2 * HEIGHT)
    ) as gpu:
        for module in (Broken(), Decoder(card, [picture(0, 100, 100)])):
            monkeypatch.setattr(nvdec, "need", lambda name, module=module: module)
            with source_opener(gpu, tmp_path / "clip.mp4")() as source:
                assert source.read().image.shape == (2 * HEIGHT, 2 * WIDTH, 3)
        module.free()
    asked = []
    monkeypatch.setattr(command.gstreamer, "in_opencv", lambda: True)
    monkeypatch.setattr(command.gstreamer, "has_element", lambda name: name == "nvv4l2decoder")
    monkeypatch.setattr(
        command, "VideoFile", lambda path, pipeline: asked.append(pipeline) or InMemory([])
    )
    with on_gpu(tmp_path) as gpu, source_opener(
        gpu, tmp_path / "clip.mp4"
    )() as source:  # on a Jetson
        assert (
            isinstance(source, InMemory) and "nvv4l2decoder" in asked[0] and "clip.mp4" in asked[0]
        )
    monkeypatch.setattr(nvdec, "need", lambda name: Broken())
    vars(nvdec._spare).clear()
    for name, why in (
        ("clip.mp4", "no such codec"),
        ("clip.ts", "PyNvVideoCodec finds no frames in transport"),
    ):
        with pytest.raises(CourseError, match=name + " cannot be decoded by the GPU: " + why):
            nvdec.GpuVideoFile(tmp_path / name)


@pytest.mark.parametrize("there, claims, short", [(20, 20, False), (32, 33, False), (20, 30, True)])
def test_a_file_that_has_less_than_it_claims(card, tmp_path, monkeypatch, there, claims, short):
    decoder = Decoder(card, [picture(i) for i in range(there)])
    decoder.claims, told = claims, []
    monkeypatch.setattr(nvdec, "need", lambda name: decoder)
    for _ in range(2):
        with nvdec.GpuVideoFile(tmp_path / "clip.mp4") as video:
            some = [frame.number for frame in video]
            assert (
                some == list(range(20 if claims == 20 else there // 16 * 16))
                and video.short == short
            )
            assert video.read() is None
        assert video.read() is None
        told.append(vars(nvdec._spare).pop("decoder", None))
        decoder.given = 0
    assert (
        told == [None if short else decoder] * 2
    )  # nobody goes on with one that stands at a damaged place
    decoder.free()


def test_a_thread_s_next_file_gets_its_decoder(monkeypatch):
    class Codec:
        """PyNvVideoCodec's decoder that nobody reads from, whose module makes it."""

        width = height = 8
        average_fps, told = 25.0, []

        def SimpleDecoder(self, path, **_):
            self.told.append("made for " + path)
            return Codec()

        def reconfigure_decoder(self, path):
            self.told.append("again for " + path)
            if path == "c.mp4":
                raise RuntimeError("another codec")

        def get_stream_metadata(self):
            return self

        def __len__(self):
            return 1

    monkeypatch.setattr(nvdec, "need", lambda name: Codec())

    def both(*paths):
        for path in paths:
            with nvdec.GpuVideoFile(path):
                pass

    for paths in (["a.mp4", "b.mp4", "c.mp4"], ["d.mp4"]):
        thread = threading.Thread(target=both, args=paths)
        thread.start()
        thread.join()
    assert Codec.told == [
        "made for a.mp4",
        "again for b.mp4",
        "again for c.mp4",
        "made for c.mp4",
        "made for d.mp4",
    ]


# Traces -------------------------------------------------------------------------------------------------------------


def spans(path):
    rows = json.loads(path.read_text())["traceEvents"]
    tracks = {row["tid"]: row["args"]["name"] for row in rows if row["ph"] == "M"}
    assert all(row["dur"] >= 0 and row["ts"] >= 0 for row in rows if row["ph"] == "X")
    return {(tracks[row["tid"]], row["name"]) for row in rows if row["ph"] == "X"}


def test_trace_has_every_stage_on_its_thread_and_stream(card, tmp_path):
    both = threading.Barrier(2)

    def opened():
        both.wait(20)
        return InMemory(frames(8))

    with on_gpu(tmp_path, batch=(2, 2, 2)) as gpu, tracing(tmp_path / "trace.json"):
        detect_many(gpu, [opened] * 2, lambda *_: None)
    wanted = {(f"reader {n}", name) for n in (1, 2) for name in ("read", "fill")}
    wanted |= {("MainThread", name) for name in ("submit", "wait", "decode")}
    wanted |= {(f"stream {n}", name) for n in (1, 2) for name in ("copy in", "network", "copy out")}
    assert spans(tmp_path / "trace.json") == wanted


@pytest.mark.parametrize(
    "words, wanted",
    [
        (
            ["detect", "CLIP", "--backend", "cpu"],
            {("ahead", "read"), ("MainThread", "decode"), ("behind", "write")},
        ),
        (
            ["bench", "cells", "--source", "CLIP"],
            {("MainThread", "preprocess"), ("MainThread", "network")},
        ),
        (
            ["camera", "CLIP"],
            {("MainThread", "read"), ("detector", "prepare"), ("detector", "network")},
        ),
    ],
)
def test_commands_write_traces(cells, tmp_path, words, wanted):
    with VideoWriter(tmp_path / "clip.mp4", 25) as writer:
        for i in range(15):
            writer.write(picture(i))
    words = [
        {"CLIP": str(tmp_path / "clip.mp4"), "cells": str(cells)}.get(word, word) for word in words
    ]
    words += ["--model", str(cells)] if words[0] != "bench" else ["--out", str(tmp_path)]
    words += ["--out", str(tmp_path / "out")] if words[0] == "detect" else []
    assert main(words + ["--trace", str(tmp_path / "trace.json")]) == 0
    assert wanted <= spans(tmp_path / "trace.json")


# The command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clips(tmp_path):
    paths = []
    for name, count in (("one", 12), ("two", 5)):
        paths.append(tmp_path / name / "clip.mp4")
        with VideoWriter(paths[-1], 10) as writer:
            for i in range(count):
                writer.write(picture(count + i))
    return paths


def table(path):
    with open(str(path), newline="") as stream:
        return list(csv.DictReader(stream))


def test_command_writes_a_table_for_each_source(cells, clips, tmp_path, capsys, picture_folder):
    out = tmp_path / "tables"
    words = [
        "detect",
        *map(str, clips),
        str(picture_folder),
        "--fast",
        "--model",
        str(cells),
        "--threads",
        "1",
    ]
    assert main(words + ["--out", str(out)]) == 0
    assert "23 frames in" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "clip-1.csv",
        "clip-2.csv",
        "pictures.csv",
    ]
    rows = table(out / "clip-2.csv")
    assert list(rows[0]) == command.HEADER and {row["class"] for row in rows} <= {
        "blue",
        "green",
        "red",
    }
    assert {(row["frame"], float(row["time"])) for row in rows} == {
        (str(i), i / 10) for i in range(5)
    }


def test_a_label_with_a_comma_stays_one_column(tmp_path):
    labels, found = (
        ['lorry, "large"', "van"],
        Detections([[1, 2, 3, 4], [5, 6, 7, 8.25]], [0.5, 0.25], [0, 1]),
    )
    with contextlib.ExitStack() as stack:
        tables = command._Tables(["clip"], tmp_path, labels, stack)
        tables.keep(Seen(0, 7, 0.28, time.perf_counter(), None), found)
    rows = table(tmp_path / "clip.csv")
    assert [row["class"] for row in rows] == labels and [row["frame"] for row in rows] == ["7", "7"]
    assert [float(row[column]) for row in rows for column in ("time", "confidence", "y2")] == [
        0.28,
        0.5,
        4,
        0.28,
        0.25,
        8.25,
    ]


def test_command_finishes_the_rest_and_says_what_failed(
    cells, clips, tmp_path, capsys, picture_folder
):
    clips[1].write_bytes(b"not a video")
    (picture_folder / "b.PNG").write_bytes(b"not a picture")
    words = [
        "detect",
        *map(str, clips),
        str(picture_folder),
        "missing.mp4",
        "--fast",
        "--model",
        str(cells),
    ]
    assert main(words + ["--threads", "1", "--out", str(tmp_path / "t")]) == 1
    said = capsys.readouterr()
    assert (
        "17 frames in" in said.out
        and "not done: " + str(clips[1]) + " cannot be read as a video" in said.err
    )
    assert (
        "b.PNG cannot be read as a picture" in said.err
        and "no file or folder missing.mp4" in said.err
    )
    assert len({row["frame"] for row in table(tmp_path / "t" / "clip-1.csv")}) == 12


def test_a_bad_first_source_stops_nobody(cells, clips, tmp_path, capsys):
    clips[0].write_bytes(b"not a video")
    words = ["detect", *map(str, clips), "--fast", "--model", str(cells), "--backend", "cpu"]
    assert main(words + ["--out", str(tmp_path / "t")]) == 1
    assert len({row["frame"] for row in table(tmp_path / "t" / "clip-2.csv")}) == 5
    assert "cannot be read as a video" in capsys.readouterr().err


def test_every_source_has_a_table_of_its_own(clips, tmp_path, monkeypatch):
    third = tmp_path / "clip-1.mp4"
    third.write_bytes(clips[0].read_bytes())
    assert [name for _, name in named([clips[0], clips[1]])] == ["clip-1", "clip-2"]
    assert [name for _, name in named([clips[0], clips[1], third])] == [
        "clip-1",
        "clip-2",
        "clip-1-3",
    ]
    monkeypatch.chdir(tmp_path)
    assert named(["."]) == [(".", tmp_path.name)]


def test_a_source_that_breaks_off_is_not_done(cells, tmp_path, capsys):
    with VideoWriter(tmp_path / "clip.mp4", 10) as writer:
        for i in range(80):
            writer.write(picture(i))
    whole = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "clip.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    words = [
        "detect",
        str(tmp_path / "clip.mp4"),
        "--model",
        str(cells),
        "--out",
        str(tmp_path / "t"),
    ]
    assert main(words + ["--fast", "--threads", "1"]) == 1
    assert "not all of it could be read" in capsys.readouterr().err and table(
        tmp_path / "t" / "clip.csv"
    )
    assert main(words) == 2 and (tmp_path / "t" / "clip.mp4").is_file()
    assert "not all of it could be read; what could be is done" in capsys.readouterr().err


def test_a_network_that_fails_keeps_the_boxes_so_far(cells, clips, tmp_path, monkeypatch):
    runs, run = [], CpuEngine.infer

    def infer(engine, request):
        runs.append(1)
        if len(runs) > 8:
            raise RuntimeError("bad allocation")
        return run(engine, request)

    monkeypatch.setattr(CpuEngine, "infer", infer)
    done = detect_here(
        functools.partial(TrtSSD, cells, backend="cpu", verbose=False), named(clips), tmp_path / "t"
    )
    assert (
        "the network failed (RuntimeError: bad allocation)" in done.complaints[0]
        and 0 < done.frames < 8
    )
    assert (
        sum(len({row["frame"] for row in table(path)}) for path in (tmp_path / "t").iterdir())
        == done.frames
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--gpus", "0"],
        ["--batch", "0"],
        ["--batch", "-1"],
        ["--deadline", "-1"],
        ["--deadline", "nan"],
        ["--deadline", "inf"],
    ],
)
def test_numbers_that_cannot_be(cells, clips, capsys, words):
    assert main(["detect", str(clips[0]), "--fast", "--model", str(cells)] + words) == 2
    assert "--gpus and --batch are whole numbers from 1 up" in capsys.readouterr().err


def test_what_does_not_go_together_is_told(cells, clips, capsys):
    words = ["detect", *map(str, clips), "--model", str(cells)]
    assert main(words) == 2 and "are for --fast" in capsys.readouterr().err
    assert main(words + ["--fast", "--show"]) == 2 and "leave out --show" in capsys.readouterr().err


def test_ctrl_c_keeps_the_boxes_so_far(cells, clips, tmp_path, monkeypatch):
    def stopped(ssd, openers, keep, *args, **kwargs):
        detect_many(ssd, openers[:1], keep)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "detect_many", stopped)
    run = detect_here(
        functools.partial(TrtSSD, cells, backend="cpu", verbose=False), named(clips), tmp_path / "t"
    )
    assert run.frames == 12 and "stopped by Ctrl-C" in run.complaints[0]
    assert (
        len(table(tmp_path / "t" / "clip-1.csv")) > 12
        and table(tmp_path / "t" / "clip-2.csv") == []
    )


def test_threads_are_shared_out_by_trying(cells, clips, capsys, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    best = best_split(functools.partial(TrtSSD, cells, backend="cpu", verbose=False), clips[0])
    said = capsys.readouterr().out
    assert best["lanes"] * best["threads"] == 4 and all(
        n + " make " in said for n in ("1 x 4", "2 x 2", "4 x 1")
    )


@pytest.mark.slow
def test_a_process_for_each_gpu(cells, clips, tmp_path):
    """On the CPU: the processes are the same."""
    opened = functools.partial(TrtSSD, str(cells), threads=1, verbose=False)
    runs = detect_on_gpus(
        2, functools.partial(opened, backend="cpu"), named(map(str, clips)), str(tmp_path / "t")
    )
    assert [run.frames for run in runs] == [12, 5] and not any(run.complaints for run in runs)
    assert [
        len({row["frame"] for row in table(tmp_path / "t" / f"clip-{i}.csv")}) for i in (1, 2)
    ] == [12, 5]
    runs = detect_on_gpus(
        3, functools.partial(opened, backend="tensorrt"), named(map(str, clips)), str(tmp_path)
    )
    assert [run.frames for run in runs] == [0, 0] and all(len(run.complaints) == 1 for run in runs)
    (tmp_path / "file").write_text("")
    runs = detect_on_gpus(
        2, functools.partial(opened, backend="cpu"), named(map(str, clips)), str(tmp_path / "file")
    )
    assert [run.frames for run in runs] == [0, 0] and all(
        "file" in run.complaints[0] for run in runs
    )
