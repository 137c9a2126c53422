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
seconds = time.perf_counter() - started
boxes = sum(len(found.labels) for found in founds.values())
objects = sum(len(truth.labels) for truth in truths.values())
print(f"{seconds:.1f} s for {len(truths)} pictures, {boxes} boxes, {objects} objects")
# %%
from trt_course import BBoxVisualization, read_image
from trt_course.lesson.show import show_picture
from trt_course.measure import voc
from trt_course.support.files import kit_path

vis = BBoxVisualization(ssd.spec.cls_dict())
image = read_image(kit_path("data/traffic/images/000056.jpg"))


def drawn(boxes, confs, labels):
    ids = [ssd.spec.labels.index(label) for label in labels]
    return vis.draw_bboxes(image, boxes, confs, ids)


truth = truths["000056"]
picture = drawn(truth.boxes, 1.0 - truth.difficult, truth.labels)
show_picture(picture, "There: 0.00 is a difficult one")
sure = voc.above(founds, 0.3)["000056"]
picture = drawn(sure.boxes, sure.confs, sure.labels)
show_picture(picture, "Found, confidence 0.3 or more")


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
def covers(x1, y1, x2, y2, one=1):
    """The area of a box: pixels 3 to 5 are three pixels, so sides count + 1."""
    width = max(x2 - x1 + one, 0)
    height = max(y2 - y1 + one, 0)
    return width * height


def overlap(box, other, one=1):
    """What two boxes share, divided by what they cover."""
    left = max(box[0], other[0])
    top = max(box[1], other[1])
    right = min(box[2], other[2])
    bottom = min(box[3], other[3])
    shared = covers(left, top, right, bottom, one)
    both = covers(*box, one) + covers(*other, one)
    return shared / (both - shared)


for size, off in ((20, 6), (6, 2)):
    box = [0, 0, size, size]
    other = [off, 0, off + size, size]
    print(f"{size:2} pixels, off by {off}: {overlap(box, other):.3f}", end=" ")
    print(f"without the + 1: {overlap(box, other, one=0):.3f}")


# %% [markdown]
# **You should see** that the + 1 makes overlaps larger, those of small boxes more. It comes from a time when boxes
# were whole pixels. Tools that leave it out give other figures: you will see how many points that is.
#
# ## 3. AP by hand
#
# Some fifty lines, in three steps for each class. First: a verdict for each box, the surest box of a picture first.
# 1 is right, -1 wrong, 0 neither: a difficult object was found.
# %%
def judge_picture(there, hard, boxes, least, one):
    """A verdict for each box, the surest first; `hard` marks the difficult objects there."""
    verdicts = []
    used = set()
    for box in boxes:
        overlaps = [overlap(box, other, one) for other in there] + [0.0]
        best = overlaps.index(max(overlaps))
        if overlaps[best] < least or best in used:
            verdicts.append(-1)
        elif hard[best]:
            verdicts.append(0)
        else:
            verdicts.append(1)
            used.add(best)
    return verdicts


# %%
def judge(label, truths, founds, least=0.5, one=1):
    """[(confidence, verdict), ...] and the number of objects to be found."""
    judged = []
    objects = 0
    for name in sorted(truths):
        truth = truths[name]
        found = founds[name]
        mine = [i for i, other in enumerate(truth.labels) if other == label]
        there = truth.boxes[mine].tolist()
        hard = truth.difficult[mine]
        objects += len(mine) - int(hard.sum())

        order = [i for i, other in enumerate(found.labels) if other == label]
        order.sort(key=lambda i: -found.confs[i])
        boxes = found.boxes[order].tolist()
        verdicts = judge_picture(there, hard, boxes, least, one)
        judged.extend(zip(found.confs[order], verdicts))
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
        if verdict == 1:
            right += 1
        elif verdict == -1:
            wrong += 1
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
judged, objects = judge("pedestrian", five, founds)
recall, precision = points(judged, objects)
best = np.maximum.accumulate(precision[::-1])[::-1]

# the line begins at recall 0
steps = [0] + recall
heights = [best[0]] + list(best)
plt.figure(figsize=(8, 3.6))
plt.fill_between(steps, heights, step="pre", color="#e3f0ff")
plt.step(steps, heights, where="pre", color="#c9791a", label="best from here on")
plt.plot(recall, precision, ".-", linewidth=1, label="after each box")
plt.xlabel("recall")
plt.ylabel("precision")
plt.xlim(0, 1)
plt.ylim(0, 1.05)
plt.legend(loc="lower left")
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
    starts = [0.0] + recall[:-1]
    steps = list(zip(starts, recall, precision))
    for start, end, height in reversed(steps):
        best = max(best, height)
        total += best * (end - start)
    return total


