# The master of lesson 13; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 13 Throughput
#
# **You will learn** to climb from one picture at a time to all that a machine gives: why a busy line waits, what a
# stage's share of the time allows, what batches, overlap and frames that stay on the GPU bring, what each of them costs
# in latency and memory, and how to tell which limit you have reached.
#
# **You need** lessons [01](01_why_tensorrt.ipynb) and [09](09_measure_fps.ipynb). **Time**: 50 minutes. **Machine**:
# any; a GPU is used for one cell if there is one. Close other programs while you measure.
# %% [markdown]
# ## 1. Two questions
#
# *How long does one picture take?* That is latency. *How many are done in a second?* That is throughput. With one
# picture at a time the one is 1 divided by the other, and the two seem to be the same question. They are not.
#
# Think of a counter where each customer takes 10 ms, so it can serve 100 a second. Customers come when they like.
# **Before you run it**: 90 a second come, and the counter is idle one tenth of the time. How long does it take on
# average until one is served: 10 ms, 15, or more than 50?
# %%
import numpy as np


def delays(load, ms=10, count=20000):
    """Milliseconds from coming to served.

    The customers come at random and are served one by one.
    """
    came = np.cumsum(np.random.RandomState(0).exponential(1, count))
    whole = count * ms / load  # until the last one comes
    came *= whole / came[-1]
    free = 0.0
    spent = []
    for moment in came:
        free = max(free, moment) + ms
        spent.append(free - moment)
    return np.array(spent)


loads = np.array([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95])
spent = [delays(load) for load in loads]
# %%
import matplotlib.pyplot as plt

means = [float(np.mean(ms)) for ms in spent]
p95s = [np.percentile(ms, 95) for ms in spent]
figure, axes = plt.subplots(figsize=(9, 3.2))
axes.plot(100 * loads, means, "o-", label="mean")
axes.plot(100 * loads, p95s, "o-", color="#d1495b", label="p95")
axes.axhline(10, color="black", linewidth=1, linestyle="--", label="the work itself")
axes.set_xlabel("load: customers that come, in per cent of those that can be served")
axes.set_ylabel("ms")
axes.set_ylim(0)
axes.legend()
plt.show()
print({int(round(100 * load)): round(mean) for load, mean in zip(loads, means)})
# %% [markdown]
# **You should see** a mean of 15 ms at half load, of more than 50 at 90 %, and a curve that goes up steeply from
# there. Nobody works more slowly; they wait for each other. So one cannot have both ends: a machine that is always
# busy has a line before it, and one that answers at once is often idle. A camera at a crossing wants latency
# ([lesson 10](10_async_camera.ipynb)). A thousand hours of recordings want throughput; this lesson is about them.
#
# A rule holds for all of this, whatever the order and the chance: **pictures inside = pictures a second x seconds
# inside**. 90 a second, each inside for 0.055 s: five are there at any moment.
#
# ## 2. What a stage's share allows
#
# Who did what when? The kit's stages tell, if somebody asks: `trace.tracing(file)` writes their spans, and so does
# `--trace` with each command. First a short clip, to go through it often, and the plain loop of
# [lesson 07](07_detect_video.ipynb).
# %%
import functools
import itertools
import time
from pathlib import Path

from trt_course import TrtSSD, VideoWriter, open_source
from trt_course.support import trace

out = Path("out/13")
clip = Path("out/13/clip.mp4")
with open_source("data/street.mp4") as video, VideoWriter(clip, video.fps) as writer:
    for frame in itertools.islice(video, 40):
        writer.write(frame.image, frame.time)
ssd = TrtSSD("ssd_mobilenet_v2_signs", backend="cpu", verbose=False).warm_up()
# %%
import json


def plain(ssd):
    """One picture after the other; frames a second."""
    started = time.perf_counter()
    count = 0
    with open_source(clip) as video:
        for frame in video:
            ssd.detect(frame.image)
            count += 1
    return count / (time.perf_counter() - started)


def spans(path):
    """(track, stage, start, length) of each span of a trace, in ms."""
    events = json.loads(Path(path).read_text())["traceEvents"]
    tracks = {}  # the name of each thread
    for event in events:
        if event["ph"] == "M":
            tracks[event["tid"]] = event["args"]["name"]

    found = []
    for event in events:
        if event["ph"] == "X":
            start = event["ts"] / 1000
            length = event["dur"] / 1000
            found.append((tracks[event["tid"]], event["name"], start, length))
    return found


