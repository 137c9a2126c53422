# The master of lesson 06; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 06 Detect in a folder
#
# **You will learn** how to run a detector over many pictures, what the two usual forms of its results look like, how
# they become a score, and what happens to a picture that cannot be read.
#
# **You need** [lesson 05](05_detect_image.ipynb). **Time**: 30 minutes. **Machine**: any; a GPU is used if there is
# one.
# %% [markdown]
# ## 1. The pictures
#
# A data folder of this kit holds `images/` and, with the right answers, `ground-truth/`.
# %%
from trt_course import images_in, read_image
from trt_course.lesson.show import show_picture, side_by_side
from trt_course.support.files import kit_path

paths = images_in(kit_path("data/traffic/images"))
few = [paths[i] for i in (0, 7, 20, 33, 44, 50)]
side_by_side([read_image(path) for path in few], [path.name for path in few], columns=3)
print(len(paths), "pictures")
# %% [markdown]
# **You should see** six of 60 pictures, by day, by night and in the rain. The model saw none of them in its training.
#
# ## 2. All of them
#
# **Before you run it**: one picture took some 50 ms on two cores of a PC. How long will 60 take? Think of what there
# is to do besides detecting.
# %%
import time

from trt_course import TrtSSD, detect_dir

ssd = TrtSSD("ssd_resnet18_traffic")
started = time.perf_counter()
complaints = detect_dir(ssd, "data/traffic/images", out="out/06", conf_th=0.01, draw_th=0.3)
seconds = time.perf_counter() - started
print(f"{seconds:.1f} s, complaints: {complaints}")
# %% [markdown]
# **You should see** a time longer than 60 x 50 ms, for reading, drawing and writing pictures cost time as well, and
# no complaints. There are two thresholds: all boxes of 0.01 or more go into the files, for scoring; only those of 0.3
# or more are drawn, for looking.
#
# ## 3. Text files, one a picture
# %%
from pathlib import Path

text = Path("out/06/detection-results/000012.txt").read_text()
rows = text.splitlines()
print("\n".join(rows[:3] + ["..."] + rows[-2:]))
print(len(rows), "rows")
show_picture(read_image("out/06/pictures/000012.jpg"), "The same picture, boxes of 0.3 or more")
# %% [markdown]
# **You should see** rows of `class confidence x1 y1 x2 y2`, and far more rows than boxes in the picture: most are
# faint. This is the form of the original course and of the well-known mAP tools. A picture in which nothing is found
# has an empty file; a missing file would mean that nobody looked.
#
# ## 4. One JSON file for all
#
# COCO's tools want all results in one list. **Before you run it**: compare with the last row above. Which numbers of
# a box are the same, which are not?
# %%
import json

results = json.loads(Path("out/06/detections.json").read_text())
of_picture = [result for result in results if result["file_name"] == "000012.jpg"]
last = of_picture[-1]
print(len(results), "results; the last one of 000012.jpg:")
print(json.dumps(last, indent=1))
print("as text:", rows[-1])
# %% [markdown]
# **You should see** the same left and top. But COCO's box goes on with *width and height*, where the text has right
# and bottom. Who mixes them up gets boxes of the wrong size, and a mAP near zero, often without any error message.
#
# ## 5. From results to a score
# %%
from trt_course.measure import voc
from trt_course.measure.evaluate import read_folders

truths, founds = read_folders("data/traffic/ground-truth", "out/06/detection-results")
print(voc.score(truths, founds).report())
# %% [markdown]
# **You should see** the average precision (AP) of each class and their mean, mAP: about 93 %.
#
# **Before you run the next cell**: the faint boxes are nearly all wrong. Will mAP rise or fall without them?
# %%
for conf_th in (0.01, 0.1, 0.3, 0.5, 0.7):
    score = voc.score(truths, voc.above(founds, conf_th))
    print(f"boxes of {conf_th} or more: mAP = {100 * score.mean:.2f}%")
