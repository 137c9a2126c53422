"""Throughput on a real GPU: many sources, frames that a decoder leaves on the GPU, traces."""

import collections
import functools
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from conftest import write_sized_model
from trace_parts import of_stage, require_one_clock, spans_in
from trt_course import TrtSSD, find_model
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine.cuda import open_cuda
from trt_course.engine.trt import TrtEngine
from trt_course.media.base import Frame
from trt_course.media.nvdec import GpuVideoFile
from trt_course.media.sources import open_source
from trt_course.support.trace import tracing
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import InMemory, named, source_opener
from trt_course.throughput.run import detect_here
from trt_course.throughput.tuning import with_graph

pytestmark = pytest.mark.usefixtures("gpu")
CLIP = Path(__file__).resolve().parents[2] / "data" / "street.mp4"
needs_decoder = pytest.mark.skipif(
    not importlib.util.find_spec("PyNvVideoCodec"), reason="needs PyNvVideoCodec"
)


def kept(ssd, openers, **options):
    """What is found, by source: rows of what was seen and its detections."""
    rows = collections.defaultdict(list)

    def keep(seen, found):
        rows[seen.source].append((seen, found))

    complaints = detect_many(ssd, openers, keep, 0.3, **options)
    assert complaints == []
    return rows


@pytest.fixture(scope="module")
def frames():
    with open_source(CLIP) as video:
        return [frame for frame, _ in zip(video, range(40))]


@pytest.fixture(scope="module")
def engines(gpu, tmp_path_factory):
    """Engines of the traffic model, by what they take.

    FP32, for in FP16 the place in the batch moves boxes a little.
    """
    folder = tmp_path_factory.mktemp("engines")
    spec = find_model("ssd_resnet18_traffic")

    @functools.lru_cache(maxsize=None)
    def plan(pixels, batch):
        options = Options(
            "fp32", (batch,) * 3, "engine", "engine", (1280, 720), level=0, pixels=pixels
        )
        return engine_from_onnx(spec, options, folder / (options.name() + ".engine"))

    return spec, plan


@pytest.mark.parametrize(
    "graph, library, lanes",
    [
        (False, "pycuda", 2),
        (False, "cuda-python", 2),
        (True, "cuda-python", 1),
        (True, "cuda-python", 2),
    ],
)
@pytest.mark.parametrize("pixels", ["bgr", "nv12"])
def test_boxes_equal_the_plain_path(engines, frames, monkeypatch, pixels, graph, library, lanes):
    if not importlib.util.find_spec(library.split("-")[0]):
        pytest.skip("needs " + library)
    spec, plan = engines
    monkeypatch.setattr(
        "trt_course.engine.choose.TrtEngine", functools.partial(TrtEngine, library=library)
    )
    sources = (frames[:25], frames[25:])
    openers = [functools.partial(InMemory, some) for some in sources]
    engine = plan(pixels, 4)
    plain = TrtSSD(spec, plan=engine, verbose=False)
    ssd = TrtSSD(spec, plan=engine, lanes=lanes, graph=graph, verbose=False)
    with plain, ssd:
        assert library in ssd.why
        rows = kept(ssd, openers, depth=3)
        for source, some in enumerate(sources):
            assert [seen.number for seen, _ in rows[source]] == [frame.number for frame in some]
            wanted = plain.detect_batch([frame.image for frame in some], 0.3)
            for (_, ours), theirs in zip(rows[source], wanted):
                assert len(ours) == len(theirs) > 0
                assert np.abs(ours.boxes - theirs.boxes).max() < 0.01


def test_a_network_is_told_the_size(gpu, tmp_path, frames):
    """Where pictures are brought to the GPU by readers, too."""
    spec = find_model(write_sized_model(tmp_path / "sized"))
    plan = engine_from_onnx(spec, Options("fp32", (1, 4, 4), level=0), tmp_path / "sized.engine")
    openers = [functools.partial(InMemory, frames[:10])]
    plain = TrtSSD(spec, backend="cpu", verbose=False)
    ssd = TrtSSD(spec, plan=plan, verbose=False)
    with plain, ssd:
        rows = kept(ssd, openers, batch=4)[0]
        assert len(rows) == 10
        for (_, ours), frame in zip(rows, frames):
            wanted = plain.detect(frame.image, 0.3)
            assert len(ours) == len(wanted) > 0
            assert np.abs(ours.boxes - wanted.boxes).max() < 0.01


