# The master of lesson 14; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 14 The contest
#
# **You will learn** how a team hands in and how hand-ins are ranked, what each of the points means, why accuracy and
# speed must come from one run, how to restructure the inference class without changing a box, and how an organiser
# sees that somebody has been too clever.
#
# **You need** lessons [06](06_detect_directory.ipynb), [08](08_evaluate_map.ipynb) and [09](09_measure_fps.ipynb).
# **Time**: 45 minutes. **Machine**: any; a GPU is used if there is one.
# %% [markdown]
# ## 1. The rules
#
# Teams make the detection of traffic fast and accurate. The points go by rank, so it counts how many are better than
# you, and not by how much. These are the names of the original course:
#
# | points | formula | for |
# |---|---|---|
# | `accFinal` | 60 - (accRank - 1) | mAP, VOC style at an overlap of 0.5 |
# | `fpsFinal` | 30 - (fpsRank - 1) x 0.5 | frames a second, from a frame in memory to its boxes |
# | `isRestructure` | 5 | an inference class that you have restructured, or wrapped in C or C++ |
# | `isOthermodel` | 3 or 5 | another backbone (3), or another detector (5) |
# | `Final` | the sum | |
#
# **14.1** Write the formula. `other` is `None`, `"backbone"` or `"detector"`.
# %%
from trt_course.lesson.check import check, summary


def final(acc_rank, fps_rank, restructured=False, other=None):
    # solution, stub: return ...
    points = 60 - (acc_rank - 1)
    points += 30 - (fps_rank - 1) * 0.5
    if restructured:
        points += 5
    extra = {None: 0, "backbone": 3, "detector": 5}
    return points + extra[other]
    # wrong: ranks start at 1
    points = 60 - acc_rank
    points += 30 - fps_rank * 0.5
    if restructured:
        points += 5
    extra = {None: 0, "backbone": 3, "detector": 5}
    return points + extra[other]
    # wrong: half a point a rank
    points = 60 - (acc_rank - 1)
    points += 30 - (fps_rank - 1)
    if restructured:
        points += 5
    extra = {None: 0, "backbone": 3, "detector": 5}
    return points + extra[other]
    # wrong: not both
    points = 60 - (acc_rank - 1)
    points += 30 - (fps_rank - 1) * 0.5
    if restructured:
        points += 5
    if other is not None:
        points += 5
    return points
    # end


check(
    "14.1",
    [
        final(1, 1),
        final(3, 6),
        final(1, 11, True),
        final(10, 9, True, "detector"),
        final(12, 8, False, "backbone"),
    ],
    [90.0, 85.5, 90.0, 87.0, 78.5],
    hint=(
        "The ranks start at 1, and the first loses nothing. FPS cost half a point a rank. Another "
        "backbone gives 3, another detector 5, not both."
    ),
)
# %% [markdown]
# ## 2. A small contest
#
# The real one takes 60 pictures and the whole clip. So that you need not wait, ours takes 12 pictures and 50
# frames, the least that counts.
# %%
import itertools
import shutil
from pathlib import Path

from trt_course import VideoWriter, open_source
from trt_course.support.files import kit_path

small = Path("out/14/small")
clip = Path("out/14/clip.mp4")
handins = Path("out/14/handins")
shutil.rmtree("out/14", ignore_errors=True)  # hand-ins of a run before would be ranked, too
for part, ending in (("images", "jpg"), ("ground-truth", "txt")):
    (small / part).mkdir(parents=True)
    for number in range(12):
        name = f"{part}/{number:06d}.{ending}"
        shutil.copy(str(kit_path("data/traffic/" + name)), str(small / name))
with open_source("data/street.mp4") as video, VideoWriter(clip, video.fps) as writer:
    for frame in itertools.islice(video, 50):
        writer.write(frame.image, frame.time)
# %% [markdown]
# `pack` detects in each picture and in each frame, once, at confidence 0.01, and writes one file. In a terminal that is
# `python -m trt_course contest pack --team "Your team" --model ssd_resnet18_traffic`.
#
# **Before you run it**: what must be in the file, so that somebody else can compute mAP and FPS from it?
# %%
from trt_course import TrtSSD
from trt_course.contest.board import rank, write_board
from trt_course.contest.pack import pack

ssd = TrtSSD("ssd_resnet18_traffic")
path = pack(ssd, "Your team", small, clip, out=handins)
print(path)
# %%
import json

yours = json.loads(path.read_text())
for key, value in sorted(yours.items()):
    print(f"{key:<14} {json.dumps(value)[:90]}")
