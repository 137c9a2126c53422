# The master of lesson 10; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 10 A camera that does not wait
#
# **You will learn** what happens when a camera is faster than the detector: three arrangements of the two, how old the
# boxes on the screen are, why there must be no queue between the threads, what a lock is for, and why an engine
# belongs to the thread that opened it.
#
# **You need** [lesson 07](07_detect_video.ipynb). **Time**: 40 minutes. **Machine**: any; a GPU is used for one cell
# if there is one.
# %% [markdown]
# ## 1. 30 frames a second, 40 ms each
#
# A camera gives a frame every 33 ms. A Jetson Nano needs about 40 ms to find the boxes in one. A file waits for you;
# a camera does not.
#
# So that you see the same figures on any machine, the detector of this lesson does nothing but need 40 ms. It waits,
# as Python does while a GPU works. The clip is played at its own 30 FPS: whoever asks late, misses frames.
# %%
import time

from trt_course import Detections

CLIP = "data/street.mp4"


class Slow:
    """A detector as a camera wants one, with detect and close.

    It finds nothing, and takes its time.
    """

    def __init__(self, ms=40):
        self.seconds = ms / 1000

    def detect(self, image, conf_th=None):
        time.sleep(self.seconds)
        return Detections()

    def close(self):
        pass


# %% [markdown]
# ## 2. The plain loop
#
# `sync` is the loop of [lesson 07](07_detect_video.ipynb): read a frame, detect, show, and again.
#
# **Before you run it**: the camera makes 30 frames a second, the detector manages 25. How many of them will you see in
# two seconds, and how old is a frame when its boxes are there?
# %%
from trt_course.camera import MODES


def watch(mode, every=1, seconds=2, ms=40):
    """Look through a camera for some seconds.

    Its counts, and the age of the boxes at each frame shown.
    """
    ages = []
    with MODES[mode](CLIP, lambda: Slow(ms), every=every) as camera:
        until = time.monotonic() + seconds
        for view in camera:
            if view.age is not None:
                ages.append((camera.counts().seconds, view.age))
            if time.monotonic() > until:
                break
        return camera.counts(), ages


counts, _ = watch("sync")
print(f"{counts.captured} captured, {counts.shown} shown, {counts.dropped} dropped")
print(counts.report())
# %% [markdown]
# **You should see** that not quite 25 frames were shown a second, and that about one in four was dropped: captured and
# never shown. ([What each count means](../docs/camera.md).) The boxes are 55 to 65 ms old, not 40: a frame is captured
# while the loop still works on the one before, and waits.
#
# ## 3. Three arrangements
#
# ![When each frame is captured, inferred and shown](figures/async_timing.svg)
#
# | arrangement | who reads | who infers |
# |---|---|---|
# | `sync` | your thread | your thread |
# | `child` | a child thread | the same child thread; yours only shows |
# | `async` | your thread | a child thread |
#
# Threads are enough, though only one at a time can run Python: OpenCV, ONNX Runtime and TensorRT let the others go on
# while they work. `every=3` gives the detector only every third frame.
#
# **Before you run it**: which of the four shows the most frames? Which has the oldest boxes?
# %%
runs = {"sync": counts}
for name, mode, every in (
    ("child", "child", 1),
    ("async", "async", 1),
    ("async, every=3", "async", 3),
):
    runs[name], _ = watch(mode, every)
for name, counts in runs.items():
    print(f"{name:<15} {counts.report()}")
# %%
import matplotlib.pyplot as plt


def bars(axes, shift, heights, label):
    places = [place + shift for place in range(len(heights))]
    axes.bar(places, heights, width=0.4, label=label)


all_counts = list(runs.values())
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.2))
bars(left, -0.2, [counts.shown / counts.seconds for counts in all_counts], "shown")
bars(left, 0.2, [counts.inferred / counts.seconds for counts in all_counts], "inferred")
bars(right, -0.2, [1000 * counts.age_p50 for counts in all_counts], "median")
bars(right, 0.2, [1000 * counts.age_p95 for counts in all_counts], "95 of 100 are younger")
left.set(title="frames a second", ylim=(0, 45))
right.set(title="age of the boxes, ms", ylim=(0, 200))
for axes in (left, right):
    axes.set_xticks(range(len(runs)))
    axes.set_xticklabels(runs)
    axes.legend(loc="upper left")
