# The master of lesson 08; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 08 How good is it? mAP by hand
#
# **You will learn** when a box counts as right, how a list of boxes becomes a precision-recall curve and its area the
# average precision (AP), what small print is worth whole points of mAP, and how sure such a figure is.
#
# **You need** [lesson 06](06_detect_directory.ipynb). **Time**: 45 minutes. **Machine**: any; a GPU is used if there
# is one.
# %% [markdown]
# ## 1. Detect once, score often
#
# The network runs once over 60 pictures; all that follows works on what it found. The threshold is low, 0.01: faint
# boxes can be dropped later, but not found later.
# %%
import time

from trt_course import TrtSSD
from trt_course.measure.evaluate import detect_folder

ssd = TrtSSD("ssd_resnet18_traffic")
started = time.perf_counter()
truths, founds = detect_folder(ssd, "data/traffic", conf_th=0.01)
print(
    f"{time.perf_counter() - started:.1f} s for {len(truths)} pictures, "
    f"{sum(len(found.labels) for found in founds.values())} boxes, "
    f"{sum(len(truth.labels) for truth in truths.values())} objects"
)
# %%
from trt_course import BBoxVisualization
from trt_course.support.files import kit_path
from trt_course.lesson.show import show_picture
from trt_course.measure import voc
from trt_course.media.pictures import read_image

vis = BBoxVisualization(ssd.spec.cls_dict())
sure = voc.above(founds, 0.3)["000056"]
truth = truths["000056"]
image = read_image(kit_path("data/traffic/images/000056.jpg"))
ids = [ssd.spec.labels.index(label) for label in truth.labels]
show_picture(
    vis.draw_bboxes(image, truth.boxes, 1.0 - truth.difficult, ids),
    "There: 0.00 is a difficult one",
)
ids = [ssd.spec.labels.index(label) for label in sure.labels]
show_picture(vis.draw_bboxes(image, sure.boxes, sure.confs, ids), "Found, confidence 0.3 or more")


# %% [markdown]
# **You should see** four times as many boxes as objects (100 a picture, that is the limit in the model's record), and
# one picture twice: with the right answers (*ground truth*), and with what was found. Objects that are hardly to be
# seen are marked as *difficult*: nobody is to be blamed for missing them.
#
# ## 2. When is a box right?
#
# ![Right, wrong, wrong again, neither](figures/matching.svg)
#
# A box is compared with all objects of its class in its picture. The object with the best overlap counts, and the
# overlap must be 0.5 or more. Each object can be found once.
# %%
def overlap(box, other, one=1):
    """What two boxes share, divided by what they cover.

    Pixels 3 to 5 are three pixels, so sides count + 1.
    """
    w = min(box[2], other[2]) - max(box[0], other[0]) + one
    h = min(box[3], other[3]) - max(box[1], other[1]) + one
    shared = max(w, 0) * max(h, 0)
    areas = sum((b[2] - b[0] + one) * (b[3] - b[1] + one) for b in (box, other))
    return shared / (areas - shared)


print(
    "20 pixels, off by 6:",
    round(overlap([0, 0, 20, 20], [6, 0, 26, 20]), 3),
    "without the + 1:",
    round(overlap([0, 0, 20, 20], [6, 0, 26, 20], one=0), 3),
)
print(
    " 6 pixels, off by 2:",
    round(overlap([0, 0, 6, 6], [2, 0, 8, 6]), 3),
    "without the + 1:",
    round(overlap([0, 0, 6, 6], [2, 0, 8, 6], one=0), 3),
)


# %% [markdown]
# **You should see** that the + 1 makes overlaps larger, those of small boxes more. It comes from a time when boxes
# were whole pixels. Tools that leave it out give other figures: you will see how many points that is.
#
# ## 3. AP by hand
#
# Some thirty lines, in three steps for each class. First: a verdict for each box, the surest box of a picture first.
# 1 is right, -1 wrong, 0 neither: a difficult object was found.
# %%
def judge(label, truths, founds, least=0.5, one=1):
    """[(confidence, verdict), ...] and the number of objects to be found."""
    judged = []
    objects = 0
    for name in sorted(truths):
        truth = truths[name]
        found = founds[name]
        used = set()
        there = [
            (box, hard)
            for other, box, hard in zip(truth.labels, truth.boxes.tolist(), truth.difficult)
            if other == label
        ]
        objects += sum(not hard for _, hard in there)
        boxes = [
            pair
            for pair, other in zip(zip(found.confs, found.boxes.tolist()), found.labels)
            if other == label
        ]
        for conf, box in sorted(boxes, key=lambda pair: -pair[0]):
            overlaps = [overlap(box, other, one) for other, _ in there] + [0.0]
            best = overlaps.index(max(overlaps))
            verdict = -1 if overlaps[best] < least or best in used else 0 if there[best][1] else 1
            judged.append((conf, verdict))
            used.update([best] if verdict == 1 else [])
    return judged, objects


