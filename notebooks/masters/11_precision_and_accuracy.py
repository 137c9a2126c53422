# The master of lesson 11; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 11 Precision and accuracy
#
# **You will learn** what FP16 and INT8 cost in mAP and what they bring in speed; what a scale is and how calibration
# chooses it; which objects suffer first; how a score is spoilt by calibrating on the exam; and how single layers are
# kept out of it.
#
# **You need** [lesson 01](01_why_tensorrt.ipynb); [06](06_detect_directory.ipynb) for the mAP. **Time**: 50 minutes.
# **Machine**: any. INT8 is made and scored on your CPU; the last measurement wants a GPU, or shows a saved one.
# %% [markdown]
# ## 1. The score to hold on to
#
# [Lesson 01](01_why_tensorrt.ipynb) rounded weights and looked at boxes. Now we count: every variant of the network is
# scored on the same 12 pictures. First FP32, as it comes.
# %%
import copy
import shutil
import time
from pathlib import Path

import numpy as np
import onnx

from trt_course import CourseError, TrtSSD, find_model, images_in, read_image
from trt_course.builder import graph, precision
from trt_course.lesson.show import on_gpu, show_table
from trt_course.measure import voc
from trt_course.measure.evaluate import CONF_TH, as_found
from trt_course.support.files import kit_path

# %%
spec = find_model("ssd_resnet18_traffic")
plain = graph.load_plain(spec.onnx)
out = Path("out/11")
shutil.rmtree(str(out), ignore_errors=True)
exam = images_in(kit_path("data/traffic/images"))[::5]
pictures = {}
truths = {}
for path in exam:
    name = path.stem
    pictures[name] = read_image(path)
    truths[name] = voc.read_truth(kit_path(f"data/traffic/ground-truth/{name}.txt"))


# %% [markdown]
# Small objects are scored apart from large ones: the limit is a height of 32 pixels.
# %%
def saved(model, name):
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.onnx"
    onnx.save(model, str(path))
    return spec._replace(onnx=path, provenance={})


def find_all(spec, **options):
    founds = {}
    with TrtSSD(spec, verbose=False, **options) as ssd:
        for name, image in pictures.items():
            found = ssd.detect(image, CONF_TH)
            founds[name] = as_found(found, spec.labels)
    return founds


# %%
def mean_ap(founds, low, high):
    """mAP in per cent, of the objects that are between `low` and `high` pixels high."""
    some_truths, some_founds = voc.of_height(truths, founds, low, high)
    classes = voc.score(some_truths, some_founds).classes.values()
    return 100 * np.mean([each.ap for each in classes if each.truths])


def scores(founds):
    """mAP in per cent: of all objects, of the small ones, of the large ones."""
    return [mean_ap(founds, 0, 1e9), mean_ap(founds, 0, 32), mean_ap(founds, 32, 1e9)]


founds = {"FP32": find_all(spec, backend="cpu")}
objects = sum(len(truth.labels) for truth in truths.values())
percent, _, _ = scores(founds["FP32"])
print(f"{objects} objects; mAP {percent:.2f} %")
# %% [markdown]
# **You should see** 306 objects and a mAP near 96 %. On all 60 pictures it is 92.82 %: few pictures make a rough
# score. Keep that in mind for what follows.
#
# ## 2. Rounding a box
#
# The network gives corners as shares of the picture, from 0 to 1. **Before you run the next cell**: if corners are
# rounded to FP16, where in the picture are they off most?
# %%
import matplotlib.pyplot as plt

share = np.linspace(0, 1, 2000, endpoint=False).astype(np.float16)
next_one = np.spacing(share).astype(float)  # how far away the next FP16 number is
figure, axes = plt.subplots(figsize=(9, 3))
axes.step(1248 * share.astype(float), 1248 * next_one / 2)
axes.set_xlabel("where the corner is, in pixels")
axes.set_ylabel("FP16 is off by at most, pixels")
axes.set_xlim(0, 1248)
axes.set_ylim(0)
plt.show()