# %% [markdown]
# **Before you run it**: your network could run on hardware that is ten times as fast. By what factor would the whole
# loop gain?
# %%
with trace.tracing(out / "plain.json"):
    plain(ssd)
lengths = {}
for _, stage, _, length in spans(out / "plain.json"):
    lengths.setdefault(stage, []).append(length)
stages = {stage: float(np.mean(ms)) for stage, ms in lengths.items()}
share = stages["network"] / sum(stages.values())
print({stage: f"{ms:.2f} ms" for stage, ms in stages.items()})
print(f"the network has {100 * share:.0f} % of the time")
# %%
factors = np.geomspace(1, 100)
marks = [1, 2, 5, 10, 20, 50, 100]
figure, axes = plt.subplots(figsize=(9, 3.2))
for part, label in (
    (share, f"your loop, {100 * share:.0f} % in the network"),
    (0.3, "30 % in the network"),
):
    others = 1 - part
    (line,) = axes.semilogx(factors, 1 / (others + part / factors), label=label)
    axes.axhline(1 / others, color=line.get_color(), linewidth=1, linestyle="--")
axes.set(xlabel="network so many times as fast", ylabel="loop so many times as fast")
axes.set_xticks(marks)
axes.set_xticklabels(marks)
axes.set_ylim(0)
axes.legend(loc="lower right")
plt.show()
# %% [markdown]
# **You should see** two curves that bend, each below a dashed line that it never reaches: 1 divided by the share of
# what did *not* get faster. This is Amdahl's law. On a CPU the network has most of the time, and a faster one is well
# worth having. On a fast GPU the original course's loop spends most of its time *outside* the network
# ([Measured](../docs/measured.md)); there a perfect network would gain little, and what comes next gains a lot.
#
# ## 3. Batches
#
# A batch is several pictures in one run of the network. **Before you run it**: how many times as long as one picture
# will eight of them take on your CPU?
# %%
requests = {batch: ssd.engine.new_request(batch) for batch in (1, 2, 4, 8)}
runs = {batch: [] for batch in requests}
for _ in range(7):
    for batch, request in requests.items():  # in turns
        started = time.perf_counter()
        ssd.engine.infer(request)
        seconds = time.perf_counter() - started
        runs[batch].append(1000 * seconds)
own = {batch: min(ms) for batch, ms in runs.items()}  # what other programs took is left out
print({batch: f"{ms:.1f} ms, {1000 * batch / ms:.0f} a second" for batch, ms in own.items()})
# %% [markdown]
# Now the same for a GPU, from the results that the kit has saved: the network alone, FP16. **Before you run it**: how
# many times as long will 16 pictures take there?
# %%
import re

from trt_course.support.files import kit_path


def saved_table(name):
    """The rows of a saved result's first table, as dictionaries."""
    page = kit_path("docs/measured.md").read_text(encoding="utf-8")
    _, _, after = page.partition(f"<!-- saved: {name} -->")
    table = re.search(r"(?:^\|.*\n)+", after, re.M).group()
    rows = []
    for line in table.splitlines():
        _, *cells, _ = line.split("|")
        rows.append([cell.strip() for cell in cells])
    heads = rows[0]  # and rows[1] is the line below the heads
    return [dict(zip(heads, row)) for row in rows[2:]]


def number(text):
    """1,354 as a number; None where there is none."""
    text = text.replace(",", "").strip("* ")
    if not re.match(r"[\d.]+$", text):
        return None
    return float(text)


# %%
gpu = {}
for row in saved_table("h200"):
    if row["precision"] == "FP16":
        batch = int(row["batch"])
        gpu[batch] = 1000 * batch / number(row["network alone"])

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2))
for axes, runs, title in ((left, own, "your CPU"), (right, gpu, "saved: an H200")):
    batches = list(runs)
    ms = list(runs.values())
    each, start = np.polyfit(batches, ms, 1)
    end = start + each * max(batches)
    axes.plot(batches, ms, "o")
    label = f"{start:.2f} ms a run + {each:.2f} ms a picture"
    axes.plot([0, max(batches)], [start, end], label=label)
    axes.set(xlabel="pictures in the batch", ylabel="ms a run", ylim=0, title=title)
    axes.legend(loc="lower right")
