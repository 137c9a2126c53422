# The master of lesson 05; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 05 Detect in one picture
#
# **You will learn** what happens between a picture and its boxes: preprocessing, the network, thresholds,
# suppression, and the way back to the picture's own pixels.
#
# **You need** [lesson 00](00_check_setup.ipynb). **Time**: 30 minutes. **Machine**: any. This lesson runs on the CPU
# everywhere: an engine may have some of the steps built in, and here you want to see them one by one.
# %% [markdown]
# ## 1. The way of a picture
#
# ![Picture, preprocessing, engine, decoding, boxes](figures/detect.svg)
#
# `ssd.detect(image)` goes this way in one call. Here you go it step by step, with the parts that `detect` itself
# uses.
# %%
from trt_course import BBoxVisualization, Detections, TrtSSD, open_source
from trt_course.lesson.show import show_picture

ssd = TrtSSD("ssd_resnet18_traffic", backend="cpu")
vis = BBoxVisualization(ssd.spec.cls_dict())
with open_source("data/street.mp4") as video:
    image = next(frame.image for frame in video if frame.number == 225)
show_picture(image, f"A frame of the sample clip: shape {image.shape}, {image.dtype}")
# %% [markdown]
# **You should see** which engine runs, and a street. The array has 720 rows, 1280 columns and three colours, in the
# order blue, green, red: that is how OpenCV reads pictures.
#
# ## 2. Picture to tensor
#
# The network takes one size only, and numbers in the range it was trained with. The record says how to get there.
# %%
print(ssd.spec.input)
prepared = ssd.prepare([image])
tensor = prepared.request.inputs[ssd.spec.input.name]
print("tensor:", tensor.shape, tensor.dtype, "from", tensor.min(), "to", tensor.max())
print("placement:", prepared.placements[0])
# %% [markdown]
# **You should see** a tensor of shape (1, 3, 384, 1248): one picture, three planes of colour, 384 rows, 1248 columns.
# Its numbers lie around zero, because the mean was taken away. The placement is how to get back: input = picture * s
# + o.
#
# **Before you run the next cell**: 1280 x 720 becomes 1248 x 384. What will the cars look like to the network?
# %%
import numpy as np

planes = tensor[0].transpose(1, 2, 0)  # (h, w, 3)
seen = planes * np.float32(ssd.spec.input.scale) + np.float32(ssd.spec.input.mean)
show_picture(seen.round().clip(0, 255).astype(np.uint8), "What the network sees")
# %% [markdown]
# **You should see** a squashed street: the recipe of this model is `stretch`. It was trained on pictures that are as
# wide as that; [lesson 04](04_pre_and_postprocess.ipynb) shows the other ways to resize, and what a wrong one costs.
#
# ## 3. The network
#
# The engine knows nothing of pictures: tensors in, tensors out.
# %%
outputs = ssd.engine.infer(prepared.request)
for name, values in outputs.items():
    print(name, values.shape, values.dtype)
scores = outputs["scores"][0]  # (19896, 5)
corners = outputs["boxes"][0]  # (19896, 4)
print("first box:", corners[0].round(3), "its scores:", scores[0].round(3))
# %% [markdown]
# **You should see** 19,896 boxes with 5 scores each, one a class. An SSD always gives all its candidates: it looks at
# the same places in every picture, and says of most that they are *background*, class 0. The corners are shares of
# the picture: 0 is its left or upper edge, 1 the other one.
#
# **Before you run the next cell**: how many of the 19,896 have a score of 0.3 or more in a class that is not
# background?
# %%
best = scores[:, 1:].max(axis=1)  # the best class but background
for threshold in (0.01, 0.1, 0.3, 0.5, 0.9):
    count = (best >= threshold).sum()
    print(f"score of at least {threshold}: {count} boxes")
# %% [markdown]
# **You should see** that the threshold throws away nearly all: some hundred boxes of 19,896 are left at 0.3.
#
# ## 4. Too many boxes for one car
#
# Several candidates lie around each object, and all of them find it. *Non-maximum suppression* (NMS) keeps the surest
# and drops those of the same class that overlap it too much.
# %%
height, width = image.shape[:2]
size = [width, height, width, height]
chosen = best >= 0.3
pixels = (corners[chosen] * size).clip(0, size)
classes = scores[chosen, 1:].argmax(axis=1) + 1
crowd = Detections(pixels, best[chosen], classes)
found = ssd.finish(prepared, outputs, conf_th=0.3)[0]
show_picture(vis.annotate(image, crowd)[220:560], f"Threshold only: {len(crowd)} boxes")
show_picture(vis.annotate(image, found)[220:560], f"Threshold and NMS: {len(found)} boxes")
# %% [markdown]
# **You should see** thick bundles of boxes above, and one box an object below. `ssd.finish` did threshold, NMS and
# the way back to pixels. Now for the proof that `detect` does nothing else:
# %%
print(found == ssd.detect(image, conf_th=0.3))
# %% [markdown]
# ## 5. Detections
#
# A `Detections` is three arrays of one length, and it unpacks like the tuple of the original course.
# %%
boxes, confs, clss = found
print(boxes.shape, confs.shape, clss.shape)
top = found.top(3)
for box, conf, cls in zip(top.boxes, top.confs, top.clss):
    print(f"{ssd.spec.labels[cls]:<12} {conf:.2f}  {box}")
