# The master of lesson 09; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 09 Measure frames a second
#
# **You will learn** to say FPS *of what*; why the first runs are left out and one figure is not enough; which
# averages, clocks and loops lie; and what else must stand beside a figure: threads, power mode, machine.
#
# **You need** [lesson 07](07_detect_video.ipynb). **Time**: 40 minutes. **Machine**: any; a GPU is used if there is
# one. Close other programs while you measure.
# %% [markdown]
# ## 1. FPS of what?
#
# ![Six stages; engine, detect and video take in more and more of them](figures/scopes.svg)
#
# "It runs at 150 FPS", says one; "with me it makes 20", says the other, with the same model on the same board. Both
# may be right: they count different stages. In this kit each figure names its scope: *engine*, *detect* or *video*.
#
# The next cell goes from file to file once, and takes the time of each stage. **Before you run it**: by what factor
# will the three figures differ on your machine?
# %%
from trt_course import TrtSSD
from trt_course.lesson.show import show_table
from trt_course.measure.fps import bench

ssd = TrtSSD("ssd_mobilenet_v2_signs")
timing = bench(ssd, "data/street.mp4", scope="video", frames=90, out="out/09/bench.mp4")
stages = timing.stages
engine = stages["infer"]
detect = engine + stages["preprocess"] + stages["decode"]
show_table(
    [
        ("engine", f"{1000 / engine:.1f}"),
        ("detect", f"{1000 / detect:.1f}"),
        ("video", f"{timing.fps:.1f}"),
    ],
    ["scope", "FPS, while the whole way runs"],
)
# %%
import matplotlib.pyplot as plt

plt.figure(figsize=(9, 1.9))
left = 0.0
colours = ("#8796a5", "#6aa3e0", "#2f8f4e", "#e0a04a", "#b98bd0", "#d1495b")
for (stage, ms), colour in zip(stages.items(), colours):
    plt.barh(0, ms, left=left, color=colour, label=f"{stage} {ms:.1f}")
    left += ms
plt.yticks([])
plt.xlabel("median milliseconds of a frame, stage after stage")
plt.legend(ncol=6, loc="upper center", bbox_to_anchor=(0.5, 1.35), frameon=False, columnspacing=1)
plt.show()
# %% [markdown]
# **You should see** three figures for one run, and where a frame's time goes. On a CPU the network is the largest
# part; here the network is small and the video large, so writing it is not far behind. On a fast GPU the green part
# is a sliver, and a faster network would change little.
#
# ## 2. Warm-up
#
# **Before you run it**: a fresh detector, 40 times the same work. Which of the calls is the slowest?
# %%
import itertools
import time

import numpy as np

from trt_course import images_in, read_image
from trt_course.support.files import kit_path

images = [read_image(path) for path in images_in(kit_path("data/signs/images"))]


def times_of(detector, count):
    """Milliseconds of `count` detections, each on another picture."""
    spent = []
    for image in itertools.islice(itertools.cycle(images), count):
        started = time.perf_counter()
        detector.detect(image)
        seconds = time.perf_counter() - started
        spent.append(1000 * seconds)
    return np.array(spent)


