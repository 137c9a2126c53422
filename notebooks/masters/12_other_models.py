# The master of lesson 12; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 12 Other models
#
# **You will learn** how to swap the model by its name, how to read and write a model's record, how to bring a network
# that somebody else trained, which label lists there are and how they mislead, what another backbone changes, and how
# an output in YOLO's form becomes boxes.
#
# **You need** lessons [04](04_pre_and_postprocess.ipynb) and [05](05_detect_image.ipynb). **Time**: 45 minutes.
# **Machine**: any. The lesson runs on the CPU everywhere.
# %% [markdown]
# ## 1. Swap the model by its name
#
# In the original course the name of a model stood in a list inside the program, its input size in another, its class
# names in a third. Here a name is enough: the record beside the network holds the rest.
#
# **Before you run it**: one model knows vehicles, the other traffic signs. What will each do with the other's picture?
# %%
from trt_course import BBoxVisualization, TrtSSD, find_model, list_models, read_image
from trt_course.support.files import kit_path


def look(model, data):
    """A picture of a data folder, with what the model finds in it."""
    image = read_image(kit_path(f"data/{data}/images/000031.jpg"))
    with TrtSSD(model, backend="cpu", verbose=False) as ssd:
        vis = BBoxVisualization(ssd.spec.cls_dict())
        return vis.annotate(image, ssd.detect(image))


# %%
import cv2
from ipywidgets import Dropdown, Image, VBox

model = Dropdown(options=list_models(), description="Model")
data = Dropdown(options=["signs", "traffic"], description="Picture")
shown = Image(format="jpeg")


def choose(_=None):
    _, jpeg = cv2.imencode(".jpg", look(model.value, data.value))
    shown.value = jpeg.tobytes()


model.observe(choose, "value")
data.observe(choose, "value")
choose()
VBox([model, data, shown])
# %% [markdown]
# **You should see** a picture with its boxes and two lists to choose from. Try all four pairs. The model for signs
# tells kinds of signs apart and sees no car; the one for traffic calls them all `road_sign`. A detector finds what it
# was trained for, with the names it was trained with, and has no word for the rest.
#
# ## 2. The record
#
# `find_model` reads `model.json` and checks it. What differs between our two?
# %%
import json

from trt_course.lesson.show import show_picture, show_table

signs = find_model("ssd_mobilenet_v2_signs")
traffic = find_model("ssd_resnet18_traffic")


def flat(fields, before=""):
    """A record without its inner brackets: {"input.width": 300, ...}"""
    facts = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            facts.update(flat(value, f"{before}{name}."))
        else:
            facts[before + name] = value
    return facts


# %%
def differences(spec, other_spec):
    """The fields in which two records differ, with both values; '-' where one says nothing."""
    both = []
    for one in (spec, other_spec):
        record = json.loads((one.folder / "model.json").read_text())
        record.pop("provenance", None)  # for people only
        both.append(flat(record))

    rows = []
    for field in {**both[0], **both[1]}:
        left = both[0].get(field, "-")
        right = both[1].get(field, "-")
        if left != right:
            rows.append((field, left, right))
    return rows


show_table(differences(signs, traffic), ["field", "signs", "traffic"])
# %% [markdown]
# **You should see** a table with the names, the labels, what pictures each has learned from, and the recipe: size,
# order of colours, mean and scale. All other fields are the same. Nowhere in the package does it say `if model == ...`;
# every difference is in this table. The page [The model's record](../docs/model_json.md) explains each field.
#
# ## 3. A network without a record
#
# Somebody sends you a file and writes: "SSDLite for traffic signs: mandatory, prohibitory, warning. Wants RGB, values
# from -1 to 1." We act this out with the file of a model that we know. Some of the record the file itself can tell.
# %%
import shutil
from pathlib import Path

from trt_course.engine import CpuEngine

mine = Path("out/12/from_a_friend")
mine.mkdir(parents=True, exist_ok=True)
shutil.copy(str(signs.onnx), str(mine / "model.onnx"))
with CpuEngine(mine / "model.onnx") as engine:
    for kind, tensors in (("input", engine.inputs), ("output", engine.outputs)):
        for tensor in tensors:
            print(f"{kind:<6} {tensor.name:<8} {tensor.shape} {tensor.dtype}")