plt.show()
# %% [markdown]
# **You should see** about 23 frames a second for `sync` and `child`, and all 30 for `async`. `child` is no faster: it
# does the same work elsewhere, and leaves your thread free for a window or a page. `async` shows every frame, with the
# newest boxes there are. With `every=3` the detector rests more than half of the time, a Nano stays cool, and the boxes
# are about 100 ms old.
#
# So nothing is free. In `sync` and `child` the boxes fit the picture, and both are late. `async` shows the street as it
# is now, with boxes from a moment ago. Which of the two is worse?
#
# ## 4. How bad are old boxes?
#
# The clip comes with its truth. So we can draw on a frame the right boxes of an earlier one.
#
# **Before you run it**: at 100 ms, how far has a car moved off its box? At half a second?
# %%
import json

from trt_course import open_source
from trt_course.lesson.show import side_by_side
from trt_course.support.files import kit_path

truth = json.loads(kit_path("data/street.json").read_text())
frame_of = {row["id"]: row["frame"] for row in truth["images"]}
where = {}  # frame -> {track: box}
for row in truth["annotations"]:
    x, y, w, h = row["bbox"]
    boxes = where.setdefault(frame_of[row["image_id"]], {})
    boxes[row["track_id"]] = [x, y, x + w, y + h]
# %%
import cv2

NUMBER = 300
with open_source(CLIP) as video:
    image = next(frame.image for frame in video if frame.number == NUMBER)

pictures = []
captions = []
for old in (0, 3, 15):
    picture = image.copy()
    for box in where[NUMBER - old].values():
        x1, y1, x2, y2 = [int(round(side)) for side in box]
        cv2.rectangle(picture, (x1, y1), (x2, y2), (80, 40, 255), 2)
    pictures.append(picture[250:600])
    captions.append(f"{old} frames old, {1000 * old / 30:.0f} ms")
side_by_side(pictures, captions, columns=1)
# %% [markdown]
# **You should see** boxes that fit, boxes that fit nearly, and boxes that have lost their objects: first the near and
# the fast ones. Now in numbers: the overlap (IoU) of each box with the box of the same object some frames before.
# %%
import numpy as np

from trt_course.measure.voc import overlap


def slipped(old):
    """The overlap of each box with that of the same object `old` frames before."""
    overlaps = []
    for number, boxes in where.items():
        earlier = where.get(number - old, {})
        for track, box in boxes.items():
            if track in earlier:
                now = np.array([box])  # (1, 4)
                then = np.array([earlier[track]])
                overlaps.append(overlap(now, then)[0, 0])
    return np.array(overlaps)


for old in (0, 1, 2, 3, 4, 6, 9, 15):
    values = slipped(old)
    right = 100 * (values >= 0.5).mean()
    print(
        f"{old:>2} frames, {1000 * old / 30:>3.0f} ms: mean overlap {values.mean():.2f}", end=", "
    )
    print(f"at least 0.5: {right:>5.1f} %")
# %% [markdown]
# **You should see** a mean overlap of 0.74 at 100 ms: about one box in seven is no longer right by the rule of
# [lesson 08](08_evaluate_map.ipynb) (an overlap of at least 0.5). At half a second it is six in ten. This is the price
# of age in *this* street, at this speed; a robot's arm or a football has another one.
#
# ## 5. A queue is not the answer
#
# The notes that this lesson goes back to had the right idea, capture in the main thread and infer in a child. They put
# every third frame into a *queue* of any length. That goes well while the detector keeps up. Here it needs 150 ms.
#
# **Before you run it**: ten frames a second go in, less than seven come out. What happens to the age of the boxes?
# %%
import queue
import threading


class Child(threading.Thread):
    """As in the notes: it infers what comes out of a queue, here the moments of capture."""

    def __init__(self, ms):
        super().__init__()
        self.detector = Slow(ms)
        self.waiting = queue.Queue()
        self.newest = None  # when the frame of the newest boxes was captured

    def run(self):
        for captured in iter(self.waiting.get, None):  # until there is a None
            self.detector.detect(None)
            self.newest = captured


# %%
def with_queue(seconds, ms=150):
    """Every third frame goes into the queue.

    The age of the boxes at each frame, as `watch` gives it.
    """
    child = Child(ms)
    ages = []
    started = time.monotonic()
    child.start()
    for number in range(30 * seconds):
        moment = number / 30
        time.sleep(max(0, started + moment - time.monotonic()))
        now = time.monotonic()
        if number % 3 == 0:
            child.waiting.put(now)
        if child.newest is not None:
            ages.append((moment, now - child.newest))
    print(child.waiting.qsize(), "frames are still in the queue")
    child.waiting.queue.clear()
    child.waiting.put(None)  # the notes never did this: their thread never ended
    child.join()
    return ages


# %%
queued = with_queue(3)
_, replaced = watch("async", every=3, seconds=3, ms=150)
plt.figure(figsize=(9, 3))
for ages, label in (
    (queued, "a queue"),
    (replaced, "one place: a newer frame replaces one that waits"),
):
    seconds = [moment for moment, _ in ages]
    plt.plot(seconds, [1000 * age for _, age in ages], label=label)