# %%
started = time.perf_counter()
fresh = TrtSSD("ssd_mobilenet_v2_signs", verbose=False)
opening = 1000 * (time.perf_counter() - started)
first = times_of(fresh, 40)
fresh.close()
later = np.median(first[20:])
print(f"opening {opening:.0f} ms, first call {first[0]:.1f} ms", end=", ")
print(f"median of the last 20 {later:.1f} ms")
# %% [markdown]
# **You should see** that opening takes several times as long as a detection, and the first call longer than most
# later ones: memory is fetched, threads are started, on a GPU kernels are loaded and the clocks have to rise. Who
# wants to know how fast a camera is served leaves that out (`bench` leaves out 10 frames). Who starts a program anew
# for each picture must count it in.
#
# ## 3. Median, p95 and spread
#
# **Before you run it**: 200 detections of pictures of one size by one network. By how much will the slowest differ
# from the median: 5 %, 50 %, 500 %?
# %%
times = times_of(ssd, 210)[10:]
median, p95 = np.percentile(times, [50, 95])
plt.figure(figsize=(9, 3))
plt.plot(times, ".", markersize=4)
plt.axhline(median, color="#2f8f4e", label=f"median {median:.1f} ms")
plt.axhline(p95, color="#d1495b", label=f"p95 {p95:.1f} ms")
plt.xlabel("detection")
plt.ylabel("milliseconds")
plt.ylim(0, 1.1 * times.max())
plt.legend(loc="lower right")
plt.show()
# %% [markdown]
# **You should see** a band, dots above it, perhaps even a step: from then on something else had a part of the
# processor. The *median* is the usual frame, whatever the few slow ones do. *p95* is what 95 of 100 frames stay
# under: a live display stutters by that one, not by the median. And what will another run give? Look at the parts of
# this one:
# %%
parts = [1000 / part.mean() for part in np.array_split(times, 10)]
over_all = 1000 / times.mean()
farthest = max(abs(fps - over_all) for fps in parts)
print("parts:", " ".join(f"{fps:.0f}" for fps in parts))
print(f"{over_all:.1f} FPS +- {100 * farthest / over_all:.0f} %")


# %% [markdown]
# **You should see** ten figures for one and the same thing. The largest deviation is the *spread*; `bench` prints it
# with each result. If your change made things 5 % faster and the spread is 20 %, you have measured nothing yet: close
# programs, take more frames, and measure old and new *in turns*, not one after the other.
#
# ## 4. Averages that lie
#
# Frames a second are all frames divided by all the time. Others compute FPS for each frame, and average these. The
# original course goes one step further: a running average that *begins with the video's own frame rate*. **Before you
# run it**: which comes out too high, and why?
# %%
def running(times, seed):
    shown = []
    fps = seed
    for ms in times:
        fps = 0.95 * fps + 0.05 * 1000 / ms
        shown.append(fps)
    return shown


hiccups = times.copy()
hiccups[::10] += 200  # as when a disk or a window holds up each tenth frame
for name, ms in (("as measured", times), ("with hiccups", hiccups)):
    by_time = 1000 / ms.mean()
    of_rates = (1000 / ms).mean()
    print(f"{name:<13} all frames by all time {by_time:6.1f}   mean of the rates {of_rates:6.1f}")
# %% [markdown]
# **You should see** two figures that are close in the first row, and far apart in the second: the mean of the rates
# hardly notices the hiccups, for a slow frame is one small number among many. But a slow frame takes *long*, and you
# wait all that time. Now the running average, on a machine that really makes 10 FPS:
# %%
steady = np.full(80, 100.0)  # ms
plt.figure(figsize=(8, 3))
for seed in (60, 30, 10):
    plt.plot(running(steady, seed), label=f"video of {seed} FPS")
plt.axhline(10, color="black", linewidth=1, linestyle="--")
plt.xlabel("frame")
plt.ylabel("FPS shown")
plt.ylim(0)
plt.legend()
plt.show()


# %% [markdown]
# **You should see** three answers to one question. After 20 frames (two seconds) more than a third of the seed is
# still in the figure; the 60 FPS clip "runs" at 28. Measured on a short clip, the detector seems faster the faster
# the *clip* is.
#
# ## 5. Clocks that lie
#
# The original course took its times with `time.clock()`. On Linux that counted the seconds in which the *processor*
# worked for this program, not those that passed; Python 3.8 removed it. Today it is called `time.process_time()`.
# **Before you run it**: how long does a sleep of 0.3 s take by each of the two clocks? And 20 detections?
# %%
def two_clocks(work):
    started = time.perf_counter()
    worked_before = time.process_time()
    work()
    passed = time.perf_counter() - started
    worked = time.process_time() - worked_before
    return [f"{passed:.2f} s", f"{worked:.2f} s"]


