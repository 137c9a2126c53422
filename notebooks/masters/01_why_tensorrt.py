# The master of lesson 01; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 01 Why is TensorRT fast?
#
# **You will learn** the five things that TensorRT does to a network, and why each saves time: it fuses layers, takes
# smaller numbers, chooses its kernels by measuring, uses memory again, and works on several streams.
#
# **You need** [lesson 00](00_check_setup.ipynb). **Time**: 45 minutes. **Machine**: any. Each idea is shown at work on
# your CPU; the last step measures them on a GPU where there is one.
# %% [markdown]
# ## 1. A network as it comes
#
# A network is a list of *layers*, or nodes: each takes tensors and makes a new one. This is how PyTorch, ONNX and you
# think of it. It is not how it should be run.
# %%
import collections
import copy
import time
from pathlib import Path

import numpy as np

from trt_course import find_model
from trt_course.builder import graph

spec = find_model("ssd_mobilenet_v2_signs")
out = Path("out/01")
out.mkdir(parents=True, exist_ok=True)
plain = graph.load_plain(spec.onnx)
nodes = plain.graph.node
for node in nodes[:6]:
    print(f"{node.op_type:<6} {node.name}")
kinds = collections.Counter(node.op_type for node in nodes)
print(len(nodes), "nodes:", dict(kinds))
# %% [markdown]
# **You should see** 174 nodes. Most are a convolution (`Conv`) or the activation behind it: `Clip` holds all numbers
# between 0 and 6.
#
# ## 2. Fusion: fewer layers
#
# `Clip` computes next to nothing, but it reads a whole tensor from memory and writes a whole tensor back. A program
# that convolves could clip each number while it still holds it. Joining layers like this is *fusion*. ONNX Runtime
# does it, too, in levels that we can switch.
# %%
import onnx
import onnxruntime as ort

onnx.save(plain, str(out / "plain.onnx"))


def opened(level):
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, "ORT_" + level)
    options.optimized_model_filepath = str(out / f"{level}.onnx")  # what it makes of the network
    options.log_severity_level = 3
    path = str(out / "plain.onnx")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def milliseconds(call, *args, runs=15, warm_up=3):
    spent = []
    for _ in range(warm_up + runs):
        started = time.perf_counter()
        call(*args)
        seconds = time.perf_counter() - started
        spent.append(1000 * seconds)
    return float(np.median(spent[warm_up:]))


# %% [markdown]
# **Before you run the next cell**: there are 51 `Clip` nodes. How many nodes will be left, and what will that do to
# the time?
# %%
from trt_course.lesson.show import show_table

picture = np.random.RandomState(0).rand(1, 3, 300, 300).astype(np.float32)
rows = []
for level in ("DISABLE_ALL", "ENABLE_EXTENDED", "ENABLE_ALL"):
    session = opened(level)
    optimised = onnx.load(str(out / f"{level}.onnx"))
    kinds = [node.op_type for node in optimised.graph.node]
    median = milliseconds(session.run, None, {"input": picture})
    rows.append((level, len(kinds), kinds.count("Clip"), f"{median:.1f}"))
show_table(rows, ["level", "nodes", "of them Clip", "median ms"])
# %% [markdown]
# **You should see** that 174 nodes become fewer than 130 in the second row: nearly every `Clip` has gone into the
# convolution before it. And perhaps you see no gain in time at all! A CPU's caches hold much of such a tensor, so the
# trips that were saved are short ones. A GPU computes so fast that it is the trips that count; besides, each layer
# has to be started, which costs time however little it has to do.
#
# The third row is another idea: the tensors get a layout that suits *this* processor, with code made for it: step 4.
# Such a network is at home on this kind of machine only. You will meet that thought again.
#
# ## 3. Precision: smaller numbers
#
# An FP32 number has 4 bytes, an FP16 number 2, an INT8 number 1. Smaller numbers travel faster, and a GPU has units
# that compute with several of them at once. What do they cost?
# %%
rows = []
for value in (0.1, 1 / 3, 2049, 1000.3, 70000):
    with np.errstate(over="ignore"):
        single = float(np.float32(value))
        half = float(np.float16(value))
    rows.append((f"{value:.7g}", f"{single:.7g}", f"{half:.7g}"))