# %% [markdown]
# **You should see** one input and two outputs. Read them:
#
# * `input` is (batch, 3, 300, 300), float: so the layout is `nchw`, the size 300 x 300.
# * `boxes` has four numbers for each of 3860 places, `scores` four: one a class. A box and a score for each class in
#   every place is what most detectors give ([how others write it](../docs/model_json.md)).
# * Four scores are four classes, and the sender's list has three names. An SSD counts the background too, mostly as 0.
#
# What the file does *not* tell: the order of the colours, mean and scale, and what the classes are called. That must
# come from whoever trained it.
#
# **Before you run it**: "values -1 to 1" of pixels from 0 to 255: which mean and which scale is that? A pixel becomes
# (pixel - mean) / scale.
# %%
record = {
    "name": "from_a_friend",
    "title": "SSDLite, signs, sent by a friend",
    "input": {
        "name": "input",
        "width": 300,
        "height": 300,
        "layout": "nchw",
        "color": "RGB",
        "mean": [127.5, 127.5, 127.5],
        "scale": [127.5, 127.5, 127.5],
    },
    "output": {"boxes": {"tensor": "boxes"}, "scores": {"tensor": "scores"}},
    "labels": ["background", "mandatory", "prohibitory", "warning"],
    "background": 0,
}
(mine / "model.json").write_text(json.dumps(record, indent=1))
show_picture(look(mine, "signs"), find_model(mine).title)
# %% [markdown]
# **You should see** the signs found. The folder is a model now, wherever a model's name is wanted: in `TrtSSD`, and in
# a terminal beside this notebook `python -m trt_course detect photo.jpg --model out/12/from_a_friend`.
#
# How would you know that the recipe is right? Boxes on one picture prove little. Score it:
# %%
from trt_course.measure import voc
from trt_course.measure.evaluate import detect_folder


def percent(**changed):
    """mAP on the first 20 pictures of data/signs, with the recipe changed."""
    spec = find_model(mine)
    changed_spec = spec._replace(input=spec.input._replace(**changed))
    with TrtSSD(changed_spec, backend="cpu", verbose=False) as ssd:
        truths, founds = detect_folder(ssd, few)
    score = voc.score(truths, founds)
    return f"mAP {100 * score.mean:6.2f} %"


few = Path("out/12/few")
for part, ending in (("images", "jpg"), ("ground-truth", "txt")):
    (few / part).mkdir(parents=True, exist_ok=True)
    for number in range(20):
        name = f"{part}/{number:06d}.{ending}"
        shutil.copy(str(kit_path("data/signs/" + name)), str(few / name))
# %% [markdown]
# **Before you run it**: which hurts more, the colours in the wrong order, or values from 0 to 255 instead of -1 to 1?
# %%
print("as the sender said:  ", percent())
print("BGR instead of RGB:  ", percent(color="BGR"))
print("values 0 to 255:     ", percent(mean=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0)))
print("letterbox:           ", percent(resize="letterbox"))
# %% [markdown]
# **You should see** that the program never complains. Wrong colours cost most here, more than 40 points: a red sign
# looks blue, so the model finds it and gives it the wrong class. Numbers from 0 to 255 cost less than you would think,
# and that is the worst kind of mistake: such a model seems to work. A network takes any numbers, so no error tells you
# of a wrong recipe. `models check`, below, tries other recipes and says when one finds more; proof is only a score.
#
# ## 4. A wrong record says so
#
# What *can* be checked is checked when the model is opened, with one sentence. Two mistakes of the kind that everybody
# makes:
# %%
from trt_course import CourseError


def complaint(changed):
    """What is said when a model with this record is opened and used."""
    folder = Path("out/12/wrong")
    folder.mkdir(exist_ok=True)
    shutil.copy(str(mine / "model.onnx"), str(folder))
    (folder / "model.json").write_text(json.dumps(changed))
    try:
        look(folder, "signs")
    except CourseError as err:
        print(err, end="\n\n")