# %% [markdown]
# **You should see** it fall. Wrong boxes of low confidence cost almost nothing, for they come last; but each object
# that only a faint box has found is lost. So score with a low threshold. [Lesson 08](08_evaluate_map.ipynb) computes
# AP by hand and shows why.
#
# ## 6. A picture that cannot be read
#
# In a folder of thousands one file is damaged. Should the run stop? Here we put such a file there on purpose.
# %%
mixed = Path("out/06/mixed")
mixed.mkdir(parents=True, exist_ok=True)
for path in paths[:2]:
    (mixed / path.name).write_bytes(path.read_bytes())
(mixed / "broken.jpg").write_bytes(b"half of a download")
for complaint in detect_dir(ssd, mixed, out="out/06/mixed-results"):
    print("complaint:", complaint)
# %% [markdown]
# **You should see** that 2 of 3 pictures are done, and a sentence about the third. A long job finishes what it can,
# and tells what it could not; `python -m trt_course detect FOLDER` does the same and ends with exit status 1.
#
# ## 7. Exercises
#
# **06.1** Read a row: return the class, the confidence and the box as a list of four numbers.
# %%
from trt_course.lesson.check import check, summary


def parse(row):
    # solution, stub: return ...
    fields = row.split()
    box = [float(field) for field in fields[2:]]
    return [fields[0], float(fields[1]), box]
    # wrong: float() makes numbers
    fields = row.split()
    return [fields[0], fields[1], fields[2:]]
    # wrong: the second field
    fields = row.split()
    box = [float(field) for field in fields[1:5]]
    return [fields[0], float(fields[-1]), box]
    # end


check(
    "06.1",
    parse("vehicle 0.9 10 20 110.5 70"),
    ["vehicle", 0.9, [10.0, 20.0, 110.5, 70.0]],
    hint=(
        "row.split() cuts at the blanks, float() makes numbers of texts; the confidence is the "
        "second field."
    ),
)


# %% [markdown]
# **06.2** Make a text file's box of one in COCO's form.
# %%
def corners(bbox):
    """[left, top, width, height] -> [left, top, right, bottom]"""
    # solution, stub: return ...
    left, top, width, height = bbox
    return [left, top, left + width, top + height]
    # wrong: left plus width
    return bbox
    # wrong: top plus height
    left, top, width, height = bbox
    return [left, top, left + height, top + width]
    # end


check(
    "06.2",
    corners(last["bbox"]),
    [float(field) for field in rows[-1].split()[2:]],
    tolerance=0.002,
    hint="Right is left plus width, bottom is top plus height.",
)
# %% [markdown]
# **06.3** Which picture has the most vehicles of confidence 0.5 or more? `founds[name]` holds `labels` (a list) and
# `confs` (an array) of the picture `name`. Give the name.
# %%
# solution, stub: busiest = ...
counts = {}
for name, found in founds.items():
    sure_ones = [label for label, conf in zip(found.labels, found.confs) if conf >= 0.5]
    counts[name] = sure_ones.count("vehicle")
busiest = max(counts, key=counts.get)
# wrong: Leave out the faint ones
busiest = max(founds, key=lambda name: founds[name].labels.count("vehicle"))
# wrong: only vehicles
busiest = max(founds, key=lambda name: (founds[name].confs >= 0.5).sum())
# wrong: the name, not the number
busiest = max(found.labels.count("vehicle") for found in voc.above(founds, 0.5).values())
# end
sure = voc.above(founds, 0.5)
check(
    "06.3",
    busiest,
    max(sure, key=lambda name: sure[name].labels.count("vehicle")),
    hint="Count only vehicles. Leave out the faint ones. Then give the name, not the number.",
)
# %%
name = "000000"  # until you have an answer
if busiest in founds:
    name = busiest
show_picture(read_image(f"out/06/pictures/{name}.jpg"), name)
# %% [markdown]
# ## What you have learned
#
# * Results are kept in two forms: text rows with corners, and COCO's JSON with width and height.
# * Score with a low threshold, look with a higher one.
# * One bad file must not end a long job, and must not go unmentioned.
#
# **Next**: [07 Detect in a video](07_detect_video.ipynb).
# %%
ssd.close()
summary()