show_table(rows, ["number", "FP32", "FP16"])
# %% [markdown]
# **You should see** that FP16 keeps three to four digits, that 2049 becomes 2048, and that 70000 is too large for it:
# `inf`, infinite.
#
# **Before you run the next cell**: half the bytes, so twice as fast? On *your* CPU?
# %%
for kind in ("float32", "float16"):
    square = np.random.RandomState(0).rand(256, 256).astype(kind)
    median = milliseconds(np.matmul, square, square, runs=3, warm_up=1)
    print(f"{kind}: {median:6.1f} ms")


# %% [markdown]
# **You should see** FP16 come out far *slower*: NumPy has no fast way to compute in it on a CPU. Precision brings
# speed only where the hardware has units for it, and a program that uses them. A Jetson Nano is fast in FP16 and has
# no INT8 units; an Orin and newer cards for PCs have both.
#
# And the accuracy? INT8 has 256 values for a whole tensor, one *step* apart. Let us round the weights of the network
# to 8 bits, and then to fewer.
# %%
def rounded(weights, bits):
    """(out, in, h, w) -> the same, each output channel in whole steps of its own."""
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)  # (out, 1, 1, 1)
    step = largest / (2 ** (bits - 1) - 1)
    return (np.round(weights / step) * step).astype(np.float32)


def with_bits(bits):
    """The path of the network with its convolutions' weights rounded."""
    model = copy.deepcopy(plain)
    weights = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            values = rounded(onnx.numpy_helper.to_array(tensor), bits)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    path = out / f"bits{bits}.onnx"
    onnx.save(model, str(path))
    return path


# %% [markdown]
# **Before you run it**: with how few bits does the detector still find its signs?
# %%
from trt_course import BBoxVisualization, TrtSSD, read_image
from trt_course.lesson.show import side_by_side
from trt_course.support.files import kit_path

image = read_image(kit_path("data/signs/images/000000.jpg"))
vis = BBoxVisualization(spec.cls_dict())
pictures = []
captions = []
networks = {32: spec.onnx, 8: with_bits(8), 4: with_bits(4), 3: with_bits(3)}
for bits, path in networks.items():
    changed = spec._replace(onnx=path, provenance={})
    with TrtSSD(changed, backend="cpu", verbose=False) as detector:
        found = detector.detect(image)
    pictures.append(vis.annotate(image, found))
    captions.append(f"{bits} bits: {len(found)} signs")
side_by_side(pictures, captions)


# %% [markdown]
# **You should see** the same signs with 8 bits, less confidence with 4, and signs missing with 3. Only the weights
# were rounded here; a real INT8 engine rounds the tensors between the layers as well, and must *calibrate* their steps
# first. [Precision](../docs/precision.md) has the measured mAP of FP16 and INT8,
# [lesson 11](11_precision_and_accuracy.ipynb) makes both.
#
# ## 4. Choosing kernels by measuring
#
# The program that computes a layer is called a *kernel*. There are many for one convolution, all with the same
# result. Here are three ways to write one.
# %%
def shifts(image, weights):
    """A sum of shifted pictures, one for each weight."""
    h, w = np.subtract(image.shape, len(weights) - 1)
    total = np.zeros((h, w), image.dtype)
    for (row, column), weight in np.ndenumerate(weights):
        total += weight * image[row : row + h, column : column + w]
    return total


def product(image, weights):
    """All windows as the rows of one large matrix, times the weights."""
    n = len(weights)
    h, w = np.subtract(image.shape, len(weights) - 1)
    windows = np.lib.stride_tricks.as_strided(image, (h, w, n, n), image.strides * 2)
    rows = windows.reshape(h * w, n * n)
    return (rows @ weights.reshape(-1)).reshape(h, w)


def fourier(image, weights):
    """By way of the frequencies, where a convolution is a plain product."""
    h, w = np.subtract(image.shape, len(weights) - 1)
    both = np.fft.rfft2(image) * np.conj(np.fft.rfft2(weights, image.shape))
    return np.fft.irfft2(both, image.shape)[:h, :w]


image = np.random.RandomState(0).rand(40, 40)
weights = np.random.RandomState(1).rand(5, 5)
wanted = shifts(image, weights)
print([np.allclose(way(image, weights), wanted) for way in (product, fourier)])
# %% [markdown]
# **You should see** that the results are the same. Which is the fastest? That depends on the sizes *and on the
# machine*. So nobody looks it up: the builder measures. This is a builder in ten lines. It notes what it has measured
# in a dictionary, its *timing cache*.
#
# **Before you run it**: will one way win everywhere?
# %%
timing_cache = {}