plt.tight_layout()
plt.show()
# %% [markdown]
# **You should see** two nearly straight lines. Yours begins near zero: eight pictures take about eight times as long,
# so a batch brings little or nothing. (Below zero it is even slower.) The GPU's begins at several times the price of
# one more picture: a run has a price of its own, and a batch pays it once.
#
# ![Small kernels with gaps; a batch; a graph](figures/launches.svg)
#
# What is that price? A network is some dozens of kernels, or a hundred, one after the other. Each must be launched by
# the CPU, which takes [some microseconds](https://developer.nvidia.com/blog/cuda-graphs/); and it takes many thousands
# of small pieces of work to keep the units of a large GPU busy. The late layers of one picture do not have so many:
# units stand idle, and the kernel takes as long as with more work. A CPU with a few cores is full with one picture, and
# a small GPU nearly so: measure before you believe in batches.
#
# ## 4. Overlap
#
# In the plain loop the reader waits for the network, and the network for the reader. To see what overlap brings on any
# machine, we need a GPU on any machine. So here is a make-believe one: it *waits*, as Python does while a GPU works, 4
# ms for a run and 1 ms for each picture. It finds nothing. Reading and preparing are real.
# %%
from concurrent.futures import ThreadPoolExecutor

from trt_course.engine.base import Engine


class MakeBelieve(Engine):
    """Takes a GPU's time and leaves the CPU free."""

    def __init__(self, network):
        super().__init__()
        self.inputs = network.inputs
        self.outputs = network.outputs
        self.max_batch = 8
        self.runs = 0
        self.gpu = ThreadPoolExecutor(1, thread_name_prefix="GPU")

    def _work(self, pictures):
        with trace.span("network"):
            time.sleep(0.004 + 0.001 * pictures)
        self.runs += 1
        return self._arrays(self.outputs, pictures)

    def _start(self, request):
        tensor = request.inputs[self.inputs[0].name]
        return self.gpu.submit(self._work, len(tensor))

    def _finish(self, request):
        return request.pending.result()


# %% [markdown]
# `detect_many` is what `detect --fast` does: a thread for each source reads and fills, the main thread submits batches
# and decodes. Here it gets the clip twice.
# %%
from trt_course.throughput.many import detect_many


def overlapped(ssd, batch=None):
    """Frames a second with two readers, and each picture's ms from read to boxes."""
    spent = []

    def take(seen, found):
        spent.append(1000 * (time.perf_counter() - seen.read))

    openers = [functools.partial(open_source, clip)] * 2
    started = time.perf_counter()
    complaints = detect_many(ssd, openers, take, batch=batch)
    seconds = time.perf_counter() - started
    print(*complaints, end="")
    return len(spent) / seconds, np.array(spent)


network = ssd.engine
pretended = MakeBelieve(ssd.engine)
ssd.engine = pretended
with trace.tracing(out / "before.json"):
    before = plain(ssd)
with trace.tracing(out / "after.json"):
    after, spent = overlapped(ssd)
# %% [markdown]
# **Before you run it**: reading takes a few milliseconds, preparing less, our GPU 5. How many pictures a second will
# the plain loop make, and how many the overlapped one?
# %%
COLOURS = {
    "read": "#6aa3e0",
    "fill": "#e0a04a",
    "prepare": "#e0a04a",
    "network": "#2f8f4e",
    "decode": "#b98bd0",
    "wait": "#dfe4e8",
}


def timeline(path, axes, title, window=80):
    """Some milliseconds from the middle of a trace."""
    rows = spans(path)
    begin = np.median([start for _, _, start, _ in rows])
    tracks = sorted({track for track, _, _, _ in rows}, reverse=True)
    for stage, colour in COLOURS.items():
        for track, name, start, length in rows:
            left = start - begin
            if name == stage and -20 < left < window:
                y = tracks.index(track)
                axes.barh(y, length, left=left, color=colour, edgecolor="white")
    axes.set(xlim=(0, window), yticks=range(len(tracks)), yticklabels=tracks, title=title)


# %%
figure, (top, bottom) = plt.subplots(2, 1, figsize=(10, 4.6), gridspec_kw={"height_ratios": [2, 4]})
timeline(out / "before.json", top, f"plain loop: {before:.0f} a second")
timeline(out / "after.json", bottom, f"overlapped: {after:.0f} a second")
for stage in ("read", "fill", "network", "decode", "wait"):
    bottom.barh(0, 0, color=COLOURS[stage], label=stage.replace("fill", "fill, prepare"))