# %% [markdown]
# **You should see** raw boxes; a time for each picture and each frame, for the engine alone at every fifth frame
# (`engine_ms`), and for everything else (`other_ms`); the machine; and digests (SHA-256) of model, pictures and video.
# Anyone who has the same files gets the same digests. mAP and FPS are *not* in it. The organiser computes them, in the
# same way for all teams.
#
# ## 3. The other teams
#
# A contest of one is dull. We make up some teams out of your file: boxes lost, times changed. A file ends in a seal,
# which must fit again. Anyone can make it: one digest of everything else in the file, as
# [The contest](../docs/contest.md) says.
# %%
import copy
import hashlib
import random


def sealed(value):
    body = {key: part for key, part in value.items() if key != "seal"}
    text = json.dumps(body, sort_keys=True)
    return dict(body, seal=hashlib.sha256(text.encode()).hexdigest())


def all_seconds(value):
    """The seconds of everything in the run together: what the clock must have said."""
    parts = value["frame_ms"] + value["engine_ms"] + list(value["image_ms"].values())
    return (sum(parts) + value["other_ms"]) / 1000


def made_up(team, times=1.0, lost=0.0, **claims):
    """Your hand-in as of another team and machine: times multiplied, a share of the boxes lost."""
    dice = random.Random(team)
    value = copy.deepcopy(yours)
    value.update({"machine": {"cpu": f"that of {team}"}, **claims}, team=team, run=team)
    value["frame_ms"] = [ms * times * dice.uniform(0.99, 1.01) for ms in yours["frame_ms"]]
    value["image_ms"] = {name: ms * times for name, ms in yours["image_ms"].items()}
    value["engine_ms"] = [ms * times for ms in yours["engine_ms"]]
    value["other_ms"] = yours["other_ms"] * times
    for name, rows in yours["detections"].items():
        value["detections"][name] = [row for row in rows if dice.random() >= lost]
    value["seconds"] = all_seconds(value)
    return value


# %% [markdown]
# **Before you run it**: Ada is as accurate as you and slower. Bo is three times as fast and loses one box in ten. Cleo
# is twice as fast with another backbone, and loses one in five. Dan is the slowest, loses one in seven, and has
# restructured his class and taken another detector. Who wins?
# %%
def hand_in(value, name=None):
    if name is None:
        name = value["team"]
    path = handins / f"{name}.json"
    path.write_text(json.dumps(value))


def take_out(*names):
    for name in names:
        path = handins / f"{name}.json"
        if path.exists():
            path.unlink()


hand_in(sealed(made_up("Ada", times=1.2)))
hand_in(sealed(made_up("Bo", times=0.33, lost=0.1)))
hand_in(sealed(made_up("Cleo", times=0.5, lost=0.2, other_model="backbone")))
hand_in(sealed(made_up("Dan", times=2, lost=0.14, restructured=True, other_model="detector")))
# %%
from trt_course.lesson.show import show_table


def show_board(board):
    heads, *lines = board.table()
    columns = [i for i, head in enumerate(heads) if head not in ("Model", "Machine")]
    rows = [[line[i] for i in columns] for line in lines]
    show_table(rows, [heads[i] for i in columns])
    for entry in board.refused:
        print(f"{entry.file}: {entry.reason}")


board = rank(handins, small / "ground-truth", data=small, video=clip)
show_board(board)
# %% [markdown]
# **You should see** Dan in front: ten points for his claims outweigh ten ranks of mAP, or twenty of FPS. In a small
# contest the extra points decide, in one of a hundred teams the ranks. You and Ada have equal mAP, share the better
# rank, and the next one is skipped.
#
# So `isRestructure` and `isOthermodel` are what an organiser must look at with care: they are the team's own words.
#
# `write_board` makes files for the wall, also a page `board.html`. In a terminal both is done by
# `python -m trt_course contest rank handins --gt data/traffic/ground-truth`.
# %%
for made in write_board(board, "out/14/board"):
    print(made)
