# The master of lesson 04; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 04 Before and after the network
#
# **You will learn** the recipe by which a picture becomes the network's input, what a wrong recipe costs, what the
# network gives back, and how threshold and suppression turn that into one box an object: with sliders, on one
# picture.
#
# **You need** [lesson 00](00_check_setup.ipynb). **Time**: 40 minutes. **Machine**: any. This lesson runs on the CPU
# everywhere: an engine may have suppression built in, and here you want to turn it yourself.
# %% [markdown]
# ## 1. The recipe
#
# ![Resize, order of colours, mean and scale, layout](figures/recipe.svg)
#
# A network has learned from pictures that were prepared in one certain way. It must get them in the same way for ever
# after. That way is the *recipe*, and it stands in the model's record, `model.json`, not in the code.
# %%
from trt_course import find_model
from trt_course.lesson.show import show_table

signs = find_model("ssd_mobilenet_v2_signs")
traffic = find_model("ssd_resnet18_traffic")
rows = []
for field in ("width", "height", "resize", "color", "mean", "scale", "layout", "dtype"):
    rows.append((field, getattr(signs.input, field), getattr(traffic.input, field)))
show_table(rows, ["", signs.name, traffic.name])
# %% [markdown]
# **You should see** two recipes that differ in size, order of colours, mean and scale. Both are usual: the first is
# that of TensorFlow's and many PyTorch detectors (RGB, numbers from -1 to 1), the second that of NVIDIA's TLT (BGR,
# the mean taken away, numbers from about -120 to 150). Other families have others: [the record
# explained](../docs/model_json.md).
#
# ## 2. Wrong on purpose: what the network sees
#
# A recipe is data, so you can change it in one line. The function below prepares a picture by a wrong recipe and
# turns the numbers back into a picture by the right one: so it shows what the network takes the picture for.
# %%
import numpy as np

from trt_course import images_in, read_image
from trt_course.lesson.show import side_by_side
from trt_course.model.preprocess import Preprocessor
from trt_course.support.files import kit_path


def with_recipe(spec, **changed):
    """The same model with some fields of its recipe changed."""
    return spec._replace(input=spec.input._replace(**changed))


def taken_for(image, spec, **changed):
    prepare = Preprocessor(with_recipe(spec, **changed))
    tensor = np.empty(spec.input.shape, np.float32)  # (3, h, w)
    prepare(image, tensor)

    # back to a picture, by the right recipe
    colours = tensor.transpose(1, 2, 0)  # (h, w, 3)
    colours = colours * np.float32(spec.input.scale) + np.float32(spec.input.mean)
    picture = colours.round().clip(0, 255).astype(np.uint8)
    if spec.input.color == "RGB":
        picture = picture[:, :, ::-1]  # pictures are shown from BGR
    return picture


# %% [markdown]
# **Before you run the next cell**: what will a blue sign look like when red and blue are swapped? And the picture
# when nobody brings its numbers, 0 to 255, into the range from -1 to 1?
# %%
image = read_image(images_in(kit_path("data/signs/images"))[2])
PLAIN = {"mean": (0.0, 0.0, 0.0), "scale": (1.0, 1.0, 1.0)}
recipes = {
    "right": {},
    "colours swapped": {"color": "BGR"},
    "plain numbers, 0 to 255": PLAIN,
    "0 to 1, not -1 to 1": {"mean": (0.0, 0.0, 0.0), "scale": (255.0, 255.0, 255.0)},
}
seen = [taken_for(image, signs, **changed) for changed in recipes.values()]
side_by_side(seen, list(recipes), columns=4)
# %% [markdown]
# **You should see** the picture as it is; one with red and blue swapped; a white nothing, for the network takes 1 for
# the brightest and got up to 255; and a pale one, the darkest parts of which are grey.
#
# ## 3. And mAP falls
#
# mAP is a score from 0 to 100 % for how well the boxes fit the right answers ([lesson 08](08_evaluate_map.ipynb)
# computes it by hand). Here is a function that scores a model under any recipe.
# %%
from trt_course import TrtSSD
from trt_course.measure import voc
from trt_course.measure.evaluate import as_found