# %% [markdown]
# Second: all boxes of the class in one row, the surest first. After each box we note how many of the boxes so far
# were right (*precision*), and how many of all objects are found by now (*recall*).
# %%
def points(judged, objects):
    right = 0
    wrong = 0
    recall = []
    precision = []
    for _, verdict in sorted(judged, key=lambda pair: -pair[0]):
        right = right + (verdict == 1)
        wrong = wrong + (verdict == -1)
        recall.append(right / max(objects, 1))
        precision.append(right / max(right + wrong, 1))  # the first box may meet a difficult object
    return recall, precision


# %% [markdown]
# Here is that row for the pedestrians of five pictures only, so that you can see each box. **Before you run it**: how
# does precision move along the row? Can recall fall?
# %%
import matplotlib.pyplot as plt
import numpy as np

five = {name: truths[name] for name in sorted(truths)[10:15]}
recall, precision = points(*judge("pedestrian", five, founds))
best = np.maximum.accumulate(precision[::-1])[::-1]
plt.figure(figsize=(8, 3.6))
plt.fill_between([0] + recall, [best[0]] + list(best), step="pre", color="#e3f0ff")
plt.step(
    [0] + recall, [best[0]] + list(best), where="pre", color="#c9791a", label="best from here on"
)
plt.plot(recall, precision, ".-", linewidth=1, label="after each box")
(
    plt.xlabel("recall"),
    plt.ylabel("precision"),
    plt.ylim(0, 1.05),
    plt.xlim(0, 1),
    plt.legend(loc="lower left"),
)
plt.show()


# %% [markdown]
# **You should see** dots that go right and a little up with each right box, and straight down with each wrong one.
# Recall never falls. At the right end a whole heap of faint, wrong boxes falls down along one line: no object is
# found any more. They cost nothing, for a line has no area.
#
# Third: the shaded area under the upper line. "Best from here on" means that for each recall the best precision
# counts which can be had at that recall or a higher one. From the right to the left this takes one pass:
# %%
def area(recall, precision):
    total = 0.0
    best = 0.0
    for i in reversed(range(len(recall))):
        best = max(best, precision[i])
        total += best * (recall[i] - (recall[i - 1] if i else 0.0))
    return total


result = voc.score(truths, founds)
for label in sorted(result.classes):
    by_hand = area(*points(*judge(label, truths, founds)))
    print(
        f"{label:<11} by hand {by_hand:.10f}  the package {result.classes[label].ap:.10f}  "
        f"difference {abs(by_hand - result.classes[label].ap):.0e}"
    )
print(result.report())
# %% [markdown]
# **You should see** the same figures to the last digit but rounding. You have just written the measure by which
# detectors are compared; *mAP* is the plain mean of the classes, so a rare class counts as much as a frequent one.
#
# Here are the curves of all classes:
# %%
from trt_course.measure import plots

plots.pr_curves(result)
# %% [markdown]
# **You should see** four curves, one of them nearly a rectangle.
#
# ## 4. Look at the worst
#
# A figure says how good, pictures say why. **Before you run it**: what will the largest missed objects be?
# %%
misses, alarms = plots.faults(truths, founds, conf_th=0.3)
print(len(misses), "objects missed at 0.3,", len(alarms), "false alarms")


def crop(name):
    return read_image(kit_path(f"data/traffic/images/{name}.jpg"))


show_picture(plots.contact_sheet(misses[:12], crop), "The largest missed objects")
show_picture(plots.contact_sheet(alarms[:12], crop), "The surest false alarms")
# %% [markdown]
# **You should see** people behind hedges, fences and cars; and three times the same kind of sign, with red and white
# stripes: the model has not learned it well. Among the false alarms are an advert for pizza and a lamp that says
# OPEN, both taken for signs. Faults of one kind in such a sheet tell what to train next. And look for faults in the
# *ground truth*, too: in photographs that people have labelled you will find some.
# %%
plots.ap_by_height(truths, founds)
# %% [markdown]
# **You should see** that small objects are the hard ones, pedestrians and two-wheelers of less than 32 pixels above
# all. (Where a bar is missing there are no such objects.) When a smaller or less precise network loses accuracy, look
# here first.
#
# ## 5. What a high threshold costs
#
# The original course detects with 0.3 and scores what comes out. **Before you run it**: how many points of mAP is
# that?
# %%
from trt_course.lesson.show import show_table