print(found.above(0.9), "of 0.9 or more;", found.of_class(2), "are vehicles")
# %% [markdown]
# **You should see** the three surest boxes, in pixels of *your* picture, as floats. They stay floats until they are
# drawn: rounding them early costs accuracy, as [lesson 08](08_evaluate_map.ipynb) shows.
#
# ## 6. Which threshold?
#
# **Before you run it**: what do you lose at 0.8, and what do you get at 0.05?
# %%
for conf_th in (0.05, 0.3, 0.8):
    some = ssd.detect(image, conf_th)
    show_picture(vis.annotate(image, some)[220:560], f"conf_th {conf_th}: {len(some)} boxes")
# %% [markdown]
# **You should see** false boxes with low confidence at 0.05, and missed objects, the small ones first, at 0.8. No
# threshold is right for all uses. To look at pictures, 0.3 is fine; to measure mAP, take 0.01
# ([lesson 08](08_evaluate_map.ipynb)).
#
# ## 7. In one call, with files
# %%
from trt_course import detect_one

result = detect_one(ssd, "data/traffic/images/000007.jpg", out="out/05", save_json=True)
# %% [markdown]
# **You should see** one row an object, `class confidence x1 y1 x2 y2`, and where the picture went. The folder `out`
# stands beside this notebook: open `out/05/000007.jpg` in the list of files on the left.
#
# ## 8. Your own picture
#
# Put the path of a picture of yours between the quotes, in place of the one that is there. If this page comes from
# another machine, such as a Jetson, the picture may still be on the computer in front of you: then use the button below.
#
# **Before you run it**: this model has learned from rendered streets only. What will it make of your photograph?
# %%
from trt_course import CourseError, read_image
from trt_course.support.files import kit_path

mine = "data/signs/images/000031.jpg"  # your picture, such as "holiday/beach.jpg"


def look(picture, name):
    # a detector of its own: the last cell of this page closes the other one
    with TrtSSD("ssd_resnet18_traffic", backend="cpu", verbose=False) as own:
        found = own.detect(picture, conf_th=0.3)
    show_picture(vis.annotate(picture, found), f"{name}: {len(found)} boxes")


try:
    look(read_image(kit_path(mine)), mine)
except CourseError as err:  # no such picture, for example
    print(err)
# %%
from trt_course.lesson.upload import PictureUpload

PictureUpload(look)
# %% [markdown]
# **You should see** your picture, and in a real street perhaps a car or two, among boxes that mean nothing. That is no
# fault of yours: [lesson 00](00_check_setup.ipynb) has the figures, and [lesson 12](12_other_models.ipynb) shows how to
# bring a model that has seen the world.
#
# ## 9. Exercises
#
# **05.1** A raw box holds shares of the picture. Write the function that makes pixels of it.
# %%
from trt_course.lesson.check import check, summary

surest = int(best.argmax())


def to_pixels(share, width, height):
    """share: x1 y1 x2 y2 from 0 to 1. Returns x1 y1 x2 y2 in pixels of a picture of this size."""
    # solution, stub: return ...
    x1, y1, x2, y2 = share
    return [x1 * width, y1 * height, x2 * width, y2 * height]
    # wrong: of the picture, not of the network's input
    x1, y1, x2, y2 = share
    return [x1 * 1248, y1 * 384, x2 * 1248, y2 * 384]
    # wrong: x goes with the width
    x1, y1, x2, y2 = share
    return [x1 * height, y1 * width, x2 * height, y2 * width]
    # end


check(
    "05.1",
    to_pixels(corners[surest], width, height),
    found.top(1).boxes[0],
    tolerance=0.01,
    hint="x goes with the width and y with the height, of the picture, not of the network's input.",
)


# %% [markdown]
# **05.2** How much of the picture does a box cover? Write the function: a share from 0 to 1.
# %%
def covered(box, width, height):
    # solution, stub: return ...
    x1, y1, x2, y2 = box
    area = (x2 - x1) * (y2 - y1)
    return area / (width * height)
    # wrong: from corner to corner
    x1, y1, x2, y2 = box
    return x2 * y2 / (width * height)
    # wrong: divided by the picture's area
    x1, y1, x2, y2 = box
    return (x2 - x1) * (y2 - y1)
    # end


check(
    "05.2",
    covered([320, 180, 960, 540], 1280, 720),
    0.25,
    hint=(
        "A box is as wide as from corner to corner, x2 - x1; its area is divided by the picture's "
        "area."
    ),
)
# %% [markdown]
# **05.3** Count the objects of each class in `found`, as a dictionary from name to number, such as `{"vehicle": 3}`.
# Leave out what does not occur.
# %%
# solution, stub: counts = ...
counts = {}
for cls in set(clss.tolist()):
    counts[ssd.spec.labels[cls]] = int((clss == cls).sum())
# wrong: not the number
counts = {}
for cls in set(clss.tolist()):
    counts[cls] = int((clss == cls).sum())
# wrong: in `labels`, counting from 0
counts = {}
for cls in set(clss.tolist()):
    counts[ssd.spec.labels[cls - 1]] = int((clss == cls).sum())
# wrong: what does not occur
counts = {}
for cls, label in enumerate(ssd.spec.labels):
    counts[label] = int((clss == cls).sum())
# end
wanted = {}
for cls in sorted(set(clss.tolist())):
    wanted[ssd.spec.labels[cls]] = len(found.of_class(cls))
check(
    "05.3",
    counts,
    wanted,
    hint=(
        "The key is the name, not the number: the class id is the place in `labels`, counting from "
        "0. Leave out what does not occur."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * Picture, tensor, raw boxes and scores, detections: four things, three steps between them.
# * The network gives every candidate; threshold and NMS make objects of them.
# * What the steps do for a model stands in its record.
#
# **Next**: [06 Detect in a folder](06_detect_directory.ipynb).
# %%
ssd.close()
summary()