plt.xlabel("seconds")
plt.ylabel("age of the boxes, ms")
plt.ylim(0)
plt.legend()
plt.show()


# %% [markdown]
# **You should see** one line that climbs and never comes back, and one that goes up and down and stays where it is.
# After three seconds the difference looks harmless. Exercise 10.2 asks about a minute; and in the end memory is full,
# for each waiting frame is a picture of 2.8 MB.
#
# So between the threads of `AsyncCamera` there is *one place*. A new frame replaces one that still waits there. That
# loses frames on purpose, always the oldest, and boxes never get older than one wait and one inference.
#
# ## 6. Whoever starts a thread must end it
#
# The second fault of the notes: nothing ever told the child to stop. The process then stays when the main thread is
# through, the camera stays busy, and on a GPU a context is left on its stack. A `with` block ends what it began:
# %%
def alive():
    return [thread.name for thread in threading.enumerate() if thread.name == "detector"]


with MODES["async"](CLIP, Slow) as camera:
    camera.read()
    print("inside:", alive())
print("after: ", alive())
# %% [markdown]
# **You should see** one thread inside the block and none after it, also when an error ends the block.
#
# ## 7. The trap: threads and contexts
#
# On a GPU there is one more rule. CUDA keeps a stack of *contexts* for each thread: what the GPU knows of your program,
# its memory and its engines. A context is current in the thread that has pushed it, and in no other. Python's own
# `threading.local` is made in the same way, so it can stand in for that stack here:
# %%
from concurrent.futures import ThreadPoolExecutor

from trt_course import CourseError

stack = threading.local()
stack.context = "the context of the main thread"


def in_another_thread(work):
    """What work() gives in a thread of its own, or the sentence of its CourseError."""
    with ThreadPoolExecutor(1) as pool:
        try:
            return pool.submit(work).result()
        except CourseError as err:
            return f"refused: {err}"


def look():
    return getattr(stack, "context", "nothing is here")


print("main thread:   ", look())
print("another thread:", in_another_thread(look))
# %% [markdown]
# **You should see** that the other thread finds nothing, though it is the same variable of the same program. With
# CUDA the message is `invalid resource handle` or `invalid device context`, and it is one of the commonest questions
# about TensorRT in Python. Its sister, `context stack was not empty`, comes when a thread pushed a context and ended,
# or never ended, without taking it off again.
#
# So the rule is: **the thread that infers opens the engine, uses it and closes it.** That is why a camera takes a
# function that *makes* the detector, and not a detector: `AsyncCamera(source, lambda: TrtSSD(...))`.
#
# **Before you run it**: here a detector is opened in the main thread and used in another one. Which of the three lines
# brings boxes?
# %%
from trt_course import Options, TrtSSD, engine_from_onnx, find_model
from trt_course.lesson.show import on_gpu

spec = find_model("ssd_mobilenet_v2_signs")


def trap():
    plan = engine_from_onnx(spec, Options("fp16", level=0), out="out/10/quick.engine")

    def of_its_own():
        with TrtSSD(spec, plan=plan, verbose=False) as ssd:
            return ssd.detect(image)

    with TrtSSD(spec, plan=plan, verbose=False) as ssd:
        print("opened here, used here:     ", ssd.detect(image))
        print("opened here, used elsewhere:", in_another_thread(lambda: ssd.detect(image)))
    print("opened and used elsewhere:  ", in_another_thread(of_its_own))
    return "a sentence, where CUDA alone would fail in its own words"


on_gpu(trap, saved="threads")
# %% [markdown]
# **You should see** the first and the third line bring boxes, and the second a refusal that says what to do: the
# engine remembers its thread and asks, before CUDA can fail in its own words. ONNX Runtime on the CPU has no such rule.
# That makes the trap worse: a program that works on your laptop fails on the Jetson. Write it for the stricter one.
#
# ## 8. See it live
#
# A viewer for this page: a camera of the kind `async` in a thread of its own, so that cells stay free. For a camera of
# yours take another source: `"0"` for the first USB camera, or an address `rtsp://...`
# ([Video and cameras](../docs/video.md)).
# %%
from trt_course.lesson.widgets import CameraView

view = CameraView(CLIP, models=["ssd_mobilenet_v2_signs", "ssd_resnet18_traffic"])
view
# %%
view.start()
time.sleep(3)
print(view.line.value)
# %%
view.stop()
print(view.line.value)
# %% [markdown]
# **You should see**, above, the street moving for some seconds, then standing still. Press *Start* and look again; the
# clip runs in a loop. Move *Confidence*, choose classes and the other model, which takes longer: the line below the
# picture tells frames a second and the age of the boxes. Does the picture run less smoothly with the slower model?
#
# ## 9. Exercises
#
# **10.1** How many frames a second does the plain loop show, for a camera of `fps` and a detector that needs `ms`
# milliseconds? Leave small losses out.
# %%
from trt_course.lesson.check import check, summary