def load(folder, step):
    """Every step-th picture of a data folder, and its right answers."""
    folder = kit_path(folder)
    pictures = {}
    answers = {}
    for path in images_in(folder / "images")[::step]:
        pictures[path.stem] = read_image(path)
        answers[path.stem] = voc.read_truth(folder / "ground-truth" / f"{path.stem}.txt")
    return pictures, answers


def mean_ap(spec, pictures, answers, **changed):
    founds = {}
    with TrtSSD(with_recipe(spec, **changed), backend="cpu", verbose=False) as ssd:
        for name, picture in pictures.items():
            found = ssd.detect(picture, conf_th=0.01)
            founds[name] = as_found(found, spec.labels)
    return 100 * voc.score(answers, founds).mean


# %%
def compare(spec, recipes, pictures, answers):
    rows = []
    for name, changed in recipes.items():
        percent = mean_ap(spec, pictures, answers, **changed)
        rows.append((name, f"{percent:.1f} %"))
    show_table(rows, ["recipe", f"mAP on {len(pictures)} pictures"])


# %% [markdown]
# **Before you run it**: put the four recipes in order, from the best mAP to the worst. Remember what the signs are:
# *mandatory* ones are blue, *prohibitory* ones have a red rim.
# %%
pictures, answers = load("data/signs", step=2)
compare(signs, recipes, pictures, answers)
# %% [markdown]
# **You should see** about 100, 50, 85 and again 100 %. Swapped colours halve the score, for here the colour *is* the
# class. What looks like a white nothing to us costs less than you thought: the differences are still in the numbers.
# And the pale picture costs nothing, this network does not mind. No program stopped, no line warned: *a wrong recipe
# gives worse boxes, not an error*.
#
# ## 4. The mistake of the original course
#
# The original course fed its model BGR without taking the mean away, though the model had been trained with it. What
# did that cost? And what if someone took the signs model's recipe for the traffic model?
# %%
pictures, answers = load("data/traffic", step=3)
recipes = {
    "right: BGR, mean taken away": {},
    "no mean, as in the original course": PLAIN,
    "colours swapped": {"color": "RGB", "mean": traffic.input.mean[::-1]},
    "the signs model's recipe": {
        "color": "RGB",
        "mean": signs.input.mean,
        "scale": signs.input.scale,
    },
}
compare(traffic, recipes, pictures, answers)
# %% [markdown]
# **You should see** about 93, then one or two points less for each of the first two mistakes, and less than 1 % for
# the last. (On all 60 pictures the mean is worth 1.2 points, the order of colours 1.8.) The last mistake is loud: who
# sees no boxes looks for the reason. The first two are the dangerous ones: the boxes look fine, and only a
# measurement tells. So: *before you use a new model, score it on pictures with known answers.*
#
# ## 5. Three ways to resize
#
# The network takes one size. A picture of another shape can be stretched, or put into a frame (*letterbox*), or cut
# (*crop*). **Before you run it**: which way loses objects for certain?
# %%
ways = ("stretch", "letterbox", "crop")
side_by_side([taken_for(image, signs, resize=way) for way in ways], ways, columns=3)
pictures, answers = load("data/signs", step=2)
for way in ways:
    percent = mean_ap(signs, pictures, answers, resize=way)
    print(f"{way:<10} mAP {percent:.1f} %")
# %% [markdown]
# **You should see** the crop far behind: what is cut off cannot be found. Stretched or framed makes no difference for
# these large signs in pictures that are nearly square; with your own pictures, measure it.
#
# Each way needs its own way back for the boxes. Preprocessing returns it as a `Placement`, input = picture * s + o:
# %%
from trt_course.model.placement import placement

for way in ways:
    where = placement(with_recipe(signs, resize=way), width=640, height=480)
    boxes = where.to_image(np.zeros((1, 4)))
    print(f"{way:<10} {where}, corner at {boxes[0, :2].round(1)} of the picture")