# %% [markdown]
# **You should see** stairs: at an eighth, a quarter and a half of the width the error doubles. FP16 has 11 significant
# bits, so a small number is rounded to small steps and a large one to large steps. In the right half a corner may be
# off by 0.3 pixels.
#
# Is that much? **Before you run it**: the boxes of FP32 are rounded to FP16, and then to 8 bits, in steps of 1/127
# of the picture. What will the mAP say?
# %%
def rounded(founds, grid):
    """The same boxes, each corner as a share that `grid` has rounded."""
    made = {}
    for name, found in founds.items():
        height, width = pictures[name].shape[:2]
        size = np.array([width, height, width, height])
        shares = grid(found.boxes / size)
        made[name] = found._replace(boxes=shares * size)
    return made


def to_fp16(shares):
    return shares.astype(np.float16).astype(float)


def to_8_bits(shares):
    return np.round(shares * 127) / 127


# %%
def row_of(name, numbers, form=".2f"):
    """A row of a table: a name and numbers as texts."""
    return [name] + [format(number, form) for number in numbers]


fp32 = founds["FP32"]
rows = [
    row_of("FP32", scores(fp32)),
    row_of("FP16", scores(rounded(fp32, to_fp16))),
    row_of("8 bits", scores(rounded(fp32, to_8_bits))),
]
show_table(rows, ["corners in", "mAP %", "small %", "large %"])
# %% [markdown]
# **You should see** that FP16 corners cost next to nothing. With 8 bits a step is about 10 pixels wide. That ruins the
# small objects, some of which are no wider themselves, and costs the large ones far less. So the kit keeps what
# *makes corners* in FP32, in FP16 and INT8 engines, too, and rounds only the network before it.
#
# ## 3. FP16 for the network
# %%
models = {"FP32": plain, "FP16": precision.fp16(plain)}
founds["FP16"] = find_all(saved(models["FP16"], "FP16"), backend="cpu")
for name in ("FP32", "FP16"):
    size = len(models[name].SerializeToString())
    percent, _, _ = scores(founds[name])
    print(f"{name}: {size / 1e6:.1f} MB, mAP {percent:.2f} %")
# %% [markdown]
# **You should see** half the bytes and the same mAP. But careful: ONNX Runtime only *stores* FP16 and computes in
# FP32. A GPU computes in it, and rounds at each layer. So the CPU cannot say what FP16 costs there; step 11 does.
#
# ## 4. INT8: a scale, and a pair of nodes
#
# A whole number of 8 bits goes from -128 to 127. To stand for 3.3 it needs a *scale*: the step from one number to the
# next. Two nodes of ONNX do the work: `QuantizeLinear` (Q) makes whole numbers, `DequantizeLinear` (DQ) goes back. The
# cell makes a network of these two alone.
# %%
import onnxruntime as ort
from onnx import TensorProto, helper