# %% [markdown]
# ## 4. Why one run?
#
# Speed is easy to have: a small picture, a high threshold, half the frames. Accuracy is easy to have, too, if it may
# take seconds. To have both at once is the task. So one run makes the boxes and the times, and the seal ties them to
# each other.
#
# **Before you run it**: which of these four will be noticed?
# %%
fast = sealed(made_up("Bo", times=0.33, lost=0.1))
eve = dict(yours, team="Eve", frame_ms=fast["frame_ms"])  # your boxes, Bo's times, the old seal
finn = dict(fast, team="Finn", detections=yours["detections"])  # the same, and a new seal
gil = made_up("Gil")
del gil["detections"]["000007"]  # a difficult picture
hal = made_up("Hal", times=1e-4)
hand_in(eve, "eve")
hand_in(sealed(finn), "finn")
hand_in(sealed(gil), "gil")
hand_in(sealed(hal), "hal")
show_board(rank(handins, small / "ground-truth", data=small, video=clip))
# %% [markdown]
# **You should see** all four refused, and Bo with them: Finn has Bo's times to the last digit, so one of the two is a
# copy, and no program can know which. A person must take the copy out.
# %%
take_out("eve", "finn", "gil", "hal")
# %% [markdown]
# ## 5. What a seal cannot prove
#
# Finn was caught because he was lazy. If he had made up his times with care, his file would pass: the kit is open, and
# anyone can do what you did in step 3. A seal exposes carelessness and simple cheating. For the places that matter,
# let the teams run `contest pack` on *your* machine.
#
# But figures leave traces, and they must agree with each other. Here are four teams that were too clever, all on your
# machine:
#
# * **Rita repeats frames**: in the video her detector works on every third frame only, and repeats the old boxes for
#   the others.
# * **Tom has a threshold**: he hands in only boxes of 0.5 and more. That is less to decode, so he is a little faster.
# * **Sue has another scope**: she times the network alone, and leaves out preprocessing and decoding, say 15 %.
# * **Una halves everything**: every time in her file, that of the whole run included.
#
# **Before you run it**: which of the four can you refuse, if all you have is the file?
# %%
here = yours["machine"]
rita = made_up("Rita", machine=here)
for number in range(len(rita["frame_ms"])):
    if number % 3 != 0:
        rita["frame_ms"][number] = 0.3

tom = made_up("Tom", times=0.95, machine=here)
for name, rows in tom["detections"].items():
    tom["detections"][name] = [row for row in rows if row[1] >= 0.5]

sue = made_up("Sue", machine=here)
sue["other_ms"] += 0.15 * sum(sue["frame_ms"])  # that time was spent all the same
sue["frame_ms"] = [0.85 * ms for ms in sue["frame_ms"]]

una = made_up("Una", times=0.5, machine=here)

for value in (rita, tom, sue, una):
    value["seconds"] = all_seconds(value)
    hand_in(sealed(value))
show_board(rank(handins, small / "ground-truth", data=small, video=clip))
# %% [markdown]
# **You should see** Rita refused: each frame includes a run of the engine, and `pack` has timed the engine too. The
# others are ranked, because nothing in their files contradicts the rest. Tom's threshold has cost him mAP
# ([lesson 08](08_evaluate_map.ipynb) says why). Sue looks like somebody who is good at this. Una is twice as fast as
# you, and gets a remark: the same engine, on the same machine, takes everyone else twice as long. If she had named
# another machine, there would be no remark. Look at Rita first, at the time of each frame.
# %%
import matplotlib.pyplot as plt

from trt_course.measure.shown import plot_text

plt.figure(figsize=(9, 3))
for value in (yours, rita):
    plt.plot(value["frame_ms"], ".-", label=plot_text(value["team"]))
plt.xlabel("frame")
plt.ylabel("ms")
plt.ylim(0)
plt.legend()
plt.show()
# %% [markdown]
# **You should see** one row of points with some scatter, and one that jumps between two heights. No detector does two
# frames of three in no time.
#
# **14.2** Measure it: which share of the frames took less than a third of the time of a *picture*? Compare with the
# median of the pictures: the frames themselves may mostly be repeated.
# %%
import numpy as np


def repeated(value):
    """A share from 0 to 1.

    value["frame_ms"] is a list, value["image_ms"] a dictionary from names to times.
    """
    # solution, stub: return ...
    frames = np.array(value["frame_ms"])
    picture = np.median(list(value["image_ms"].values()))
    return float(np.mean(frames < picture / 3))
    # wrong: of the pictures, not of the frames
    frames = np.array(value["frame_ms"])
    return float(np.mean(frames < np.median(frames) / 3))
    # wrong: a share, not a number
    frames = np.array(value["frame_ms"])
    picture = np.median(list(value["image_ms"].values()))
    return float(np.sum(frames < picture / 3))
    # end


even = {"frame_ms": [30.0] * 6, "image_ms": {"a": 30.0, "b": 33.0}}
odd = {"frame_ms": [30.0, 0.3, 0.3] * 2, "image_ms": {"a": 30.0, "b": 33.0}}
check(
    "14.2",
    [repeated(even), repeated(odd)],
    [0.0, 2 / 3],
    hint=(
        "Take the median of the pictures, not of the frames. Wanted is a share, not a number of "
        "frames: their mean."
    ),
)


# %% [markdown]
# The traces of Tom and Sue, for all teams:
# %%
def traces(value):
    confidences = []
    for rows in value["detections"].values():
        confidences.extend(row[1] for row in rows)
    share = "?"  # until you have an answer
    if repeated(value) is not ...:
        share = f"{repeated(value):.2f}"
    not_timed = value["other_ms"] / 1000
    return (value["team"], share, f"{min(confidences):.3f}", f"{not_timed:.2f}")