def choose(side, width):
    """The fastest way, here, for a picture of this side and weights of this width."""
    if (side, width) not in timing_cache:
        image = np.ones((side, side), np.float32)
        weights = np.ones((width, width), np.float32)
        spent = {}
        for way in (shifts, product, fourier):
            spent[way.__name__] = milliseconds(way, image, weights, runs=5)
        timing_cache[side, width] = min(spent, key=spent.get)
    return timing_cache[side, width]


sides = (24, 64, 192)
widths = (1, 3, 9, 23)
for attempt in ("first build", "second build"):
    started = time.perf_counter()
    rows = []
    for side in sides:
        rows.append([f"{side} x {side}"] + [choose(side, width) for width in widths])
    seconds = time.perf_counter() - started
    print(f"{attempt}: {1000 * seconds:.1f} ms")
show_table(rows, ["picture"] + [f"weights {width} x {width}" for width in widths])
# %% [markdown]
# **You should see** several names in the table, and on another machine other ones. That is why building an engine
# takes minutes, why the next build with the timing cache takes seconds, and why an engine belongs to the GPU on which
# it was measured: [lesson 02](02_build_engine.ipynb).
#
# ## 5. Using memory again
#
# Each layer writes a tensor. But most are read once, by the next layer, and never again: then their memory is free
# for another. When a tensor is born and when it is read last stands in the graph, so the places can be planned before
# anything runs.
# %%
for value in list(plain.graph.input) + list(plain.graph.output):
    value.type.tensor_type.shape.dim[0].dim_value = 1  # one picture
known = onnx.shape_inference.infer_shapes(plain).graph
shapes = {}
for value in list(known.value_info) + list(known.output):
    shapes[value.name] = [side.dim_value for side in value.type.tensor_type.shape.dim]

nodes = plain.graph.node
born = {}  # tensor -> the layer that writes it
last_read = {}  # tensor -> the last layer that reads it
for number, node in enumerate(nodes):
    for name in node.output:
        born[name] = number
    for name in node.input:
        if name in born:
            last_read[name] = number
for output in plain.graph.output:
    last_read[output.name] = len(nodes) - 1  # the results live to the end

mib = {name: 4 * np.prod(shapes[name]) / 2**20 for name in born}  # 4 bytes a number
print(f"{len(born)} tensors, {sum(mib.values()):.1f} MiB together")


# %% [markdown]
# **Before you run the next cell**: the tensors need 98.8 MiB together. How many are enough, if each place is used
# again as soon as it is free? The next cell plans: the largest tensor first, each to the lowest place where it meets
# no other of its time.
# %%
def alive_together(one, other):
    first_end = min(last_read[one], last_read[other])
    return born[one] <= first_end and born[other] <= first_end


placed = {}  # tensor -> where it begins, in MiB
for name in sorted(born, key=lambda name: -mib[name]):
    low = 0.0
    for other in sorted(placed, key=placed.get):
        end = placed[other] + mib[other]
        overlap = low < end and placed[other] < low + mib[name]
        if overlap and alive_together(name, other):
            low = end
    placed[name] = low
enough = max(placed[name] + mib[name] for name in born)
# %%
import matplotlib.pyplot as plt

colours = plt.get_cmap("tab20")
figure, axes = plt.subplots(figsize=(10, 3.6))
for number, name in enumerate(born):
    axes.bar(
        x=born[name],
        width=last_read[name] - born[name] + 1,
        bottom=placed[name],
        height=mib[name],
        align="edge",
        color=colours(number % 20),
        edgecolor="white",
        linewidth=0.5,
    )
axes.set_xlabel("time: the layer that runs")
axes.set_ylabel("place in memory, MiB")
axes.set_xlim(0, len(nodes))
axes.set_title(f"{len(born)} tensors in {enough:.1f} MiB instead of {sum(mib.values()):.1f}")
plt.show()
# %% [markdown]
# **You should see** one rectangle a tensor: as wide as it lives, as high as it is large. No two overlap, and a sixth
# of the memory is enough. The large ones come first, where the picture is still large; the long flat ones wait until
# the boxes are made. TensorRT plans like this when it builds. On a Nano, where the CPU and the GPU share 4 GB, it may
# decide whether a network fits at all.
#
# ## 6. Several streams
#
# ![One stream and two streams](figures/streams.svg)
#
# A *stream* is a queue: what is put on it is done in order. A GPU copies with one part and computes with another, so
# with two queues the copy for the next picture runs while this one is computed. The same works with anything that has
# two parts; here one core reads the pictures, and another one runs the network.
# %%
from concurrent.futures import ThreadPoolExecutor