def through_a_pair(values, scale):
    """What Q and DQ make of the values: the whole numbers, and what they stand for."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    fixed = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]),
        helper.make_tensor("zero", TensorProto.INT8, [], [0]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    q = helper.make_tensor_value_info("q", TensorProto.INT8, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    pair = helper.make_graph(nodes, "pair", [x], [q, y], fixed)
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(pair, opset_imports=[opset], ir_version=7)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array(values, np.float32)})


# %% [markdown]
# **Before you run it**: the scale is 0.05. What will become of 0.02, of 3.3, and of 9.9?
# %%
values = [0.02, 0.03, -1.0, 3.3, 9.9]
whole, back = through_a_pair(values, scale=0.05)
rows = [(f"{value:g}", f"{q}", f"{y:.4g}") for value, q, y in zip(values, whole, back)]
show_table(rows, ["number", "Q", "DQ"])
# %% [markdown]
# **You should see** two kinds of loss. *Rounding*: 0.02 becomes 0, and no number is off by more than half a step.
# *Clipping*: 9.9 becomes 6.35, for more than 127 steps there are not. A small scale rounds little and clips much, a
# large one the other way round. To find the right one is the whole art of calibration.
#
# ## 5. Calibration
#
# Weights are known: their largest value is 127 steps. What flows *between* the layers depends on the picture; so some
# pictures are run through the FP32 network, and the values are looked at. The kit has 16 for it, which nobody scores.
# We take three, to be quick, and look at one tensor: what comes out of the fourth block.
# %%
few = out / "calibration"
few.mkdir(parents=True)
for path in images_in(kit_path("data/calibration/traffic/images"))[::6]:
    shutil.copy(str(path), str(few))
TENSOR = "backbone_stages_1_1_relu"
watched = copy.deepcopy(plain)
watched.graph.output.append(helper.make_tensor_value_info(TENSOR, TensorProto.FLOAT, None))
session = ort.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
parts = []
for tensor in precision.calibration_batches(spec, few):
    (values,) = session.run([TENSOR], {"input": tensor})
    parts.append(values.reshape(-1))
seen = np.concatenate(parts)

zeros = (seen == 0).mean()
print(f"{len(seen):,} values from {seen.min():.2f} to {seen.max():.2f}")
print(f"{100 * zeros:.0f} % are 0, 99.9 % are below {np.percentile(seen, 99.9):.2f}")


# %% [markdown]
# **You should see** that nearly all values are small, and a few very large. Where should 127 be?
#
# * *min-max* takes the largest value: nothing is clipped, all is rounded coarsely.
# * *percentile* clips the outermost 0.001 %.
# * *entropy* tries many cuts and takes the one after which the distribution has changed least.
#
# The next cell makes two INT8 networks, by the second and the third method, and reads from them which range they
# chose. It takes some seconds. **Before you run it**: how far below the largest value will they go?
# %%
def constants_of(model):
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def scale_of(model, tensor):
    """The scale of the pair that stands behind a tensor."""
    quantisers = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    behind = next(node for node in quantisers if node.input[0] == tensor)
    return float(constants_of(model)[behind.input[1]])


chosen = {"min-max": float(abs(seen).max())}
for method in ("percentile", "entropy"):
    made = precision.int8(spec, plain, few, method)
    models["INT8, " + method] = made
    chosen[method] = 127 * scale_of(made, TENSOR)
print({method: round(value, 2) for method, value in chosen.items()})
# %%
some = np.random.RandomState(0).choice(seen, 100000)
ranges = np.linspace(1, 1.1 * seen.max(), 60)
errors = []
for largest in ranges:
    scale = largest / 127
    whole = np.round(some / scale).clip(-128, 127)
    errors.append(np.sqrt(np.mean((some - whole * scale) ** 2)))
# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
left.hist(seen, bins=120, log=True, color="#b9c4cf")
right.plot(ranges, errors, color="black")
colours = {"min-max": "#c9791a", "percentile": "#2f8f4e", "entropy": "#3a6fb0"}
for axes in (left, right):
    for method, value in chosen.items():
        axes.axvline(value, color=colours[method], label=f"{method}: {value:.1f}")
left.set(xlabel="value", ylabel="how many", title=TENSOR)
right.set(xlabel="range", ylabel="error (root mean square)", ylim=(0, 4 * min(errors)))
right.set_title("rounding and clipping together")
right.legend()
plt.show()
# %% [markdown]
# **You should see**, on the left, how often each value occurs (each mark is ten times the one below), and three places
# to cut. On the right, how far the values are off for each range: before the valley by clipping, behind it by
# rounding. Two methods lie near its bottom, min-max does not. The valley is wide; that is why methods that disagree
# can both be good.
#
# ## 6. Pairs in the network
#
# Here is the second convolution of the network, with what stands before its inputs.
# %%
quantised = models["INT8, percentile"]
nodes = quantised.graph.node
maker = {name: node for node in nodes for name in node.output}  # tensor -> who makes it
constants = constants_of(quantised)
conv = next(node for node in nodes if node.name == "backbone_stages_0_0_conv1_0")
for name in conv.input[:2]:
    dequantise = maker[name]
    quantise = maker[dequantise.input[0]]
    source, scale, _ = quantise.input
    print(f"{source} -> Q -> DQ -> {conv.name}, scales {constants[scale].shape}")
# %% [markdown]
# **You should see** two pairs: one for the picture's features, with a single scale, shape `()`; one for the weights,
# with 32, one for each *channel* that it makes. There are no other numbers: 0 stays 0 (the scales are *symmetric*), as
# TensorRT wants it.
#
# **Before you run it**: why 32? What would a single one do?
# %%
weights = constants[source]  # (32, 24, 3, 3), the last of the two above
largest = np.sort(abs(weights).max(axis=(1, 2, 3)))  # (32,)
figure, axes = plt.subplots(figsize=(9, 3))
axes.bar(range(len(largest)), largest, color="#b9c4cf")
axes.axhline(largest[-1], color="#c9791a", label="one range for all")
axes.set(xlabel="channel, sorted", ylabel="largest weight")
axes.legend(loc="upper left")
plt.show()
steps = 127 * largest[0] / largest[-1]
print("with one scale for all, the weights of the smallest channel", end=" ")
print(f"would take {steps:.0f} of 127 steps")
# %% [markdown]
# **You should see** channels of very different size. With a scale of its own, each uses all its steps.
#
# ## 7. What INT8 costs
#
# On the CPU, ONNX Runtime runs the pairs just as they stand. **Before you run it**: how much mAP will be lost? And
# which class will lose most?
# %%
founds["INT8"] = find_all(saved(quantised, "INT8"), backend="cpu")
rows = []
for name, found in founds.items():
    classes = voc.score(truths, found).classes
    labels = sorted(classes)
    numbers = scores(found) + [100 * classes[label].ap for label in labels]
    rows.append(row_of(name, numbers, ".1f"))
show_table(rows, ["", "mAP", "small", "large"] + labels)


# %% [markdown]
# **You should see** a loss of about a point, most of it among the small objects, and most of that among the bicycles.
# But careful: six bicycles here are small, so a single one shows in the mAP. On all 60 pictures, calibrated on 16, this
# model loses nothing that could be told from chance: [Precision](../docs/precision.md).
#
# Is INT8 always that harmless? No: the ranges must be right. We make them wrong, all ranges between the layers four
# times too narrow, or 4 or 16 times too wide. The weights keep theirs.
# %%
def with_ranges(model, factor):
    """A copy with all ranges between the layers so many times as wide."""
    model = copy.deepcopy(model)
    weights = {tensor.name for tensor in plain.graph.initializer}
    scales = set()
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] not in weights:
            scales.add(node.input[1])
    for tensor in model.graph.initializer:
        if tensor.name in scales:
            wider = np.array(factor * onnx.numpy_helper.to_array(tensor), np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(wider, tensor.name))
    return model


# %% [markdown]
# **Before you run it**: which does more harm? And who is lost first, the small objects or the large ones?
# %%
by_factor = {1: scores(founds["INT8"])}
for factor in (1 / 4, 4, 16):
    wrong = saved(with_ranges(quantised, factor), "wrong")
    by_factor[factor] = scores(find_all(wrong, backend="cpu"))
table = np.array([by_factor[factor] for factor in sorted(by_factor)])  # (4, 3)

figure, axes = plt.subplots(figsize=(9, 3.4))
for column, label in enumerate(("all", "small", "large")):
    axes.plot(table[:, column], "o-", label=label)
axes.set_xlabel("ranges so many times as wide")
axes.set_xticks(range(4))
axes.set_xticklabels(["1/4", "1", "4", "16"])
axes.set_ylabel("mAP, per cent")
axes.set_ylim(0, 103)
axes.legend(loc="lower right")
plt.show()
# %% [markdown]
# **You should see** that four times too wide does little: two of the eight bits are unused, and six are nearly enough.
# Four times too narrow does more harm than 16 times too wide. And each time the small objects are lost first. That is
# what to look at when INT8 disappoints: not the mAP, but the mAP of the small ones.
#
# ## 8. The leak
#
# Which pictures? Those at hand are the scored ones. **Before you run it**: what may go wrong?
# %%
try:
    precision.int8(spec, plain, "data/traffic/images")
except CourseError as err:
    print(err)
# %% [markdown]
# **You should see** a refusal. `--force` would override it, and nothing in the results would tell. What would be wrong
# with them? We do it on purpose: each of three scored pictures, which are very different, calibrates a network of its
# own, and each network is held against FP32 on all three. The numbers say how far the confidences are off, in
# thousandths.
# %%
from trt_course.model.preprocess import Preprocessor

names = ("000007", "000020", "000033")
prepare = Preprocessor(spec)
paths = {}
tensors = {}
for name in names:
    paths[name] = kit_path(f"data/traffic/images/{name}.jpg")
    tensors[name] = np.empty((1, 3, 384, 1248), np.float32)
    prepare(read_image(paths[name]), tensors[name][0])


def confidences(model):
    """Of each picture, in the order of `names`, all candidates' confidences."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = []
    for name in names:
        (values,) = session.run(["scores"], {"input": tensors[name]})
        found.append(values[0, :, 1:])
    return found