def average_precision(label, **rules):
    judged, objects = judge(label, truths, founds, **rules)
    recall, precision = points(judged, objects)
    return area(recall, precision)


result = voc.score(truths, founds)
for label in sorted(result.classes):
    by_hand = average_precision(label)
    package = result.classes[label].ap
    difference = abs(by_hand - package)
    print(f"{label:<11} by hand {by_hand:.10f}  the package {package:.10f}", end="  ")
    print(f"difference {difference:.0e}")
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
by_threshold = {}
rows = []
for threshold in (0.01, 0.05, 0.1, 0.3, 0.5, 0.7):
    score = voc.score(truths, voc.above(founds, threshold))
    by_threshold[threshold] = score
    shares = [score.mean] + [score.classes[label].ap for label in labels]
    rows.append([threshold] + [f"{100 * share:.1f}" for share in shares])
show_table(rows, ["threshold", "mAP in %"] + labels)
# %%
plt.figure(figsize=(7, 3.2))
for threshold in (0.01, 0.3, 0.7):
    curve = by_threshold[threshold].classes["pedestrian"]
    width = 1 + 8 * threshold
    plt.plot(curve.recall, curve.precision, label=f"{threshold} or more", linewidth=width)
plt.xlabel("recall")
plt.ylabel("precision")
plt.title("pedestrian")
plt.ylim(0, 1.03)
plt.legend()
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


kinds = {
    "floats": founds,
    "rounded": with_boxes(np.round),
    "cut off, int(x)": with_boxes(np.trunc),
}
rows = []
for kind, changed in kinds.items():
    row = [kind]
    for least in (0.5, 0.75, 0.85):
        score = voc.score(truths, changed, class_iou=dict.fromkeys(labels, least))
        row.append(f"{100 * score.mean:.2f}")
    rows.append(row)
show_table(rows, ["boxes", "mAP at overlap 0.5", "0.75", "0.85"])
# %% [markdown]
# **You should see** a quarter of a point lost at 0.5, and several points at 0.85 when the fraction is cut off, for
# then each box moves up and to the left. COCO's AP takes the mean over overlaps from 0.5 to 0.95, so it feels
# integers much more. That is why boxes stay floats here until they are drawn.
#
# ## 7. The small print
#
# Two rules of the measure, each left out once. **Before you run it**: which of them matters more?
# %%
like_others = {}
deleted = {}
for name, truth in truths.items():
    easy = ~truth.difficult
    easy_labels = [label for label, kept in zip(truth.labels, easy) if kept]
    like_others[name] = truth._replace(difficult=np.zeros_like(truth.difficult))
    deleted[name] = voc.Truth(easy_labels, truth.boxes[easy], truth.difficult[easy])

means = {
    "as it should be": result.mean,
    "sides without + 1": np.mean([average_precision(label, one=0) for label in labels]),
    "difficult objects deleted": voc.score(deleted, founds).mean,
    "difficult objects like all others": voc.score(like_others, founds).mean,
}
show_table([(rule, f"{100 * mean:.2f}") for rule, mean in means.items()], ["rule", "mAP in %"])
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
    sample_truths = {}
    sample_founds = {}
    for i, choice in enumerate(rng.randint(0, len(names), len(names))):
        sample_truths[str(i)] = truths[names[choice]]
        sample_founds[str(i)] = founds[names[choice]]
    means.append(100 * voc.score(sample_truths, sample_founds).mean)

low, high = np.percentile(means, [2.5, 97.5])
plt.figure(figsize=(7, 2.4))
plt.hist(means, bins=20, color="#8796a5")
plt.axvline(100 * result.mean, color="#d1495b")
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
rights = [verdicts[:count].count(1) for count in range(1, 6)]
precisions = [right / count for count, right in enumerate(rights, 1)]
recalls = [right / objects for right in rights]
# wrong: boxes so far
rights = [verdicts[:count].count(1) for count in range(1, 6)]
precisions = [right / len(verdicts) for right in rights]
recalls = [right / objects for right in rights]
# wrong: all objects there are
rights = [verdicts[:count].count(1) for count in range(1, 6)]
precisions = [right / count for count, right in enumerate(rights, 1)]
recalls = [right / rights[-1] for right in rights]
# end
confs = [0.9, 0.8, 0.7, 0.6, 0.5]
wanted_recalls, wanted_precisions = points(zip(confs, verdicts), objects)
check(
    "08.1",
    [precisions, recalls],
    [wanted_precisions, wanted_recalls],
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
pairs = zip(curve.recall, curve.precision)
check(
    "08.2",
    best_recall,
    max(recall for recall, precision in pairs if precision >= 0.9),
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
check(
    "08.3",
    strict,
    np.mean([average_precision(label, least=0.75) for label in labels]),
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