bottom.legend(ncol=5, loc="upper center", bbox_to_anchor=(0.5, -0.22), frameon=False)
bottom.set_xlabel("ms")
plt.tight_layout()
plt.show()

median = np.median(spent)
inside = after * median / 1000
print(f"inside at any moment: {after:.0f} a second x {median:.1f} ms = {inside:.1f} pictures")
# %% [markdown]
# **You should see**, above, work that jumps from one line to the other, and a GPU with gaps. Below, the green bar has
# no gaps any more; everything else is done meanwhile. What is left is the rule of overlap: **a second holds 1 / (the
# slowest stage)**, not 1 / (the sum). And the price: pictures that wait in line, as in step 1.
#
# Reading now waits for the GPU. So make the GPU faster, with batches. **Before you run it**: a batch of 8 takes 12 ms;
# that would be 667 a second. Will you get them?
# %%
from trt_course.lesson.show import show_table


def row_of(name, fps, ms, batch=1):
    gpu_alone = 1000 * batch / (4 + batch)
    return (name, f"{fps:.0f}", f"{ms:.0f}", f"{gpu_alone:.0f}")


rows = [
    row_of("plain loop", before, 1000 / before),
    row_of("overlapped", after, median),
]
for batch in (2, 4, 8):
    fps, spent = overlapped(ssd, batch)
    rows.append(row_of(f"overlapped, batch {batch}", fps, np.median(spent), batch))
show_table(rows, ["", "a second", "ms, median", "the GPU alone, a second"])
# %% [markdown]
# **You should see** that overlap helps much, batches help at first, and soon no more: now the CPU, which reads and
# fills, is the slowest stage, and a faster GPU gains nothing. Each step upwards moves the narrow place elsewhere.
# Meanwhile latency has grown. (The exact rates depend on your CPU, and on what else it does.)
#
# ## 5. On your CPU
#
# And without a GPU? Then reading, preparing and the network want *the same cores*. The network may have some threads of
# them. **Before you run it**: what will overlap bring?
# %%
from trt_course.lesson.show import on_gpu

ssd.engine = network
both = {
    "all cores": ssd,
    "1 thread": TrtSSD("ssd_mobilenet_v2_signs", backend="cpu", threads=1, verbose=False),
}
mine = {}
for name, detector in both.items():
    mine[f"plain loop, {name}"] = plain(detector)
    mine[f"overlapped, {name}"], _ = overlapped(detector)
rows = [(name, f"{fps:.0f}") for name, fps in mine.items()]
show_table(rows, ["network on the CPU", "a second"])
both["1 thread"].close()
# %% [markdown]
# **You should see** gains that are smaller than with a GPU; another run may change them by ten or twenty per cent.
# Where all cores are busy there is nothing left to overlap: a gain comes from moments in which the plain loop left a
# core idle, and with one thread for the network that is half of two cores. Which share of threads is best depends on
# cores, network and video, so the command *tries* it first:
# %%
from trt_course.__main__ import main

command = f"detect {clip} {clip} --fast --backend cpu --model ssd_mobilenet_v2_signs"
command += f" --out {out}/tables --trace {out}/trace.json"
status = main(command.split())
# %% [markdown]
# **You should see** what was tried, frames a second, and the time from frame to boxes. In a terminal this is
#
# ```
# python -m trt_course detect clip.mp4 clip.mp4 --fast --trace trace.json
# ```
#
# Open [ui.perfetto.dev](https://ui.perfetto.dev) and drop `out/13/trace.json` there: the same timeline, to zoom with
# the keys W and S. (The page reads the file in your browser.) It begins with the trying; `--threads 2` leaves that out.
# More about the command: [Throughput](../docs/throughput.md).
#
# ## 6. When readers are faster
#
# ![Readers take places in batches; batches go round](figures/places.svg)
#
# A reader takes a place in the batch that forms, and puts its picture there. There are only so many batches. When all
# are full or under way, the readers wait: that is *back-pressure*. The next cell counts the pictures between reading
# and boxes, with 4 batches, and with 152. (`depth` batches are under way at once, two more form or wait, and one more
# where that makes as many for each lane.)
#
# **Before you run it**: the readers could read 400 or 500 a second, the GPU takes 200. Will more batches be faster?
# %%
from trt_course.throughput.opening import InMemory