def plain_loop(fps, ms):
    # solution, stub: return ...
    return min(fps, 1000 / ms)
    # wrong: never more than the camera gives
    return 1000 / ms
    # wrong: both happen at the same time
    return 1000 / (1000 / fps + ms)
    # end


check(
    "10.1",
    [plain_loop(30, 40), plain_loop(30, 10), plain_loop(60, 20)],
    [25.0, 30.0, 50.0],
    hint=(
        "The detector manages 1000 / ms; never more than the camera gives. The camera goes on "
        "while you infer: both happen at the same time."
    ),
)


# %% [markdown]
# **10.2** `fps` frames a second go into a queue, each takes `ms` milliseconds to infer. How many *seconds* old are the
# newest boxes after `seconds`? Think of the frame that is being taken out of the queue then: which one is it, and when
# was it captured?
# %%
def age_in_queue(seconds, fps, ms):
    # solution, stub: return ...
    done = min(seconds * 1000 / ms, seconds * fps)
    return seconds - done / fps
    # wrong: not the number of frames
    done = seconds * 1000 / ms
    return max(0, seconds * fps - done)
    # wrong: never less than 0
    done = seconds * 1000 / ms
    return seconds - done / fps
    # end


check(
    "10.2",
    [age_in_queue(60, 10, 150), age_in_queue(60, 30, 40), age_in_queue(60, 10, 40)],
    [20.0, 10.0, 0.0],
    hint=(
        "After `seconds`, seconds * 1000 / ms frames are done, and the next was captured at done / "
        "fps. Wanted is its age, not the number of frames; an age is never less than 0, for no "
        "frame is done before it is there."
    ),
)
# %% [markdown]
# **10.3** The third fault of the notes: the child wrote boxes and names one after the other, and
# the main thread read them without the lock. Between the two writes the names are of an older frame
# than the boxes.
#
# Real threads meet at that moment once in a thousand frames, and never while you look. So here the
# turns are dealt by hand, and are the same on any machine: the child makes one of its two writes
# before each of your readings, and one whenever you ask for the lock. If the child has the lock
# itself, you wait until its frame is whole. Write `newest`, which returns boxes and names of *one*
# frame.
# %%
shared = {"boxes": 0, "names": 0}


def childs_turn():
    """The child's next write. Here boxes and names are only the number of their frame."""
    if shared["boxes"] == shared["names"]:
        shared["boxes"] += 1  # it has taken the lock and begins a frame
    else:
        shared["names"] += 1  # it ends the frame and gives the lock back


class Lock:
    """The lock as you see it: while you hold it, the child has no turn."""

    def __enter__(self):
        childs_turn()
        while shared["boxes"] != shared["names"]:
            childs_turn()  # you wait: the child has the lock

    def __exit__(self, *_):
        pass


lock = Lock()


# %%
def count_torn(newest, reads=100):
    """How many of so many readings mix two frames; ... where nothing is read yet."""
    torn = 0
    for _ in range(reads):
        childs_turn()
        pair = newest()
        if pair is ...:
            return ...
        boxes, names = pair
        if boxes != names:
            torn += 1
    return torn


# %%
def newest():
    # solution, stub: return ...
    with lock:
        return shared["boxes"], shared["names"]
    # wrong: without the lock
    return shared["boxes"], shared["names"]
    # wrong: hold it for both
    with lock:
        boxes = shared["boxes"]
    # here it draws the boxes
    with lock:
        return boxes, shared["names"]
    # end


check(
    "10.3",
    count_torn(newest),
    0,
    hint=(
        "Do not read without the lock: `with lock:`. Take it once and hold it for both; draw after "
        "that."
    ),
)
# %% [markdown]
# `Detections` makes this easier: boxes, confidences and classes are one object that nobody can change, so one store
# hands over all.
#
# ## What you have learned
#
# * A live camera does not wait. You choose what you lose: frames, or the freshness of the boxes.
# * The age of the boxes is a figure of its own, and frames a second say nothing of it.
# * Between a fast and a slow thread belongs one place, not a queue; what is shared goes over under one lock, whole.
# * The thread that infers opens, uses and closes the engine.
#
# More, with the command line: [A camera and a slower detector](../docs/camera.md).
#
# **Next**: [11 Precision and accuracy](11_precision_and_accuracy.ipynb) makes the detector itself faster, with smaller
# numbers in the network, and asks what that costs.
# %%
view.stop()
summary()