# %%
exact = confidences(plain)


def off(model):
    """How far the confidences are off, in thousandths, for each picture."""
    errors = []
    for right, got in zip(exact, confidences(model)):
        likely = right.max(axis=1) > 0.1  # the candidates that matter
        squares = (got - right)[likely] ** 2
        errors.append(1000 * np.sqrt(np.mean(squares)))
    return errors


# %% [markdown]
# **Before you run it**: where in the table do you expect the smallest numbers?
# %%
table = []
for name in names:
    folder = out / "forced" / name
    folder.mkdir(parents=True)
    shutil.copy(str(paths[name]), str(folder))
    table.append(off(precision.int8(spec, plain, folder, force=True)))
rows = [row_of(name, numbers, ".1f") for name, numbers in zip(names, table)]
show_table(rows, ["calibrated on"] + ["off on " + name for name in names])
table = np.array(table)  # (3, 3)
own = np.eye(len(names), dtype=bool)
print(f"on its own picture {table[own].mean():.1f}, on the others {table[~own].mean():.1f}")


# %% [markdown]
# **You should see** the smallest number of each column, or nearly so, where picture and calibration are the same. A
# network is kind to the pictures that gave it its ranges. Who calibrates on the exam measures that kindness, and calls
# it accuracy. With hundreds of pictures it becomes small, but nobody can say how small without other pictures. A
# well-known speed study calibrated its INT8 on what it scored; its speed is true, its accuracy is not known.
#
# The same leak has a quiet sister: to try two methods, or ten layers, and keep what scores best *on the exam*.
#
# ## 9. Layers that hurt
#
# When INT8 costs too much, not all layers share the blame. To find the culprits, quantise one group and leave all
# others in float. The groups are named by patterns, as in a list of files: `*` stands for anything.
# %%
def with_float(names):
    """The INT8 network, in which these nodes are float again."""
    return precision.split_pairs(copy.deepcopy(quantised), names)


