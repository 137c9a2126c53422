"""The rungs, in the order in which they are climbed, and what limits each of them."""

from functools import partial
from typing import Callable, Dict, Iterator, NamedTuple, Optional, Tuple

from ladder.bench import Bench, Figures, Setup
from ladder.sources import SIZE


class Rung(NamedTuple):
    """One line of the table."""

    name: str
    changed: str  # what is new against the rung before
    measure: Callable[[Bench], Figures]
    power: bool = True  # ask the GPU meanwhile what it takes


# Each setup is the one before it, and one thing more.
PLAIN = Setup("fp32", 1)
NMS = PLAIN._replace(nms="engine")
INSIDE = NMS._replace(preprocess="engine", source=SIZE)  # from OpenCV's bytes
FP16 = INSIDE._replace(precision="fp16", batch=16)
NV12 = FP16._replace(pixels="nv12")  # from a decoder's bytes
STREAMS = NV12._replace(lanes=2)
GRAPHS = STREAMS._replace(graph=True)

TWO_LANES = FP16._replace(lanes=2)
CAMERA = INSIDE._replace(precision="fp16")


def rungs(sources: int) -> Iterator[Rung]:
    """The limits, the ladder from below, the latency."""
    yield from limits(sources)
    yield from calls()
    yield from pipelines()
    yield from files(sources)
    yield from delays()


def limits(sources: int) -> Iterator[Rung]:
    """What no pipeline can be faster than."""
    yield Rung(
        "engine alone (pictures)",
        "limit: FP16, batch 16, back to back",
        partial(Bench.alone, setup=FP16),
    )
    yield Rung(
        "engine alone (2 streams of pictures)",
        "limit: the same on two streams",
        partial(Bench.alone, setup=TWO_LANES),
    )
    yield Rung(
        "engine alone",
        "limit: FP16, batch 16, from NV12",
        partial(Bench.alone, setup=NV12),
    )
    for streams in (2, 3):
        yield Rung(
            f"engine alone ({streams} streams)",
            "limit: the same on more streams",
            partial(Bench.alone, setup=NV12._replace(lanes=streams)),
        )
    yield Rung(
        "decoder alone",
        f"limit: {sources} files decoded",
        partial(Bench.decoders, count=sources),
    )


def calls() -> Iterator[Rung]:
    """One call after the other."""
    yield Rung("original", "the original course's loop, FP32, one picture", Bench.loop)
    yield Rung(
        "one copy",
        "one copy in, one wait; suppression on the host",
        partial(Bench.plain, setup=PLAIN),
    )
    yield Rung("nms", "suppression in the engine", partial(Bench.plain, setup=NMS))
    yield Rung(
        "inside",
        "the recipe in the engine: bytes go in",
        partial(Bench.plain, setup=INSIDE),
    )
    for batch in (4, 16, 32):
        yield Rung(
            f"batch {batch}",
            f"{batch} pictures a run",
            partial(Bench.plain, setup=INSIDE._replace(batch=batch)),
        )
    yield Rung("fp16", "FP16, batch 16", partial(Bench.plain, setup=FP16))
    yield Rung(
        "int8", "INT8, batch 16", partial(Bench.plain, setup=FP16._replace(precision="int8"))
    )


def pipelines() -> Iterator[Rung]:
    """Readers beside the engine: from memory, then from the GPU's memory."""
    yield Rung(
        "one reader",
        "FP16; a thread copies while the engine runs",
        partial(Bench.from_memory, setup=FP16, readers=1),
    )
    yield Rung("overlap", "FP16; four readers copy", partial(Bench.from_memory, setup=FP16))
    yield Rung(
        "two lanes",
        "two contexts, each with its stream and thread",
        partial(Bench.from_memory, setup=TWO_LANES),
    )
    yield Rung("on the gpu", "frames are on the GPU, as NV12", partial(Bench.from_gpu, setup=NV12))
    yield Rung("streams", "two lanes again", partial(Bench.from_gpu, setup=STREAMS))
    yield Rung("graphs", "each batch is one CUDA graph", partial(Bench.from_gpu, setup=GRAPHS))
    yield Rung(
        "all int8",
        "the same with INT8",
        partial(Bench.from_gpu, setup=GRAPHS._replace(precision="int8")),
    )


def files(sources: int) -> Iterator[Rung]:
    """Readers of video files, which the GPU decodes."""
    for count in (1, 4, sources):
        yield Rung(
            f"files {count}",
            f"{count} H.264 files, GPU decoders; FP16 as graphs",
            partial(Bench.from_files, setup=GRAPHS, files=count),
        )
    yield Rung(
        "no graphs",
        f"{sources} files, and the host puts each layer on the stream",
        partial(Bench.from_files, setup=STREAMS, files=sources),
    )
    yield Rung(
        "three lanes",
        f"{sources} files as graphs, a third lane",
        partial(Bench.from_files, setup=GRAPHS._replace(lanes=3), files=sources),
    )


def delays() -> Iterator[Rung]:
    """One camera."""
    yield Rung(
        "latency",
        "a camera, one picture at a time, FP16",
        partial(Bench.latency, setup=CAMERA),
        power=False,
    )
    yield Rung(
        "latency graph",
        "the same as one CUDA graph",
        partial(Bench.latency, setup=CAMERA._replace(graph=True)),
        power=False,
    )


ONE_STREAM = ("engine alone",)
TWO_STREAMS = ("engine alone", "engine alone (2 streams)")
THREE_STREAMS = (*TWO_STREAMS, "engine alone (3 streams)")
OF_PICTURES = ("engine alone (pictures)",)
TWO_OF_PICTURES = (*OF_PICTURES, "engine alone (2 streams of pictures)")

# The rungs that the engine alone limits, and which measurements of it: the fastest one counts.
ENGINE_LIMITS = {
    "one reader": OF_PICTURES,
    "overlap": OF_PICTURES,
    "two lanes": TWO_OF_PICTURES,
    "on the gpu": ONE_STREAM,
    "streams": TWO_STREAMS,
    "graphs": TWO_STREAMS,
}

# The same for those that the decoder limits too, beside `files N`.
DECODED_LIMITS = {"no graphs": TWO_STREAMS, "three lanes": THREE_STREAMS}


def limit(name: str, fps: Dict[str, float]) -> Optional[float]:
    """What bounds this rung, of the figures so far.

    None for a rung without a limit, and where the limit was not measured.
    """
    if name in ENGINE_LIMITS:
        return _fastest(ENGINE_LIMITS[name], fps) or None
    if name in DECODED_LIMITS or name.startswith("files"):
        engine = _fastest(DECODED_LIMITS.get(name, TWO_STREAMS), fps)
        return min(engine, fps.get("decoder alone", 0)) or None
    return None


def _fastest(names: Tuple[str, ...], fps: Dict[str, float]) -> float:
    """The highest figure of these rungs; 0 where none was measured."""
    return max(fps.get(name, 0) for name in names)