# %% [markdown]
# **You should see** that the input's upper left corner is the picture's own only when it was stretched. Who forgets
# the way back gets boxes beside the objects: another mistake without an error.
#
# ## 6. What the network gives back
#
# Now the other end. The networks of this kit give *all* their candidates: for each place where they look one box and
# one score a class. Those with suppression inside, like the original course's, give finished rows of 7 floats. Here
# is one run of the network, kept for all that follows, and its result as such rows.
# %%
ssd = TrtSSD("ssd_resnet18_traffic", backend="cpu", verbose=False)
image = read_image(kit_path("data/traffic/images/000020.jpg"))
prepared = ssd.prepare([image])
outputs = ssd.engine.infer(prepared.request)  # the one and only run
print({name: values.shape for name, values in outputs.items()})
found = ssd.finish(prepared, outputs, conf_th=0.3)[0].top(100)

height, width = image.shape[:2]
rows = np.full((100, 7), -1, np.float32)  # image index -1: an empty row
filled = rows[: len(found)]
filled[:, 0] = 0  # the first picture of the batch
filled[:, 1] = found.clss
filled[:, 2] = found.confs
filled[:, 3:] = found.boxes / [width, height, width, height]

shown = [[f"{value:g}" for value in row] for row in rows[[0, 1, 2, 99]].round(3)]
show_table(shown, ["image", "class id", "confidence", "x1", "y1", "x2", "y2"])
# %% [markdown]
# **You should see** 19,896 candidates with 4 corners and 5 scores, and four of the 100 rows, the last of them empty.
#
# ![A row of 7 floats; a threshold; suppression](figures/rows.svg)
#
# A record says in a few words what a network's output means: here, which column of the rows holds what, and that
# suppression is done. Told so, the decoder that read boxes and scores reads the rows as well.
# %%
from trt_course.model.decode import decode
from trt_course.model.output_rules import output

words = {
    "picture": {"tensor": "NMS", "column": 0},
    "classes": {"tensor": "NMS", "column": 1},
    "scores": {"tensor": "NMS", "column": 2},
    "boxes": {"tensor": "NMS", "column": 3},
    "suppression": "inside",
}
as_rows = ssd.spec._replace(output=output(words, "output"))
again = decode(as_rows, {"NMS": rows}, prepared.placements, 0.3)[0]
farthest = abs(found.boxes - again.boxes).max()
print(len(found), "boxes,", len(again), "from the rows")
print(f"farthest corner {farthest:.4f} pixels away")
# %% [markdown]
# **You should see** the same boxes twice.
#
# One trap is left in these rows: the class id. Most networks count the background as class 0, so the first real class
# is 1. TLT 2.0 did not: its class 0 was a real one. **Before you run it**: what happens to the names when the list
# lacks the background?
# %%
without = ["road_sign", "vehicle", "pedestrian", "bicycle", "nothing"]
for cls in sorted(set(found.clss.tolist())):
    print(f"{cls} is {ssd.spec.labels[cls]} - without background in the list: {without[cls]}")


# %% [markdown]
# **You should see** that all names move by one: vehicles are called pedestrians. The boxes fit, and every name is
# wrong.
#
# ## 7. Threshold and suppression, by hand
#
# The *threshold* drops boxes that are not sure enough. *Suppression* (NMS) goes from the surest box down and drops
# each one that overlaps a box already kept by more than the *overlap limit*. The overlap, IoU, is what two boxes
# share, divided by what they cover together:
# %%
def area(x1, y1, x2, y2):
    width = max(x2 - x1, 0)
    height = max(y2 - y1, 0)
    return width * height


def iou(box, other):
    left = max(box[0], other[0])
    top = max(box[1], other[1])
    right = min(box[2], other[2])
    bottom = min(box[3], other[3])
    shared = area(left, top, right, bottom)
    both = area(*box) + area(*other)
    return shared / (both - shared)


box = [0, 0, 10, 10]
print("the same box:            ", iou(box, box))
print("half a box to the right: ", round(iou(box, [5, 0, 15, 10]), 2))
print("side by side:            ", iou(box, [10, 0, 20, 10]))
# %% [markdown]
# **You should see** 1, a third and 0. A box moved by half its width shares half of itself, but only a third of what
# both cover: an IoU of 0.5 is stricter than it sounds.
#
# ## 8. Now turn it yourself
#
# The two sliders work on the candidates of the one run above; the network does not run again, so the picture follows
# your hand. **Before you run it**: which slider can put two boxes on one car? Which can take away a car behind a car?
# %%
from trt_course import BBoxVisualization