with open_source(clip) as video:
    pictures = list(video)


class Counted(InMemory):
    count = 0

    def read(self, timeout=None):
        time.sleep(0.004)
        Counted.count += 1
        return super().read()


def pictures_inside(depth):
    """At each picture that is done: the seconds so far, and the pictures still inside."""
    Counted.count = 0
    seconds = []
    inside = []

    def take(seen, found):
        inside.append(Counted.count - len(inside))
        seconds.append(time.perf_counter() - started)

    openers = [lambda: Counted(pictures * 2)] * 2
    started = time.perf_counter()
    detect_many(ssd, openers, take, batch=1, depth=depth)
    return seconds, inside


# %%
ssd.engine = pretended
figure, axes = plt.subplots(figsize=(9, 3))
for depth in (2, 150):
    seconds, inside = pictures_inside(depth)
    rate = len(inside) / seconds[-1]
    axes.plot(seconds, inside, label=f"{depth + 2} batches: {rate:.0f} a second")
axes.set(xlabel="seconds", ylabel="pictures inside", ylim=0)
axes.legend()
plt.show()
# %% [markdown]
# **You should see** much the same rate in the legend twice, and one line that stays flat while the other climbs until
# the readers are through. More batches bring no speed: the GPU is the slowest stage. They bring memory (each picture of
# 720p is 2.8 MB; an hour of surplus fills any machine) and age. Two under way and two that form are enough to keep a
# GPU busy.
#
# ## 7. The price of a batch
#
# Files are there at once. Cameras are not: a batch of 8 from two cameras has to wait for its last picture. So each
# batch has a *deadline*: so long after its first picture it goes, full or not.
#
# **Before you run it**: two cameras, 60 pictures a second together, batches of 8. Which deadline gives the least
# latency: 0, 30 or 300 ms? Which one leaves the GPU most time for others?
# %%
import random


class Camera(InMemory):
    """30 pictures a second, not quite evenly."""

    def read(self, timeout=None):
        time.sleep(random.expovariate(30))
        return super().read()


def two_cameras(deadline):
    """The ms of each picture, pictures a batch, and which share of the time the GPU had work."""
    spent = []

    def take(seen, found):
        spent.append(1000 * (time.perf_counter() - seen.read))

    openers = [lambda: Camera(pictures[:30])] * 2
    pretended.runs = 0
    started = time.perf_counter()
    detect_many(ssd, openers, take, batch=8, deadline=deadline / 1000)
    seconds = time.perf_counter() - started
    busy = 0.012 * pretended.runs / seconds  # a run of 8 takes 4 + 8 ms
    return spent, len(spent) / pretended.runs, busy


# %%
heads = ["deadline, ms", "pictures a batch", "GPU busy", "ms from picture to boxes, median", "p95"]
rows = []
for deadline in (0, 30, 300):
    spent, filled, busy = two_cameras(deadline)
    median, p95 = np.percentile(spent, [50, 95])
    row = (deadline, f"{filled:.1f}", f"{100 * busy:.0f} %", f"{median:.0f}", f"{p95:.0f}")
    rows.append(row)
show_table(rows, heads)
# %% [markdown]
# **You should see** that without any patience the batches are nearly empty, and the GPU works several times as much for
# the same pictures: it computes all 8 places, filled or not. With 300 ms the batches are full, the GPU rests, and the
# boxes are several times as old. In between lies a choice: the deadline is the most that filling a batch may add to a
# picture's age. `detect --fast` takes 20 ms; `--deadline` sets another one.
#
# ## 8. Frames that stay on the GPU
#
# Next narrow place: the way to the GPU. A frame of 1280 x 720 in BGR has 3 bytes a pixel. What a video decoder makes is
# NV12: a plane with the brightness of each pixel, and *one* pair of colours for each 2 x 2 pixels, because eyes see
# colour less sharply, and codecs use that. **Before you run it**: how many bytes a pixel is that?
# %%
import cv2

from trt_course.lesson.show import side_by_side