misspelt = dict(record["input"], resise="letterbox")
complaint(dict(record, input=misspelt))
complaint(dict(record, labels=["mandatory", "prohibitory", "warning"], background=None))
# %% [markdown]
# **You should see** two sentences. The first names the file and the field, and guesses what you meant. The second
# counts the classes of the network and the labels of the record, and reminds you of the background, which is what it
# mostly is. Try others: leave a field out, take the colours `"rgb"`, name an output that is not there.
#
# ### Let the kit begin
#
# What you have read off the file, the kit can read, too. **Before you run it**: which three things will it have to ask?
# %%
from trt_course.builder.draft import draft, report
from trt_course.support.outputs import Outputs

print(report(draft(mine / "model.onnx", "out/12/drafted", Outputs(force=True))))
# %% [markdown]
# **You should see** the tensors, the family that it takes the network for, and how sure it is; then a record, and its
# questions: the order of the colours, mean and scale, and the names of the classes. They are the very things that the
# file does not tell. In a terminal that is `python -m trt_course models draft FILE.onnx`, and
# `python -m trt_course models check` then tries the record on your pictures and says what looks wrong.
#
# ## 5. Lists of labels
#
# Some lists are shared by many models, so a record may name one: `"labels": "coco"`. They are the ones of the original
# course, and each has its trap.
# %%
from trt_course import get_cls_dict

for name in ("egohands", "face", "signs", "traffic", "coco", "coco80", "coco90"):
    names = get_cls_dict(name)
    more = ""
    if len(names) > 2:
        more = ", ..."
    print(f"{name:<9} {len(names):>2} classes: 0 {names[0]}, 1 {names[1]}{more}")
# %% [markdown]
# **You should see** that `egohands`, `face` and `coco` begin with the background, and the others do not. So a record
# with one of the first three says `"background": 0`, and with one of the others `"background": null`.
#
# **Before you run it**: three models trained on COCO look at the same cat. What does the class id 17 mean in each?
# %%
for name in ("coco", "coco80", "coco90"):
    print(name, "-> 17 is", get_cls_dict(name)[17])
unused = [number for number, label in get_cls_dict("coco").items() if label.startswith("unused")]
print("numbers without a class:", unused)
# %% [markdown]
# **You should see** three animals. COCO has 80 classes with numbers from 1 to 90, for ten numbers are not used.
# TensorFlow's models keep those numbers and the background (`coco`) or shift them by one (`coco90`); others count 80
# classes in a row (`coco80`). With the wrong list the boxes are perfect and the cat is a dog.
#
# ## 6. Two records from outside
#
# Here are the records of two SSDs that others have trained and given away: a small one for faces, and the MobileNet of
# TensorFlow for COCO. Only the records; if you want to try one, put its ONNX file beside it.
# %%
face = {
    "name": "face_slim",
    "title": "Ultra-light face detector, slim 320",
    "input": {
        "name": "input",
        "width": 320,
        "height": 240,
        "layout": "nchw",
        "color": "RGB",
        "mean": [127, 127, 127],
        "scale": [128, 128, 128],
    },
    "output": {"boxes": {"tensor": "boxes"}, "scores": {"tensor": "scores"}},
    "labels": "face",
    "background": 0,
    "nms": {"iou_threshold": 0.3},
    "provenance": {
        "source": "Ultra-Light-Fast-Generic-Face-Detector-1MB, version slim-320",
        "license": "MIT",
    },
}
# %%
coco = {
    "name": "coco_mobilenet",
    "title": "COCO SSD-MobileNet v1, quantised",
    "input": {
        "name": "normalized_input_image_tensor",
        "width": 300,
        "height": 300,
        "layout": "nhwc",
        "dtype": "uint8",
        "color": "RGB",
    },
    "output": {
        "boxes": {"tensor": "TFLite_Detection_PostProcess", "order": "yx"},
        "classes": "TFLite_Detection_PostProcess:1",
        "scores": {"tensor": "TFLite_Detection_PostProcess:2"},
        "count": "TFLite_Detection_PostProcess:3",
        "suppression": "inside",
    },
    "labels": "coco90",
    "background": None,
}
# %% [markdown]
# **Before you run it**: both say "RGB, 300 or so". Find at least four things in which they differ.
# %%
specs = []
for one in (face, coco):
    folder = Path("out/12") / one["name"]
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps(one, indent=1))
    specs.append(find_model(folder))  # reads it and checks it