vis = BBoxVisualization(ssd.spec.cls_dict())
there = voc.read_truth(kit_path("data/traffic/ground-truth/000020.txt"))


def boxes_at(prepared, outputs, confidence, limit):
    nms = ssd.spec.nms._replace(iou_threshold=limit, candidates_per_class=2000, max_detections=1000)
    changed = ssd.spec._replace(nms=nms)
    return decode(changed, outputs, prepared.placements, confidence)[0]


# %%
import cv2
from ipywidgets import FloatSlider, Image, Label, VBox

confidence = FloatSlider(0.3, min=0.01, max=0.99, step=0.01, description="confidence")
limit = FloatSlider(0.45, min=0.05, max=1, step=0.05, description="limit")
line = Label()
picture = Image(format="jpeg")


def look(change=None):
    some = boxes_at(prepared, outputs, confidence.value, limit.value)
    line.value = f"{len(some)} boxes, {len(there.labels)} objects are there"
    _, jpeg = cv2.imencode(".jpg", vis.annotate(image, some))
    picture.value = jpeg.tobytes()


confidence.observe(look, "value")
limit.observe(look, "value")
look()
VBox([confidence, limit, line, picture])
# %% [markdown]
# **You should see** a picture with two sliders above it. Try these:
#
# * *limit* to 1: nothing is suppressed, and thick bundles appear.
# * *limit* to 0.05: neighbours that overlap a little lose their boxes. Look at the people on the left.
# * *confidence* to 0.05: boxes where nothing is, but also one around the taxi in front, of which the network is not
#   sure. To 0.9: small and half-hidden objects go first.
#
# No pair of settings is right for every object. So which is best over all?
#
# ## 9. The best limit, measured
#
# The outputs of 20 pictures are kept; then 12 limits are scored without another run. **Before you run it**: draw the
# curve in the air. Is there a peak, or a plateau?
# %%
pictures, answers = load("data/traffic", step=3)
runs = {}
for name, one in pictures.items():
    ready = ssd.prepare([one])
    runs[name] = (ready, ssd.engine.infer(ready.request))