labels = sorted(result.classes)
some = [(th, voc.score(truths, voc.above(founds, th))) for th in (0.01, 0.05, 0.1, 0.3, 0.5, 0.7)]
show_table(
    [
        [th, f"{100 * score.mean:.1f}"]
        + [f"{100 * score.classes[label].ap:.1f}" for label in labels]
        for th, score in some
    ],
    ["threshold", "mAP in %"] + labels,
)
# %%
plt.figure(figsize=(7, 3.2))
for th, score in (some[0], some[3], some[5]):
    curve = score.classes["pedestrian"]
    plt.plot(curve.recall, curve.precision, label=f"{th} or more", linewidth=1 + 8 * th)
(
    plt.xlabel("recall"),
    plt.ylabel("precision"),
    plt.title("pedestrian"),
    plt.ylim(0, 1.03),
    plt.legend(),
)
plt.show()


# %% [markdown]
# **You should see** some three points lost at 0.3, and more than ten at 0.7. The three lines lie upon each other: a
# threshold does not change the curve, it cuts it off, and what is cut off has no area. The model is the same each
# time!
#
# ## 6. What integer boxes cost
#
# Many programs make integers of boxes before they write them. The next cell does so in two ways, and scores with
# stricter and stricter overlaps. **Before you run it**: at which overlap does half a pixel begin to matter?
# %%
def with_boxes(change):
    return {name: found._replace(boxes=change(found.boxes)) for name, found in founds.items()}


kinds = (
    ("floats", founds),
    ("rounded", with_boxes(np.round)),
    ("cut off, int(x)", with_boxes(np.trunc)),
)
show_table(
    [
        [kind]
        + [
            f"{100 * voc.score(truths, found, class_iou=dict.fromkeys(labels, least)).mean:.2f}"
            for least in (0.5, 0.75, 0.85)
        ]
        for kind, found in kinds
    ],
    ["boxes", "mAP at overlap 0.5", "0.75", "0.85"],
)
# %% [markdown]
# **You should see** a quarter of a point lost at 0.5, and several points at 0.85 when the fraction is cut off, for
# then each box moves up and to the left. COCO's AP takes the mean over overlaps from 0.5 to 0.95, so it feels
# integers much more. That is why boxes stay floats here until they are drawn.
#
# ## 7. The small print
#
# Two rules of the measure, each left out once. **Before you run it**: which of them matters more?
# %%
easy = {name: truth._replace(difficult=truth.difficult & False) for name, truth in truths.items()}
removed = {
    name: voc.Truth(
        [label for label, hard in zip(truth.labels, truth.difficult) if not hard],
        truth.boxes[~truth.difficult],
        truth.difficult[~truth.difficult],
    )
    for name, truth in truths.items()
}
plain = [area(*points(*judge(label, truths, founds, one=0))) for label in labels]
show_table(
    [
        ("as it should be", f"{100 * result.mean:.2f}"),
        ("sides without + 1", f"{100 * sum(plain) / len(plain):.2f}"),
        ("difficult objects deleted", f"{100 * voc.score(removed, founds).mean:.2f}"),
        ("difficult objects like all others", f"{100 * voc.score(easy, founds).mean:.2f}"),
    ],
    ["rule", "mAP in %"],
)
# %% [markdown]
# **You should see** half a point for one pixel, two points when the difficult objects are deleted (then who finds one
# is punished), and nine when they count like all others. Same boxes, same pictures: *two figures of mAP can be
# compared only if one program computed both*, on the same pictures, from the same threshold.
#
# ## 8. How sure is it?
#
# 60 pictures are a sample. What would another 60 of the same kind have given? We can draw 60 out of the 60, with
# repeats, again and again (that is called *bootstrap*). **Before you run it**: plus or minus what?
# %%
names = sorted(truths)
rng = np.random.RandomState(1)
means = []
for _ in range(100):
    drawn = {f"{i:03d}": names[k] for i, k in enumerate(rng.randint(0, len(names), len(names)))}
    means.append(
        100
        * voc.score(
            {i: truths[name] for i, name in drawn.items()},
            {i: founds[name] for i, name in drawn.items()},
        ).mean
    )