rows = [[str(cell)[:60] for cell in row] for row in differences(specs[0], specs[1])]
show_table(rows, ["field", "face", "coco"])
# %% [markdown]
# **You should see** the two side by side. The second has numbers of 8 bits as input, the three colours of a pixel
# beside each other (`nhwc`), suppression inside, its boxes as y1 x1 y2 x2, and labels counted from 0 without a
# background. The program is the same. `provenance` is for people: where the network comes from and what its licence
# allows. Write it down while you still know.
#
# ## 7. Another backbone
#
# The contest gives points for another *backbone*, the front part of the network. What of the record does that change?
# To see it, we make the smallest detector of the world: it finds blue, green and red. Its backbone takes the mean of
# each 16 x 16 pixels; the other backbone does the same in two steps.
# %%
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def backbone(pools):
    """Its nodes, each the mean of more and more pixels, and the name of what they see."""
    nodes = []
    last = "input"
    for number, side in enumerate(pools):
        seen = f"seen{number}"
        size = [side, side]
        node = helper.make_node("AveragePool", [last], [seen], kernel_shape=size, strides=size)
        nodes.append(node)
        last = seen
    return nodes, last


def head(seen):
    """Its nodes. Scores: the mean blue, green and red of each of 6 x 8 cells. Boxes: the cells."""
    return [
        helper.make_node("Reshape", [seen, "flat"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["scores"], perm=[0, 2, 1]),
        helper.make_node("Identity", ["cells"], ["boxes"]),
    ]


# %%
def cells():
    """The boxes: 6 rows of 8 cells, as shares of the picture."""
    row, column = np.mgrid[0:6, 0:8]
    left_top = np.stack([column, row], axis=-1)  # (6, 8, 2)
    corners = np.concatenate([left_top, left_top + 1], axis=-1)  # (6, 8, 4)
    shares = corners / [8, 6, 8, 6]
    return shares.reshape(1, 48, 4).astype(np.float32)


def colour_net(path, pools):
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 96, 128])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 48, 3])
    boxes = helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 48, 4])
    constants = [
        numpy_helper.from_array(np.int64([1, 3, 48]), "flat"),
        numpy_helper.from_array(cells(), "cells"),
    ]
    nodes, seen = backbone(pools)
    nodes += head(seen)
    graph = helper.make_graph(nodes, "colours", [picture], [scores, boxes], constants)
    opset = helper.make_opsetid("", 13)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))


# %%
colours = {
    "name": "colours",
    "title": "finds colours",
    "input": {
        "name": "input",
        "width": 128,
        "height": 96,
        "layout": "nchw",
        "color": "BGR",
        "scale": [255, 255, 255],
    },
    "output": {"boxes": {"tensor": "boxes"}, "scores": {"tensor": "scores"}},
    "labels": ["blue", "green", "red"],
    "background": None,
}
folder = Path("out/12/colours")
folder.mkdir(exist_ok=True)
for file, pools in (("one_step.onnx", [16]), ("two_steps.onnx", [4, 4])):
    colour_net(folder / file, pools)
picture = np.zeros((192, 256, 3), np.uint8)
picture[32:64, 64:96] = (0, 0, 255)  # red, for the order is BGR
picture[128:160, 192:224] = (0, 200, 0)
# %% [markdown]
# **Before you run it**: two networks, one record. Which of its fields must differ?
# %%
found = {}
for file in ("one_step.onnx", "two_steps.onnx"):
    (folder / "model.json").write_text(json.dumps(dict(colours, file=file)))
    with TrtSSD(folder, backend="cpu", verbose=False) as ssd:
        found[file] = ssd.detect(picture)
        text = found[file].to_text(ssd.spec.labels).replace("\n", ";  ")
        print(f"{file:<15} {text}")