image = pictures[0].image
h, w = image.shape[:2]
planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)  # brightness, then the two colours
colours = planes[h:].reshape(2, h // 2, w // 2)
back = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
small = np.full((h, w), 255, np.uint8)  # both colours beside each other, on white
small[: h // 2, : w // 2] = colours[0]
small[: h // 2, w // 2 :] = colours[1]
side_by_side(
    [cv2.cvtColor(plane, cv2.COLOR_GRAY2BGR) for plane in (planes[:h], small)],
    [f"brightness, {w} x {h}", f"the two colours, {w // 2} x {h // 2} each"],
)

change = np.abs(image.astype(int) - back).mean()
print(f"{image.nbytes / 1e6:.2f} MB in BGR, {planes.nbytes / 1e6:.2f} MB in NV12")
print(f"there and back a value changes by {change:.1f} of 255 on average")
# %%
ways = {
    "the network's input: 1248 x 384, 3 colours, FP32": 1248 * 384 * 3 * 4,
    "the frame in BGR": w * h * 3,
    "the frame in NV12": w * h * 3 // 2,
    "decoded on the GPU: 100 boxes of 7 FP32 back": 100 * 7 * 4,
}
rows = []
for name, size in ways.items():
    gigabytes = 5000 * size / 1e9
    rows.append((name, f"{size:,}", f"{gigabytes:.2f}"))
show_table(
    rows,
    [
        "what crosses between host and GPU",
        "bytes a picture",
        "GB a second at 5,000 pictures a second",
    ],
)
# %% [markdown]
# **You should see** half the bytes for nearly the same picture (the clip's own codec had thrown those colours away
# already). And a list to go down, step by step: the network's input in FP32 is the *most* one can send, so put the
# recipe into the engine (`--preprocess engine`) and send bytes. Let the GPU's own video decoder make the frames; then
# they are there already, as NV12 (`--pixels nv12`), and only boxes come back. A slot for a graphics card ([PCIe 4.0, 16
# lanes](https://en.wikipedia.org/wiki/PCI_Express)) carries 32 GB a second at the very most, and the host's memory must
# keep up, too. A Jetson's CPU and GPU share one memory: there the decoder and the recipe gain, not the way.
#
# ## 9. Streams, contexts, graphs
#
# Our make-believe GPU did one run after the other. A real one can do more:
#
# * **Streams**: while one batch is computed, the next is copied in ([the picture of lesson 01](01_why_tensorrt.ipynb)).
# * **Contexts**: two batches on two streams, each with its memory, at the same time. Where the kernels of one leave
#   units idle, those of the other use them. If one batch fills the GPU, there is nothing to gain.
# * **CUDA graphs**: all launches of a run are recorded once and sent as one (the last row of the picture in step 3).
#   That helps where the launches were the price: small networks, small batches, a slow CPU; or one that has much else
#   to do, such as eight video decoders to feed.
#
# ## 10. The ladder
#
# Some rungs on your GPU, or the whole ladder from the saved results. (In the cell suppression stays on the host. Is
# that the narrow place? Add `nms="engine"` to the options, and see.) **Before you run it**: from the original loop to
# the top, on one and the same GPU: a factor of 5, of 10, or more?
# %%
from trt_course import Options, engine_from_onnx


class Again(InMemory):
    """The pictures again and again, for a second."""

    def __init__(self, frames):
        super().__init__(self._repeated(frames, end=time.perf_counter() + 1))

    @staticmethod
    def _repeated(frames, end):
        for frame in itertools.cycle(frames):
            if time.perf_counter() >= end:
                return
            yield frame


def one_by_one(gpu, batch):
    group = [frame.image for frame in pictures[:batch]]
    count = 0
    seconds = 0.0
    started = time.perf_counter()
    while seconds < 1:
        gpu.detect_batch(group)
        count += batch
        seconds = time.perf_counter() - started
    return count / seconds


# %%
def all_at_once(gpu):
    kept = []
    openers = [lambda: Again(pictures)] * 4
    started = time.perf_counter()
    detect_many(gpu, openers, lambda seen, found: kept.append(seen))
    return len(kept) / (time.perf_counter() - started)


def some_rungs():
    rungs = {}
    for batch in (1, 16):
        sizes = (batch, batch, batch)
        # level 0: built quickly
        options = Options("fp16", sizes, preprocess="engine", source=(w, h), level=0)
        plan = engine_from_onnx(ssd.spec, options, out=out / f"{options.name()}.engine")
        with TrtSSD(ssd.spec, plan=plan, lanes=2, verbose=False) as gpu:
            gpu.warm_up()
            rungs[f"batch {batch}, one after the other"] = one_by_one(gpu, batch)
            rungs[f"batch {batch}, overlapped"] = all_at_once(gpu)
    rows = [(name, f"{fps:.0f}") for name, fps in rungs.items()]
    show_table(rows, ["FP16, recipe inside", "pictures a second"])
    return rungs


on_gpu(some_rungs, saved="ladder")
# %% [markdown]
# Three climbs in one picture: the saved one, and those of the two studies that this lesson goes back to (SSD300 on
# older cards, another network with other pictures: compare the *slopes*, not the heights). Your CPU's figures of step 5
# stand beside them, with the smaller model.
# %%
rows = saved_table("ladder")
heads = list(rows[0])
column = next(head for head in heads if "a second" in head or "FPS" in head)
limits = {}  # of the engine and the decoder, each alone
rungs = {}
for row in rows:
    name = row[heads[0]]
    fps = number(row[column])
    if fps is None or "latency" in name:
        continue
    if "alone" in name:
        limits[name] = fps
    else:
        rungs[name] = fps
climbs = {
    "saved: H200": list(rungs.values()),
    "study: V100": [6, 80, 196, 336],
    "study: 2080 Ti, the last with two": [9, 16, 80, 125, 185, 235, 350, 930, 1240, 2530],
}
# %%
height = 1.5 + 0.25 * (len(rungs) + len(mine))
figure, (left, right) = plt.subplots(1, 2, figsize=(12, height))
left.barh(list(rungs), list(rungs.values()), color="#2f8f4e")
yours = [f"yours: {name}" for name in mine]
left.barh(yours, list(mine.values()), color="#6aa3e0")
last = len(rungs) + len(mine) - 1
for name, fps in limits.items():
    left.axvline(fps, color="#d1495b", linestyle="--")
    left.annotate(name, (fps, last), color="#d1495b", rotation=90, ha="left", va="bottom")
fastest = max(list(rungs.values()) + list(mine.values()) + list(limits.values()))
left.set(xscale="log", xlim=(1, 2 * fastest), xlabel="pictures a second")
left.invert_yaxis()

for name, fps in climbs.items():
    right.semilogy(range(1, len(fps) + 1), fps, "o-", label=name)
right.set(xlabel="rung", ylabel="pictures a second")
right.legend(loc="lower right")
plt.tight_layout()
plt.show()
# %% [markdown]
# **You should see** bars on a scale where each step is ten times the one before. The lower rungs come from waits that
# are left out and work that is taken off the host, the middle ones from batches and FP16, the upper ones from overlap.
# No single trick did it, and each paid because the one before had moved the narrow place.
#
# To read a ladder, put two limits beside it (dashed, where the saved table has them): **the engine alone**, back to
# back on what is on the GPU already, and **the decoder alone**, with nobody who looks at its frames. Nothing that
# begins with files can be faster than the *lower* of the two.
#
# * A rung at 90 % of the engine alone: overlap is done; only a faster engine helps (FP16, INT8, a smaller network).
# * A rung at 90 % of the decoder alone: no engine helps, only more decoders: several files at once (one file keeps one
#   decoder busy), another GPU, a smaller video.
# * A rung far below both: somebody waits. Take a trace and look for the gaps.
# * A rung that is no faster than the one before has met a limit, or there is noise. It may even be lower: readers that
#   copy at once get into each other's way, and with files the decoder comes in. Measure again before you explain.
#
# `python tools/bench_ladder.py` climbs all rungs on your GPU and measures both limits in the same run.
#
# ## 11. Exercises
#
# **13.1** Stages that overlap: `stages` has the milliseconds of a picture in each, `workers` how many threads or
# decoders do a stage at once (1 where it says nothing). Pictures a second?
# %%
from trt_course.lesson.check import check, summary


def pictures_a_second(stages, workers):
    # solution, stub: return ...
    shares = [ms / workers.get(stage, 1) for stage, ms in stages.items()]
    return 1000 / max(shares)
    # wrong: not their sum
    shares = [ms / workers.get(stage, 1) for stage, ms in stages.items()]
    return 1000 / sum(shares)
    # wrong: share the pictures
    return 1000 / max(stages.values())
    # wrong: the slowest
    shares = [ms / workers.get(stage, 1) for stage, ms in stages.items()]
    return 1000 / min(shares)
    # end


example = {"read": 4, "fill": 1, "network": 2.5, "decode": 0.5}
check(
    "13.1",
    [
        pictures_a_second(example, {}),
        pictures_a_second(example, {"read": 2}),
        pictures_a_second(example, {"read": 4, "fill": 4}),
    ],
    [250, 400, 400],
    hint=(
        "Several workers share the pictures: ms / workers for each stage. Then the slowest counts, "
        "not their sum."
    ),
)


# %% [markdown]
# **13.2** Pictures come evenly, `fps` a second, into batches of `batch`. How many milliseconds does the *first* picture
# of a batch wait until the batch goes, with a deadline of `deadline` ms?
# %%
def first_waits(batch, fps, deadline):
    # solution, stub: return ...
    full_after = 1000 * (batch - 1) / fps
    return min(full_after, deadline)
    # wrong: it does not wait for itself
    return min(1000 * batch / fps, deadline)
    # wrong: no longer than the deadline
    return 1000 * (batch - 1) / fps
    # wrong: not the mean
    full_after = 1000 * (batch - 1) / fps
    return min(full_after / 2, deadline)
    # end


check(
    "13.2",
    [first_waits(16, 3000, 20), first_waits(16, 120, 20), first_waits(1, 30, 20)],
    [5.0, 20.0, 0.0],
    hint=(
        "The first waits for batch - 1 others (it does not wait for itself), each 1000 / fps "
        "later; and no longer than the deadline. Wanted is the first, not the mean of all."
    ),
)


# %% [markdown]
# **13.3** With `--gpus 2` the sources are dealt out like cards, `lengths[0::2]` and `lengths[1::2]`, and the run ends
# with the last GPU. Which share of both GPUs' time is used? `lengths` are seconds of work for one GPU.
# %%
def efficiency(lengths, gpus):
    # solution, stub: return ...
    shares = [sum(lengths[gpu::gpus]) for gpu in range(gpus)]
    return sum(lengths) / (gpus * max(shares))
    # wrong: not the gain
    shares = [sum(lengths[gpu::gpus]) for gpu in range(gpus)]
    return sum(lengths) / max(shares)
    # wrong: is not cut in two
    return 1.0
    # wrong: the longest share
    shares = [sum(lengths[gpu::gpus]) for gpu in range(gpus)]
    return min(shares) / max(shares)
    # end


check(
    "13.3",
    [efficiency([60, 60], 2), efficiency([60, 60, 60], 2), efficiency([90, 10, 50, 10], 2)],
    [1.0, 0.75, 0.5714285714],
    hint=(
        "A source is not cut in two, so the longest share sets the time: all the work / (gpus x "
        "that time). That is a share from 0 to 1, not the gain."
    ),
)


# %% [markdown]
# **13.4** A pipeline from files, the engine alone and the decoder alone, in pictures a second. Which limit applies, and
# which share of it is reached? Give both figures as a list.
# %%
def limit(pipeline, engine, decoder):
    # solution, stub: return ...
    lower = min(engine, decoder)
    return [lower, pipeline / lower]
    # wrong: the lower of the two
    higher = max(engine, decoder)
    return [higher, pipeline / higher]
    # wrong: their times do not add up
    both = 1 / (1 / engine + 1 / decoder)
    return [both, pipeline / both]
    # end


check(
    "13.4",
    [limit(4400, 9000, 4700), limit(2700, 3000, 4700)],
    [[4700, 4400 / 4700], [3000, 0.9]],
    hint=(
        "Both work at the same time, so their times do not add up: the lower of the two limits "
        "applies."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * Latency and throughput are two questions; a machine that is always busy has a line before it.
# * Stages in a row: the share of what stays sets the gain. Stages that overlap: the slowest sets the rate.
# * Batches pay for what a run costs by itself: much on a large GPU, nothing on a CPU. They cost latency; a deadline
#   bounds it.
# * Few batches that go round keep memory as it is, and readers wait.
# * Half the bytes are good, and bytes that never travel are better.
# * Read a ladder against the engine alone and the decoder alone; the lower one is yours.
#
# **Next**: [14 The contest](14_contest.ipynb). More about the command: [Throughput](../docs/throughput.md).
# %%
ssd.engine = network
pretended.gpu.shutdown()
ssd.close()
plt.close("all")
summary()