rows = [
    ["sleep(0.3)"] + two_clocks(lambda: time.sleep(0.3)),
    ["20 detections"] + two_clocks(lambda: times_of(ssd, 20)),
]
show_table(rows, ["", "perf_counter: time that passed", "process_time: time of all cores"])
# %% [markdown]
# **You should see** that sleeping took no time at all by the second clock: so does *waiting for a camera or a disk*,
# often also for a GPU, and FPS comes out far too high. Where the network runs on several cores, their times are added
# up, and FPS comes out too low. Take `time.perf_counter()`.
#
# ## 6. Frames that are no frames
#
# A camera gives 10 pictures a second. The loop below always takes the newest one and detects in it. **Before you run
# it**: how many FPS will it report?
# %%
started = time.perf_counter()
seen = []
seconds = 0.0
while seconds < 2:
    number = int(10 * seconds)  # the newest picture of our camera
    ssd.detect(images[number])
    seen.append(number)
    seconds = time.perf_counter() - started
print(f"{len(seen) / seconds:.1f} detections a second")
print(f"{len(set(seen)) / seconds:.1f} unique frames a second")
# %% [markdown]
# **You should see** two figures, and the second cannot be more than 10. The loop detects in the same picture again
# and again; no boxes get newer by that. The same happens with one picture in a loop, or a short clip that starts
# anew: what is read again comes from memory, already decoded. `bench` takes each frame once and ends with the source.
# (If your machine detects slower than 10 times a second, the two are the same.)
#
# ## 7. Threads
#
# ONNX Runtime uses one thread a core. `threads=` sets another number. **Before you run it**: are two threads twice as
# fast as one? We measure in turns, and take the median of all turns.
# %%
detectors = {}
spent = {}
for threads in (1, 2):
    detectors[threads] = TrtSSD(
        "ssd_mobilenet_v2_signs", backend="cpu", threads=threads, verbose=False
    )
    spent[threads] = []
for _ in range(4):
    for threads, detector in detectors.items():
        spent[threads].extend(times_of(detector, 12)[2:])

for threads, detector in detectors.items():
    median, p95 = np.percentile(spent[threads], [50, 95])
    print(f"{threads} thread(s): median {median:.1f} ms, p95 {p95:.1f} ms")
    detector.close()
# %% [markdown]
# **You should see** that two threads are faster, but not twice: parts of the work cannot be divided, and at each layer
# one waits for the other. Are yours no faster, or even slower? Then another program wants the second core, and the
# thread that has to share sets the pace for both. More threads than free cores do harm.
#
# ## 8. The machine behind the figure
#
# A figure without its machine cannot be compared. `bench` keeps what it can read:
# %%
from trt_course.support import machine

show_table(sorted(timing.context.items()), ["what", "here"])
print("held back by heat or power just now:", machine.throttled())
# %% [markdown]
# **You should see** processor and versions; on a Jetson also its model, its *power mode* and its heat, with an NVIDIA
# card its clock. A Jetson has several power modes, in which fewer cores and lower clocks are allowed. Before you
# measure there:
#
# ```
# sudo nvpmodel -q      # which mode is it?
# sudo nvpmodel -m 0    # mode 0: on a Nano 10 W; /etc/nvpmodel.conf lists the modes of your board
# sudo jetson_clocks    # hold the clocks at the top; else they rise only under load
# ```
#
# `nvpmodel` says what is allowed, `jetson_clocks` takes all that is allowed. Without the second, a short measurement
# is over before the clocks have risen. And a small heat sink gets hot: the first minute is not the tenth. If the line
# above says True, clocks are held down: by heat, by a weak power supply, or because the processor was just idle. Let
# it work, and look again.
#
# ## 9. On a GPU
#
# The same model with TensorRT, *detect* from picture to boxes. Where there is no GPU, a saved result is shown,
# of the traffic model. Look for the scope of each of its figures first.
# %%
from trt_course import Options, engine_from_onnx
from trt_course.lesson.show import on_gpu


def with_tensorrt():
    options = Options("fp16", level=0)  # built quickly
    plan = engine_from_onnx(ssd.spec, options, out="out/09/quick.engine")
    with TrtSSD("ssd_mobilenet_v2_signs", plan=plan) as fast:
        whole = bench(fast, "data/street.mp4", scope="detect", frames=200)
        alone = bench(fast, "data/street.mp4", scope="engine", frames=200)
    print(whole.report())
    return f"the engine with its copies: {alone.fps:.0f} FPS"