limits = [0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
curve = []
for setting in limits:
    founds = {}
    for name, (ready, given) in runs.items():
        some = boxes_at(ready, given, confidence=0.01, limit=setting)
        founds[name] = as_found(some, ssd.spec.labels)
    curve.append(100 * voc.score(answers, founds).mean)
# %%
import matplotlib.pyplot as plt

plt.figure(figsize=(8, 3.2))
plt.plot(limits, curve, "o-")
plt.axvline(ssd.spec.nms.iou_threshold, color="grey", linestyle="--", label="the record's limit")
plt.xlabel("overlap limit")
plt.ylabel("mAP in %")
plt.ylim(40)
plt.legend()
plt.show()
# %% [markdown]
# **You should see** a plateau from about 0.4 to 0.7, a slope to the left, where neighbours are lost, and a fall to
# half at 1, where each double counts as wrong. The record's limit lies on the plateau; to tune it further would be to
# fit it to these 20 pictures.
#
# ## 10. Exercises
#
# **04.1** Prepare one pixel by hand. It comes from OpenCV, so as blue, green, red. The recipe is that of many PyTorch
# models: RGB, mean and scale below, in the order of the recipe's colours. Return the three numbers in the recipe's
# order.
# %%
from trt_course.lesson.check import check, summary

recipe = traffic.input._replace(color="RGB", mean=(123.7, 116.3, 103.5), scale=(58.4, 57.1, 57.4))


def prepared_pixel(pixel, recipe):
    # solution, stub: return ...
    blue, green, red = pixel
    triples = zip([red, green, blue], recipe.mean, recipe.scale)
    return [(value - mean) / scale for value, mean, scale in triples]
    # wrong: turn the order of the colours
    triples = zip(pixel, recipe.mean, recipe.scale)
    return [(value - mean) / scale for value, mean, scale in triples]
    # wrong: first the mean
    blue, green, red = pixel
    triples = zip([red, green, blue], recipe.mean, recipe.scale)
    return [value / scale - mean for value, mean, scale in triples]
    # end


tensor = np.empty((3, 384, 1248), np.float32)
Preprocessor(traffic._replace(input=recipe))(image, tensor)
check(
    "04.1",
    prepared_pixel(image[200, 300].astype(float), recipe),
    tensor[:, 200, 300],
    tolerance=1e-4,
    hint=(
        "First turn the order of the colours; of each number, take away first the mean, then "
        "divide by the scale."
    ),
)


# %% [markdown]
# **04.2** Suppression, in five lines. `boxes` come surest first. Return the positions of those that are kept. Take
# `iou` from above.
# %%
def suppress(boxes, limit):
    # solution, stub: return ...
    kept = []
    for i, box in enumerate(boxes):
        if all(iou(box, boxes[k]) <= limit for k in kept):
            kept.append(i)
    return kept
    # wrong: Only a box that was kept
    kept = []
    for i, box in enumerate(boxes):
        if all(iou(box, other) <= limit for other in boxes[:i]):
            kept.append(i)
    return kept
    # wrong: not only with the one before
    kept = [0]
    for i in range(1, len(boxes)):
        if iou(boxes[i], boxes[i - 1]) <= limit:
            kept.append(i)
    return kept
    # wrong: more than the limit goes
    kept = [0]
    for i in range(1, len(boxes)):
        if any(iou(boxes[i], other) > limit for other in boxes[:i]):
            kept.append(i)
    return kept
    # end


chain = [[0, 0, 100, 50], [30, 0, 130, 50], [60, 0, 160, 50], [300, 0, 400, 50], [2, 0, 102, 50]]
check(
    "04.2",
    suppress(chain, 0.45),
    [0, 2, 3],
    hint=(
        "Compare each box with all that are kept so far, not only with the one before. What "
        "overlaps one of them by more than the limit goes. Only a box that was kept may remove "
        "another: 1 is gone, so 2 stays."
    ),
)
# %% [markdown]
# **04.3** A network gave these rows for a batch of two pictures. How many vehicles (class 2) of confidence 0.3 or
# more are in the second picture, whose image index is 1?
# %%
batch = [
    [0, 2, 0.91, 0.1, 0.4, 0.2, 0.6],
    [0, 2, 0.85, 0.5, 0.4, 0.6, 0.6],
    [0, 1, 0.40, 0.7, 0.1, 0.8, 0.2],
    [1, 2, 0.88, 0.1, 0.4, 0.2, 0.6],
    [1, 2, 0.35, 0.3, 0.4, 0.5, 0.6],
    [1, 2, 0.12, 0.8, 0.4, 0.9, 0.6],
    [1, 3, 0.77, 0.6, 0.4, 0.7, 0.7],
    [-1, -1, -1, -1, -1, -1, -1],
]
batch = np.float32(batch)
# solution, stub: vehicles = ...
in_second = batch[:, 0] == 1
is_vehicle = batch[:, 1] == 2
is_sure = batch[:, 2] >= 0.3
vehicles = int((in_second & is_vehicle & is_sure).sum())
# wrong: column 0
is_vehicle = batch[:, 1] == 2
is_sure = batch[:, 2] >= 0.3
vehicles = int((is_vehicle & is_sure).sum())
# wrong: column 2
in_second = batch[:, 0] == 1
is_vehicle = batch[:, 1] == 2
vehicles = int((in_second & is_vehicle).sum())
# wrong: column 1
in_second = batch[:, 0] == 1
is_sure = batch[:, 2] >= 0.3
vehicles = int((in_second & is_sure).sum())
# end
second = decode(as_rows, {"NMS": batch}, prepared.placements * 2, 0.3)[1]
check(
    "04.3",
    vehicles,
    len(second.of_class(2)),
    hint=(
        "All three must hold: column 0 is the picture, column 1 the class, column 2 the confidence."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * The recipe (resize, order of colours, mean, scale, layout) belongs to the model. A wrong one gives no error, only
#   worse boxes: sometimes none, sometimes one point of mAP less.
# * Networks give candidates, or finished rows of 7 floats; the record says which, and whether class 0 is background.
# * The threshold decides how sure a box must be, the overlap limit how close two objects may stand.
#
# **Next**: [05 Detect in one picture](05_detect_image.ipynb) goes the whole way, from a picture to its boxes.
# %%
ssd.close()
summary()