from trt_course import images_in
from trt_course.model.preprocess import Preprocessor

ssd = TrtSSD(spec, backend="cpu", threads=1)
prepare = Preprocessor(spec)
paths = images_in(kit_path("data/traffic/images"))[:12]
now = time.perf_counter
log = []


def read(path):
    started = now()
    request = ssd.engine.new_request()  # each picture has a tensor of its own
    tensor = request.inputs[spec.input.name][0]
    prepare(read_image(path), tensor)
    log.append(("read", started, now()))
    return request


def network(request):
    started = now()
    ssd.engine.infer(request)
    log.append(("network", started, now()))


# %%
def one_queue():
    for path in paths:
        network(read(path))


def two_queues():
    with ThreadPoolExecutor(1) as queue:
        coming = queue.submit(read, paths[0])
        for path in paths[1:]:
            request = coming.result()
            coming = queue.submit(read, path)  # the next one, while the network works
            network(request)
        network(coming.result())


one_queue()  # warm up
logs = []
for way in (one_queue, two_queues):
    log.clear()
    way()
    _, began, _ = log[0]
    logs.append([(what, start - began, end - began) for what, start, end in log])
# %% [markdown]
# **Before you run the next cell**: reading takes about a quarter of the time. How much of it can be saved at best?
# %%
colours = {"read": "#c9791a", "network": "#2f8f4e"}
figure, axes = plt.subplots(2, 1, figsize=(10, 3), sharex=True)
for axis, name, entries in zip(axes, ("one queue", "two queues"), logs):
    for what, start, end in entries:
        length = 1000 * (end - start)
        axis.barh(what, length, left=1000 * start, edgecolor="white", color=colours[what])
    total = max(end for _, _, end in entries)
    axis.set_title(f"{name}: {1000 * total:.0f} ms", fontsize=10)
axes[1].set_xlabel("ms")
plt.tight_layout()
plt.show()
# %% [markdown]
# **You should see** bars that take turns above, and bars that run beside each other below. At best the shorter work
# is hidden behind the longer one; more is not to be had. If the machine is busy with other things, or has one core,
# you gain nothing: two queues need two workers.
#
# ## 7. On a GPU
#
# Now TensorRT does all five. The cell builds three engines: FP32 and FP16 with little searching (level 0), and FP16
# with more of it (level 2; TensorRT before 8.6 has no levels). That takes minutes, on a Nano many.
# %%
from trt_course import Options, engine_from_onnx
from trt_course.engine.trt import TrtEngine
from trt_course.lesson.show import on_gpu


def run_both(engine, pair):
    for request in pair:
        engine.submit(request)
    for request in pair:
        engine.result(request)


def row(precision, level):
    began = time.perf_counter()
    path = out / f"{precision}-{level}.engine"
    plan = engine_from_onnx(spec, Options(precision, level=level), out=path)
    built = time.perf_counter() - began
    with TrtEngine(plan) as engine:
        one = milliseconds(engine.infer, engine.new_request(), runs=50)
        layers = len(engine.layers())
    with TrtEngine(plan, lanes=2) as wide:
        pair = [wide.new_request(), wide.new_request()]
        two = milliseconds(run_both, wide, pair, runs=50) / 2
    return (precision, level, f"{built:.0f}", layers, f"{one:.2f}", f"{two:.2f}")


# %%
def all_five():
    rows = [row("fp32", 0), row("fp16", 0), row("fp16", 2)]
    heads = [
        "precision",
        "search level",
        "seconds to build",
        "layers",
        "ms a picture",
        "with two streams",
    ]
    show_table(rows, heads)
    return rows


on_gpu(all_five, saved="h200")