one = found["one_step.onnx"]
two = found["two_steps.onnx"]
print("the same boxes:", np.array_equal(one.boxes, two.boxes))
print("scores apart by", abs(one.confs - two.confs).max())
vis = BBoxVisualization(ssd.spec.cls_dict())
show_picture(vis.annotate(picture, two), "two steps")
# %% [markdown]
# **You should see** the same two boxes from both, with scores that are equal but for the last digits: sums in another
# order are rounded in another way. Only `file` has changed, for a backbone lies between the input and the head, where
# no record looks. It stays so with real ones, as long as the head is the same and you have trained with the same
# recipe. Take weights that were trained with another one, and mean, scale and colours change as well. Forget that, and
# you are with those who ask why MobileNet "finds nothing".
#
# ## 8. An output in YOLO's form
#
# Another *detector* may give its output in another form. In many versions of YOLO it is one tensor with a row for each
# place: centre x, centre y, width and height in pixels of the input, a number for "is there an object at all?", and one
# for each class. Here is such an output, made by hand, of a network for pictures of 128 x 96 with our three classes:
# %%
rows = [
    # cx, cy, w, h, object, blue, green, red
    [40, 24, 16, 16, 0.9, 0.0, 0.1, 1.0],
    [41, 24, 16, 16, 0.8, 0.0, 0.1, 0.9],  # the same object once more
    [104, 72, 16, 16, 0.8, 0.0, 0.95, 0.0],
    [64, 48, 90, 60, 0.05, 0.9, 0.0, 0.0],  # it would be blue, if there were an object
]
yolo = np.float32([rows])  # a batch of one
print(yolo.shape)
# %% [markdown]
# We want corners instead of centres, and one score for each class: the object's number times the class's.
#
# **12.1** Write the step between them.
# %%
from trt_course.lesson.check import check, summary


def from_yolo(rows):
    """(n, 5 + classes) -> boxes (n, 4), x1 y1 x2 y2, and scores (n, classes)"""
    # solution, stub: return ..., ...
    centre = rows[:, :2]
    half = rows[:, 2:4] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    scores = rows[:, 4:5] * rows[:, 5:]
    return boxes, scores
    # wrong: half the width
    centre = rows[:, :2]
    size = rows[:, 2:4]
    boxes = np.concatenate([centre - size, centre + size], axis=1)
    scores = rows[:, 4:5] * rows[:, 5:]
    return boxes, scores
    # wrong: times the number of the object
    centre = rows[:, :2]
    half = rows[:, 2:4] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return boxes, rows[:, 5:]
    # wrong: the width and the height are no corners
    scores = rows[:, 4:5] * rows[:, 5:]
    return rows[:, :4], scores
    # end


boxes, scores = from_yolo(yolo[0])
third = ...  # until you have an answer
if boxes is not ...:
    third = np.concatenate([boxes[2], scores[2]])
check(
    "12.1",
    third,
    [96, 64, 112, 80, 0, 0.76, 0],
    1e-4,
    hint=(
        "A corner is the centre minus, or plus, half the width and half the height; the width and "
        "the height are no corners. A score is the class's number times the number of the object."
    ),
)
# %% [markdown]
# `decode`, which every model of the course goes through, does the rest: threshold, suppression, and the way back to the
# picture, which here is twice as wide and high as the network's input.
#
# **Before you run it**: four rows go in. How many boxes come out at a threshold of 0.3?
# %%
from trt_course.model.decode import decode
from trt_course.model.placement import placement

output = {"boxes": {"tensor": "boxes", "units": "pixels"}, "scores": {"tensor": "scores"}}
(folder / "model.json").write_text(json.dumps(dict(colours, output=output)))
spec = find_model(folder)
if boxes is ...:  # until you have an answer
    boxes = np.zeros((0, 4), np.float32)
    scores = np.zeros((0, 3), np.float32)