every_node = {node.name for node in plain.graph.node}
harm = {}
for pattern in (
    "backbone_stem*",
    "backbone_stages_0*",
    "backbone_stages_1*",
    "backbone_stages_2*",
    "backbone_stages_3*",
    "neck_*",
    "heads_*",
):
    group = precision.keep_patterns(plain, [pattern])
    harm[pattern] = np.mean(off(with_float(every_node - group)))
# %% [markdown]
# The backbone comes first, with its stem and four stages, then the neck, at last the heads, which give scores and
# boxes. **Before you run it**: which group does most harm?
# %%
figure, axes = plt.subplots(figsize=(9, 3))
axes.barh(list(harm)[::-1], list(harm.values())[::-1], color="#3a6fb0")
axes.set(xlabel="confidences are off by, in thousandths, when this group alone is INT8")
plt.show()
worst = max(harm, key=harm.get)
mended = with_float(precision.keep_patterns(plain, [worst]))
before = np.mean(off(quantised))
after = np.mean(off(mended))
print(f"all INT8: off by {before:.1f}; {worst} in float: {after:.1f}")
# %% [markdown]
# **You should see** that the heads do most: what they round goes into the scores at once. With them in float the
# confidences are nearer to FP32 by a fifth or so. `tools/rank_layers.py` ranks single layers like this, boxes
# included, and prints the options to build with. They look like this:
# %%
from trt_course import Options, engine_from_onnx

options = Options("int8", calibration="data/calibration/traffic", keep_float=("heads_*",))
print(options.command(spec))
try:
    precision.keep_patterns(plain, ["head_*"])
except CourseError as err:
    print(err)
# %% [markdown]
# **You should see** a command, and what a pattern gets that matches nothing. (Without that sentence the layers would
# have stayed INT8 in silence.) Layers in float cost time, so keep few. For this model keep none: in mAP there was
# nothing to mend.
#
# ## 10. And the speed?
#
# Our INT8 has its pairs where *TensorRT* wants them. ONNX Runtime adds their rounding and then convolves in FP32: the
# right accuracy, and no gain. For its own INT8 kernels it wants a pair behind each convolution, too, and numbers from 0
# to 255 between the layers. Let it set its own, on the same three pictures, by min-max.
# %%
from onnxruntime import quantization