low, high = np.percentile(means, [2.5, 97.5])
plt.figure(figsize=(7, 2.4))
plt.hist(means, bins=20, color="#8796a5"), plt.axvline(100 * result.mean, color="#d1495b")
plt.xlabel("mAP in %, of 100 samples of 60 pictures")
plt.show()
print(f"mAP {100 * result.mean:.1f} %, 95 of 100 samples between {low:.1f} and {high:.1f} %")
# %% [markdown]
# **You should see** a hill that is some four points wide. So "92.8 against 92.4" of two models on *different* samples
# means nothing. On the *same* pictures much smaller differences can be seen, for both models meet the same hard ones;
# but more pictures are better than more digits.
#
# ## 9. The leak
#
# One mistake no formula shows: scoring on pictures that the model knows. Those of the training, of course; but also
# those by which a threshold was chosen, or INT8 was calibrated. One of the sources of this course calibrated on the
# very pictures that it scored. Here the parts are kept apart: `data/calibration` is for calibrating, `data/traffic`
# for scoring, and even the cars, people and signs in them were drawn from different designs ([the sample
# data](../data/README.md)). [Lesson 11](11_precision_and_accuracy.ipynb) takes this up.
#
# ## 10. Exercises
#
# **08.1** Five boxes of a class, the surest first, were judged as below. There are 4 objects. Give precision and
# recall after each box, as two lists.
# %%
from trt_course.lesson.check import check, summary

verdicts = [1, -1, 1, 1, -1]
objects = 4
# solution, stub: precisions, recalls = ..., ...
rights = [verdicts[:n].count(1) for n in range(1, 6)]
precisions = [r / n for n, r in enumerate(rights, 1)]
recalls = [r / objects for r in rights]
# wrong: boxes so far
rights = [verdicts[:n].count(1) for n in range(1, 6)]
precisions = [r / len(verdicts) for r in rights]
recalls = [r / objects for r in rights]
# wrong: all objects there are
rights = [verdicts[:n].count(1) for n in range(1, 6)]
precisions = [r / n for n, r in enumerate(rights, 1)]
recalls = [r / rights[-1] for r in rights]
# end
check(
    "08.1",
    [precisions, recalls],
    points([(1 - i / 10, v) for i, v in enumerate(verdicts)], objects)[::-1],
    hint=(
        "Both count the right ones so far. Precision divides by the boxes so far, recall by all "
        "objects there are, also those that no box has found."
    ),
)
# %% [markdown]
# **08.2** A warning lamp is to come on for pedestrians, and 9 of 10 warnings must be right. What share of the
# pedestrians can it find at best? `curve.recall` and `curve.precision` are two arrays, a point after each box.
# %%
curve = result.classes["pedestrian"]
# solution, stub: best_recall = ...
best_recall = curve.recall[curve.precision >= 0.9].max()
# wrong: only points whose precision
best_recall = curve.recall.max()
# wrong: recall is asked
best_recall = curve.precision[curve.recall >= 0.9].max()
# end
check(
    "08.2",
    best_recall,
    max(r for r, p in zip(curve.recall, curve.precision) if p >= 0.9),
    hint="Take only points whose precision is 0.9 or more; of these, recall is asked, the largest.",
)
# %% [markdown]
# **08.3** How good are the boxes when an overlap of 0.75 is wanted? `voc.score` takes a dictionary `class_iou`, from
# the name of a class to its overlap. Give the mAP as a share.
# %%
# solution, stub: strict = ...
strict = voc.score(truths, founds, class_iou=dict.fromkeys(labels, 0.75)).mean
# wrong: all four classes
strict = voc.score(truths, founds, class_iou={"vehicle": 0.75}).mean
# wrong: not the confidence
strict = voc.score(truths, voc.above(founds, 0.75)).mean
# end
wanted = sum(area(*points(*judge(label, truths, founds, least=0.75))) for label in labels) / len(
    labels
)
check(
    "08.3",
    strict,
    wanted,
    hint=(
        "The overlap, not the confidence; the dictionary needs all four classes, "
        "dict.fromkeys(labels, 0.75)."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * A box is right when it overlaps an object of its class by half, and is the first to do so.
# * AP is the area under precision over recall; mAP the plain mean of the classes.
# * High thresholds, integers and small print move mAP by points while the model stays the same.
# * 60 pictures give a figure of plus or minus two points. Never score what was trained, tuned or calibrated on.
#
# **Next**: [09 Measure frames a second](09_measure_fps.ipynb), the other half of an honest comparison.
# %%
ssd.close()
summary()