outputs = {"boxes": boxes[None], "scores": scores[None]}  # a batch of one
found = decode(spec, outputs, [placement(spec, 256, 192)], conf_th=0.3)[0]
print(found.to_text(spec.labels))
vis = BBoxVisualization(spec.cls_dict())
show_picture(vis.annotate(picture, found), f"{len(found)} boxes")
# %% [markdown]
# **You should see** two boxes, once 12.1 is right. The second row is the first object again and falls to suppression;
# the fourth has 0.05 x 0.9 and falls to the threshold.
#
# You will not have to write this step again, for a record can say it: boxes from column 0 on, written as centre and
# size in pixels; the number of the object in column 4; the scores from column 5 on.
# %%
words = {
    "boxes": {"tensor": "yolo", "column": 0, "form": "centre_size", "units": "pixels"},
    "objectness": {"tensor": "yolo", "column": 4},
    "scores": {"tensor": "yolo", "column": 5},
}
(folder / "model.json").write_text(json.dumps(dict(colours, output=words)))
spec = find_model(folder)
by_record = decode(spec, {"yolo": yolo}, [placement(spec, 256, 192)], conf_th=0.3)[0]
print(by_record.to_text(spec.labels))
# %% [markdown]
# **You should see** the same two boxes, from the tensor as it is. Versions of YOLO differ: newer ones leave the number
# of the object out, or give a column a place; YOLOX counts from the cells of a grid; some are exported with suppression
# inside. Each is another choice of the same few words, and [The model's record](../docs/model_json.md) has a whole
# record for each family, to copy. Ask the file for its shapes, as in step 3, and its maker for their meaning.
#
# ## 9. Exercises
#
# **12.2** A detector of hands, trained with TensorFlow's object detection API on `egohands`, for TensorRT: its output
# is one tensor with rows of 7 numbers. Look up its family in [the table of recipes](../docs/model_json.md), and its
# labels above.
# %%
# solution, stub: color, mean, layout, background = ..., ..., ..., ...
color = "RGB"
mean = [127.5] * 3
layout = "nms7"
background = 0
# wrong: TensorFlow reads RGB
color = "BGR"
mean = [103.939, 116.779, 123.68]
layout = "nms7"
background = 0
# wrong: begins with the background
color = "RGB"
mean = [127.5] * 3
layout = "nms7"
background = None
# wrong: suppression inside
color = "RGB"
mean = [127.5] * 3
layout = "boxes_scores"
background = 0
# end
number = background
if background is not ...:
    number = str(background)  # a text, for None would count as "not done yet"
check(
    "12.2",
    [color, mean, layout, number],
    ["RGB", [127.5, 127.5, 127.5], "nms7", "0"],
    hint=(
        "TensorFlow reads RGB and wants -1 to 1. Rows of 7 numbers are what NMS_TRT gives, with "
        "suppression inside. `egohands` begins with the background."
    ),
)
# %%
hands = {
    "name": "egohands",
    "title": "hands",
    "labels": "egohands",
    "background": background,
    "input": {
        "name": "Input",
        "width": 300,
        "height": 300,
        "layout": "nchw",
        "color": color,
        "mean": mean,
        "scale": [127.5] * 3,
    },
    "output": {"layout": layout, "tensors": {"rows": "NMS"}},
}
# %%
if ... not in (color, mean, layout, background):
    folder = Path("out/12/egohands")
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps(hands))
    try:
        spec = find_model(folder)
        print("read:", spec.title, spec.output)
    except CourseError as err:
        print(err)


# %% [markdown]
# **12.3** You want to compare a model with the labels `coco` with one with `coco80`. Write the function that makes the
# second one's class id of the first one's.
# %%
def to_coco80(class_id):
    names = get_cls_dict("coco")
    others = get_cls_dict("coco80")
    # solution, stub: return ...
    return list(others.values()).index(names[class_id])
    # wrong: ten numbers are not used
    return class_id - 1
    # wrong: not the name itself
    return names[class_id]
    # end


check(
    "12.3",
    [to_coco80(1), to_coco80(17), to_coco80(90)],
    [0, 15, 79],
    hint=(
        "Not only the background is missing: ten numbers are not used. Look for the name in the "
        "other list; wanted is its place there, not the name itself."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * A model is a folder; its record holds all that differs, and the program holds none of it.
# * The file tells names, shapes and types. Colours, mean, scale and labels must come from whoever trained it.
# * A wrong record is named; a wrong *recipe* is silent. `models check` suspects it, and a score proves it.
# * Another backbone changes the file, another detector perhaps the words for its output.
#
# **Next**: [13 Throughput](13_throughput.ipynb) runs a model on many pictures at once. And with the one that you have
# brought, you can enter [the contest](14_contest.ipynb).
#
# Each detector of this lesson was closed where it was used, by its `with`; nothing is left to free.
# %%
summary()