class Pictures(quantization.CalibrationDataReader):
    def __init__(self):
        self.tensors = iter(precision.calibration_batches(spec, few))

    def get_next(self):
        for tensor in self.tensors:
            return {"input": tensor}
        return None  # no more


ready = copy.deepcopy(plain)
# without this mark it asks for a step of preparation
ready.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
quantization.quantize_static(
    str(saved(ready, "FP32").onnx),
    str(out / "INT8 for the CPU.onnx"),
    Pictures(),
    quant_format=quantization.QuantFormat.QDQ,
    per_channel=True,
    activation_type=quantization.QuantType.QUInt8,
    weight_type=quantization.QuantType.QInt8,
    nodes_to_exclude=sorted(precision.float_nodes(plain)),
)
for_cpu = onnx.load(str(out / "INT8 for the CPU.onnx"))
founds["INT8 for the CPU"] = find_all(saved(for_cpu, "INT8 for the CPU"), backend="cpu")


# %% [markdown]
# Each network alone, in turns, so that a busy moment hits all of them.
# %%
def times(rounds=7):
    """Median milliseconds of each network in `founds`."""
    options = ort.SessionOptions()
    # a network whose turn it is not leaves the cores alone
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions = {}
    spent = {}
    for name in founds:
        path = str(out / f"{name}.onnx")
        sessions[name] = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        spent[name] = []

    for _ in range(rounds + 1):
        for name, session in sessions.items():
            started = time.perf_counter()
            session.run(None, {"input": tensors["000007"]})
            seconds = time.perf_counter() - started
            spent[name].append(1000 * seconds)
    return {name: float(np.median(values[1:])) for name, values in spent.items()}


# %% [markdown]
# **Before you run it**: this is the picture to decide by, accuracy against speed. Where in it is the best place? And
# will one of the four be there?
# %%
figure, axes = plt.subplots(figsize=(9, 3.6))
for name, ms in times().items():
    percent, small, _ = scores(founds[name])
    label = f"{name}: {ms:.0f} ms, mAP {percent:.1f} %, small {small:.1f} %"
    axes.plot([1000 / ms, 1000 / ms], [percent, small], "o-", label=label)
axes.set_xlabel("pictures a second, the network alone")
axes.set_ylabel("mAP: all above, small below")
_, right_end = axes.get_xlim()
axes.set_xlim(0, 1.1 * right_end)
axes.set_ylim(0, 103)
axes.legend(loc="lower left")
plt.show()


# %% [markdown]
# **You should see** three close together: FP16 is no faster here, for it is only stored, and our INT8 is rather slower.
# The fourth stands far to the right at about the same height, if your CPU has instructions for INT8 (`lscpu` calls
# them `vnni`) and nothing else to do. The bits are the same; what counts is whether hardware and program *compute*
# with them. On a CPU without such instructions the gain is small, and the rounding may cost more.
#
# ## 11. On a GPU
#
# Three engines, scored on the same 12 pictures. **Before you run it**: how much mAP will FP16 cost? And INT8?
# %%
def engine_ms(plan):
    spent = []
    with TrtSSD(spec, plan=plan, verbose=False) as ssd:
        request = ssd.engine.new_request()
        for _ in range(60):
            started = time.perf_counter()
            ssd.engine.infer(request)
            seconds = time.perf_counter() - started
            spent.append(1000 * seconds)
    return float(np.median(spent[10:]))


def three_engines():
    rows = []
    for kind in ("fp32", "fp16", "int8"):
        options = Options(kind, level=2, calibration=str(few))
        plan = engine_from_onnx(spec, options, out=out / f"{kind}.engine")
        numbers = scores(find_all(spec, plan=plan)) + [engine_ms(plan)]
        rows.append(row_of(kind, numbers))
    show_table(rows, ["precision", "mAP %", "small %", "large %", "ms, engine"])
    return rows


rows = on_gpu(three_engines, saved="h200")
# %% [markdown]
# **You should see** your own table, or, with the words *Not run here*, a saved one. Compare the rows of one batch: what
# the step from FP32 to FP16 brings in speed, and, where the table has a column for it, what it costs in mAP. Then the
# step to INT8. Whether a loss is worth the gain is for you to say, not for the table: it depends on how small your
# objects are, and on how many pictures a second you need.
#
# A Jetson Nano has no INT8 units: there FP16 is the end of the ladder.
#
# ## 12. Exercises
#
# **11.1** Write Q: the whole numbers that stand for these values. Half a step may go either way, as NumPy rounds.
# %%
from trt_course.lesson.check import check, summary