rows = [traces(json.loads(path.read_text())) for path in sorted(handins.glob("*.json"))]
show_table(rows, ["team", "repeated", "lowest confidence", "seconds not timed"])
# %% [markdown]
# **You should see** that Tom's boxes end at 0.5, where those of all others go down to 0.02 or less. You also see that
# more of Sue's run was not timed than of yours. That part of a run is reading and warm-up, which takes all teams much
# the same time on one machine. Sue left something out of her times, but not out of her run. None of this is proof. It
# tells you whom to ask, and what. Una has halved this time, too: only a run on your machine settles it.
#
# ## 6. Restructure the class
#
# Five points for a restructured class. The first rule: **the boxes stay equal.** Otherwise you have another detector,
# not a faster one. The second: say what you have restructured.
#
# What must not change, first: the boxes of five pictures, at the confidence that `pack` takes.
# %%
import time

from trt_course import images_in, read_image

pictures = [read_image(path) for path in images_in(small / "images")[:5]]
wanted = [ssd.detect(picture, 0.01) for picture in pictures]
print([len(found) for found in wanted], "boxes")


def compared(detector):
    """In how many pictures the boxes are equal, and how many times it has kept."""
    equal = 0
    for picture, right in zip(pictures, wanted):
        found = detector.detect(picture, 0.01)
        if found is ...:  # until you have an answer
            return ...
        if found == right:
            equal += 1
    return [equal, len(detector.spent)]


# %% [markdown]
# **14.3** `TrtSSD.detect` is three steps: `self.prepare([img])` fills a request and returns what decoding must know;
# `self.engine.infer(prepared.request)` runs the network; `self.finish(prepared, outputs, conf_th)` gives a list with
# the detections of each picture. Write a `detect` that does them one by one and keeps the seconds of each in
# `self.spent`.
# %%
class Restructured(TrtSSD):
    """Restructured: detect is cut into its three steps, and the time of each is kept in `spent`."""

    spent = ()

    def detect(self, img, conf_th=None):
        # solution, stub: return ...
        started = time.perf_counter()
        prepared = self.prepare([img])
        ready = time.perf_counter()
        outputs = self.engine.infer(prepared.request)
        inferred = time.perf_counter()
        found = self.finish(prepared, outputs, conf_th)[0]
        self.spent = np.diff([started, ready, inferred, time.perf_counter()])
        return found
        # wrong: pass conf_th on
        prepared = self.prepare([img])
        outputs = self.engine.infer(prepared.request)
        self.spent = [0.0, 0.0, 0.0]
        return self.finish(prepared, outputs)[0]
        # wrong: stay floats
        prepared = self.prepare([img])
        outputs = self.engine.infer(prepared.request)
        found = self.finish(prepared, outputs, conf_th)[0]
        self.spent = [0.0, 0.0, 0.0]
        return type(found)(found.boxes.round(), found.confs, found.clss)
        # wrong: holds three times
        return super().detect(img, conf_th)
        # end


mine = Restructured("ssd_resnet18_traffic", verbose=False)
result = compared(mine)
check(
    "14.3",
    result,
    [5, 3],
    hint=(
        "In five pictures all boxes must be equal: pass conf_th on, for `pack` asks for 0.01; and "
        "boxes stay floats. self.spent holds three times."
    ),
)
# %%
if result is ...:
    print("Write your detect first.")
else:
    print(Restructured.__doc__)
    print("prepare, infer, finish:", [f"{1000 * seconds:.1f} ms" for seconds in mine.spent])
    take_out("Rita", "Tom", "Sue", "Una")
    pack(mine, "Your team", small, clip, out=handins, restructured=True)
    show_board(rank(handins, small / "ground-truth", data=small, video=clip))
# %% [markdown]
# **You should see**, once 14.3 is right, where the time goes, and your team with five points more. Your speed is a
# little different, for this was a new run, and your last hand-in counts.
#
# To know the steps is the beginning. What makes them faster: let the GPU do what your processor does now
# (`--preprocess engine`, `--nms engine`), start a run with one call instead of many (`graph=True`), or write `finish`
# in C++. The first three are in [TensorRT engines](../docs/tensorrt.md), and each must pass a check like the one above.
#
# ## What you have learned
#
# * Points go by rank; accuracy and speed count only from one and the same run.
# * The organiser computes the figures, from raw boxes and times.
# * A seal finds changes, not lies. Figures that lie leave traces, and a run on your own machine settles it.
# * A restructured class gives the same boxes, to the last digit.
#
# **Next**: the contest itself. Take all pictures and the whole clip, on the machine that counts:
# `python -m trt_course contest pack --team "Your name"`. You have come to the last lesson. Thank you for coming along.
# %%
ssd.close()
mine.close()
summary()