on_gpu(with_tensorrt, saved="h200")
# %% [markdown]
# **You should see** your own figures, or a table with the words *Not run here*. The faster the GPU, the farther apart
# are the network alone and the whole way; and batches help the network more than they help you, if your pictures come
# one by one. [Lesson 13](13_throughput.ipynb) climbs that ladder.
#
# ## 10. Exercises
#
# **09.1** Here are the milliseconds of some frames. Leave out the first `warm_up` of them, and return FPS, median and
# p95 of the rest, as a list.
# %%
from trt_course.lesson.check import check, summary
from trt_course.measure.fps import Timing


def figures(milliseconds, warm_up):
    # solution, stub: return ...
    rest = np.array(milliseconds[warm_up:])
    return [1000 / rest.mean(), np.median(rest), np.percentile(rest, 95)]
    # wrong: leave out the warm-up
    rest = np.array(milliseconds)
    return [1000 / rest.mean(), np.median(rest), np.percentile(rest, 95)]
    # wrong: not the mean of the rates
    rest = np.array(milliseconds[warm_up:])
    return [(1000 / rest).mean(), np.median(rest), np.percentile(rest, 95)]
    # wrong: p95 is not the largest
    rest = np.array(milliseconds[warm_up:])
    return [1000 / rest.mean(), np.median(rest), rest.max()]
    # end


sample = [400, 90, 20, 21, 19, 20, 22, 60, 20, 18, 20, 40]
facts = Timing("detect", "sample", np.array(sample[2:]), {}, {}).as_dict()
check(
    "09.1",
    figures(sample, 2),
    [facts["fps"], facts["p50_ms"], facts["p95_ms"]],
    hint=(
        "First leave out the warm-up. FPS is 1000 by the mean time, not the mean of the rates; p95 "
        "is not the largest, but np.percentile(rest, 95)."
    ),
)


# %% [markdown]
# **09.2** The network becomes `factor` times as fast, all else stays. How many FPS is that from file to file, if the
# stages come one after the other? `stages` is a dictionary of milliseconds, as above.
# %%
def fps_with_faster_network(stages, factor):
    # solution, stub: return ...
    network = stages["infer"]
    others = sum(stages.values()) - network
    return 1000 / (others + network / factor)
    # wrong: Only the network
    return 1000 / (sum(stages.values()) / factor)
    # wrong: the other stages stay
    return 1000 / (stages["infer"] / factor)
    # end


example = {"read": 3, "preprocess": 1, "infer": 40, "decode": 1, "draw": 1, "write": 4}
check(
    "09.2",
    [fps_with_faster_network(example, 2), fps_with_faster_network(example, 100)],
    [1000 / 30, 1000 / 10.4],
    hint=(
        "Only the network gets faster, so divide its milliseconds alone; but the other stages stay "
        "in the sum."
    ),
)


# %% [markdown]
# **09.3** A program that watches a camera noted the number of each frame in which it detected, over `seconds`. How
# many unique frames a second is that?
# %%
def unique_fps(numbers, seconds):
    # solution, stub: return ...
    return len(set(numbers)) / seconds
    # wrong: Count each number once
    return len(numbers) / seconds
    # wrong: was never looked at
    return (max(numbers) - min(numbers) + 1) / seconds
    # end


check(
    "09.3",
    unique_fps([5, 5, 5, 6, 6, 8, 8, 8, 9, 9], 0.5),
    8.0,
    hint=(
        "Count each number once; and 7, which the camera gave, was never looked at, so it does not "
        "count."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * FPS without a scope is no figure: engine, detect or video.
# * Leave out the warm-up; give median, p95 and spread; divide all unique frames by all the time that passed.
# * `time.clock`, seeded averages and repeated frames make fast programs out of slow ones.
# * Threads, power mode, clocks and heat belong beside the figure.
#
# **Next**: in [lesson 10](10_async_camera.ipynb) the frames come from a camera that does not wait. To compete with
# honest figures: [14 The contest](14_contest.ipynb).
# %%
ssd.close()
summary()