def quantise(values, scale):
    # solution, stub: return ...
    return np.clip(np.round(values / scale), -128, 127)
    # wrong: beyond 8 bits
    return np.round(values / scale)
    # wrong: not cut off
    return np.clip(np.trunc(values / scale), -128, 127)
    # wrong: Divide by the scale
    return np.clip(np.round(values * scale), -128, 127)
    # end


values = np.array([0.0, 0.37, -0.18, 5.04, -9.9, 20.0])
check(
    "11.1",
    quantise(values, 0.05),
    through_a_pair(values, 0.05)[0],
    hint=(
        "Divide by the scale, round to the nearest (not cut off), and hold what is beyond 8 bits "
        "at -128 or 127."
    ),
)


# %% [markdown]
# **11.2** Write min-max calibration: the symmetric scale with which no value is clipped, and 127 is the farthest one.
# %%
def symmetric_scale(values):
    # solution, stub: return ...
    return np.abs(values).max() / 127
    # wrong: negative ones count as well
    return np.max(values) / 127
    # wrong: from smallest to largest
    return (np.max(values) - np.min(values)) / 255
    # wrong: 127 steps
    return np.abs(values).max()
    # end


check(
    "11.2",
    symmetric_scale(np.array([0.4, -6.35, 2.54])),
    0.05,
    hint=(
        "Symmetric: the distance from 0 counts, so negative ones count as well; not the way from "
        "smallest to largest. That distance is 127 steps."
    ),
)


# %% [markdown]
# **11.3** A colleague gives you calibration pictures. Which of them are in the exam? Both are dictionaries from name to
# bytes. Give the sorted names of the calibration pictures that leak.
# %%
def leaks(calibration, exam):
    # solution, stub: return ...
    return sorted(name for name, data in calibration.items() if data in exam.values())
    # wrong: not the name
    return sorted(set(calibration) & set(exam))
    # wrong: of the calibration pictures
    return sorted(name for name, data in exam.items() if data in calibration.values())
    # end


check(
    "11.3",
    leaks(
        {"a.jpg": b"red", "b.jpg": b"blue", "new.jpg": b"green"},
        {"a.jpg": b"white", "z.jpg": b"green"},
    ),
    ["new.jpg"],
    hint=(
        "Copies get other names: compare the bytes, not the name; give the names of the "
        "calibration pictures."
    ),
)
# %% [markdown]
# **11.4** Choose an engine: the fastest one whose mAP is at most `points` below the first one's, which is FP32. Give
# its name.
# %%
ENGINES = (
    ("FP32", 92.8, 20.5),
    ("FP16", 92.7, 11.0),
    ("INT8", 90.9, 7.1),
    ("INT8, two layers float", 92.4, 7.9),
)


def choose(engines, points):
    """engines: (name, mAP in per cent, milliseconds)"""
    # solution, stub: return ...
    _, best, _ = engines[0]
    fine = [(ms, name) for name, percent, ms in engines if best - percent <= points]
    return min(fine)[1]
    # wrong: only those that lose little enough
    return min((ms, name) for name, _, ms in engines)[1]
    # wrong: not the most accurate
    return max((percent, name) for name, percent, _ in engines)[1]
    # wrong: few milliseconds
    _, best, _ = engines[0]
    fine = [(ms, name) for name, percent, ms in engines if best - percent <= points]
    return max(fine)[1]
    # end


check(
    "11.4",
    choose(ENGINES, points=0.5),
    "INT8, two layers float",
    hint=(
        "First keep only those that lose little enough; of these take the fastest, which is few "
        "milliseconds, and not the most accurate."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * A scale is a step: too small clips, too large rounds. Calibration looks for the valley between.
# * Weights get a scale for each channel, what flows between layers one for a tensor, found on pictures.
# * What makes corners stays FP32. Small objects suffer first; look at them apart.
# * Who calibrates, or chooses, on the scored pictures has no score.
# * Bits bring speed only where hardware and program compute with them.
#
# **Next**: [12 Other models](12_other_models.ipynb).
# %%
del session
plt.close("all")
summary()