def apart(ours, wanted):
    """For each box the distance to the nearest of its class, in pixels; 1e6 where there is none."""
    if not len(wanted):
        return np.full(len(ours), 1e6)
    distances = np.abs(ours.boxes[:, None] - wanted.boxes).max(axis=2)  # (ours, wanted)
    distances[ours.clss[:, None] != wanted.clss] = 1e6
    return distances.min(axis=1)


@needs_decoder
def test_frames_of_the_gpu_s_decoder(engines):
    """The whole clip, never copied to the host, against OpenCV's frames on the plain path."""
    spec, plan = engines
    open_ssd = functools.partial(TrtSSD, spec, plan=plan("nv12", 4), lanes=2, verbose=False)
    with with_graph(open_ssd) as ssd:
        rows = kept(ssd, [source_opener(ssd, CLIP)] * 2)
    assert [len(rows[n]) for n in (0, 1)] == [450, 450]

    distances = []
    with TrtSSD(spec, plan=plan("bgr", 4), verbose=False) as plain, open_source(CLIP) as video:
        for frame, (seen, one), (_, other) in zip(video, rows[0], rows[1]):
            assert np.array_equal(one.boxes, other.boxes)
            assert seen.time == pytest.approx(frame.time, abs=1e-3)
            wanted = plain.detect(frame.image, 0.2)
            distances.extend(apart(one.above(0.5), wanted))
            distances.extend(apart(wanted.above(0.5), one))

    distances = np.array(distances)
    median, most, nearly_all = np.percentile(distances, (50, 95, 99))
    print(
        f"{len(distances)} boxes: median {median:.2f} px, p99 {nearly_all:.2f} px, "
        f"largest {distances.max():.2f} px, {np.sum(distances > 1)} above 1 px"
    )
    # OpenCV's frames are other bytes: rounded down, colours repeated
    assert most < 1


@needs_decoder
def test_what_the_decoder_cannot_read_goes_to_the_cpu(engines, tmp_path, capsys):
    spec, plan = engines
    (tmp_path / "broken.mp4").write_bytes(CLIP.read_bytes()[:5000])
    run = detect_here(
        functools.partial(TrtSSD, spec, plan=plan("nv12", 4), verbose=False),
        named([str(CLIP), str(tmp_path / "broken.mp4")]),
        tmp_path / "out",
    )
    assert run.frames == 450
    assert len(run.complaints) == 1
    assert "broken.mp4 cannot be read" in run.complaints[0]


@needs_decoder
def test_a_file_that_is_cut_off_says_so(engines, tmp_path):
    spec, plan = engines
    (tmp_path / "cut.mp4").write_bytes(CLIP.read_bytes()[:1200000])
    run = detect_here(
        functools.partial(TrtSSD, spec, plan=plan("nv12", 4), verbose=False),
        named([str(CLIP), str(tmp_path / "cut.mp4")]),
        tmp_path / "out",
    )
    assert 600 < run.frames < 800
    assert len(run.complaints) == 1
    assert "cut.mp4: not all of it could be read" in run.complaints[0]


def pictures(count):
    """The decoder, and the first pictures that it gives of the clip."""
    cuda = open_cuda("cuda-python")
    stream = cuda.stream()
    done = cuda.event()
    copies = []
    with GpuVideoFile(CLIP) as video:
        for _ in range(count):
            frame = video.read()
            copy = cuda.pinned(frame.nbytes, np.uint8)
            cuda.copy_out(copy, frame.address, stream)
            cuda.record(done, stream)
            cuda.wait(done)
            copies.append(copy)
        return video._decoder, np.array(copies)


@needs_decoder
def test_a_decoder_gives_the_next_file_s_frames():
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first, seen = one.submit(pictures, 30).result()
        again, twice = one.submit(pictures, 20).result()
        fresh, wanted = other.submit(pictures, 30).result()
        assert again is first
        assert first is not fresh
        assert seen[0].std() > 0
        assert (seen[0] != seen[9]).any()
        assert np.array_equal(seen, wanted)
        assert np.array_equal(twice, wanted[:20])
        del first, again, fresh


def test_trace_of_the_streams(engines, frames, tmp_path):
    spec, plan = engines
    renumbered = [Frame(frame.image, i, 0.0, "") for i, frame in enumerate(frames)]
    openers = [functools.partial(InMemory, renumbered)] * 2
    trace = tmp_path / "trace.json"
    ssd = TrtSSD(spec, plan=plan("bgr", 4), lanes=2, verbose=False)
    with ssd, tracing(trace):
        kept(ssd, openers)

    spans = spans_in(trace)
    networks = of_stage(spans, "network")
    assert {span.track for span in networks} == {"stream 1", "stream 2"}
    assert len(networks) == 20
    require_one_clock(spans)