# %% [markdown]
# **You should see** your own table, or a saved one with the words *Not run here*. In your own, compare the layers
# with the 174 nodes of step 1: that is fusion. FP32 against FP16 is precision; level 0 against 2 is the choice of
# kernels, paid for with seconds of building; the last column has two streams. The memory is planned as in step 5; no
# column shows it. In the saved one, compare the precisions, and one picture at a time with many at once: a single
# picture does not keep a large GPU busy.
#
# What did TensorRT make of the layers, and which takes longest? The next cell asks the last engine, as
# `python -m trt_course inspect FILE.engine` does. **Guess first**: a convolution, and of which part?
# %%
def slowest():
    with TrtEngine(out / "fp16-2.engine") as engine:
        layers = sorted(engine.layers(), key=lambda layer: -layer["microseconds"])
    rows = []
    for layer in layers[:10]:
        spent = layer["microseconds"]
        rows.append((f"{spent:.1f}", layer.get("LayerType", ""), layer["Name"][:80]))
    show_table(rows, ["microseconds", "kind", "what is in it"])
    return rows


on_gpu(slowest, saved="layers")
# %% [markdown]
# **You should see** names joined by `+`: a convolution, an addition and a ReLU that have become one kernel. In the
# saved table the slowest is no convolution at all, but the suppression (`num_detections_node`): little arithmetic, but
# many small steps, each of which waits for the one before.
#
# ## 8. Exercises
#
# **01.1** Fusion is algebra, too. A batch normalisation behind a convolution computes `y * gain + shift`, where the
# convolution gave `y = weight * x + bias`. Write the weight and the bias of *one* convolution that does both.
# %%
from trt_course.lesson.check import check, summary


def fused(weight, bias, gain, shift):
    # solution, stub: return ...
    return [weight * gain, bias * gain + shift]
    # wrong: the bias is multiplied, too
    return [weight * gain, bias + shift]
    # wrong: Multiply out
    return [weight + gain, bias + shift]
    # end


check(
    "01.1",
    fused(3.0, 0.5, 2.0, -4.0),
    [6.0, -3.0],
    hint=(
        "Multiply out (weight * x + bias) * gain + shift: the bias is multiplied, too, then the "
        "shift is added."
    ),
)


# %% [markdown]
# **01.2** Each tensor is `(first, last, mib)`: alive from layer `first` to layer `last`, both included. How many MiB
# are alive at once, at most? No plan can do with less.
# %%
def most_alive(tensors):
    # solution, stub: return ...
    layers = range(max(last for _, last, _ in tensors) + 1)
    return max(
        sum(size for first, last, size in tensors if first <= layer <= last) for layer in layers
    )
    # wrong: not all of them
    return sum(size for _, _, size in tensors)
    # wrong: not the largest one alone
    return max(size for _, _, size in tensors)
    # wrong: last layer included
    layers = range(max(last for _, last, _ in tensors) + 1)
    return max(
        sum(size for first, last, size in tensors if first <= layer < last) for layer in layers
    )
    # end


check(
    "01.2",
    most_alive([(0, 1, 4), (1, 2, 6), (2, 3, 2), (1, 3, 1)]),
    11,
    hint=(
        "For each layer add the sizes of those alive then, the last layer included; take the "
        "largest sum: not all of them, and not the largest one alone."
    ),
)
# %%
least = most_alive([(born[name], last_read[name], mib[name]) for name in born])
print(f"the plan of step 5 takes {enough:.4g} MiB; no plan can do with less than {least}")


# %% [markdown]
# **01.3** A picture is copied to the GPU in 2 ms, computed in 5 ms, and its boxes are copied back in 1 ms. With
# enough streams the three run beside each other, each for another picture. How long do `n` pictures take?
# %%
def together(n, stages=(2, 5, 1)):
    # solution, stub: return ...
    return sum(stages) + (n - 1) * max(stages)
    # wrong: that would be one stream
    return n * sum(stages)
    # wrong: the first picture goes through all stages
    return n * max(stages)
    # end


check(
    "01.3",
    [together(1), together(100)],
    [8, 503],
    hint=(
        "n times all stages: that would be one stream. Here the first picture goes through all "
        "stages, and then one comes each time the slowest stage is done."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * Fusion saves trips to memory and starts of layers; precision saves bytes, where the hardware has units for it.
# * Kernels are chosen by measuring, on the machine, so an engine is at home where it was built.
# * Memory is planned before anything runs, and streams let copies and sums run beside each other.
# * None of it changes what the network computes, but for the rounding.
#
# **Next**: [02 Build an engine](02_build_engine.ipynb).
# %%
ssd.close()
plt.close("all")
summary()
