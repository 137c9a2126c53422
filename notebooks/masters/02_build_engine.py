# The master of lesson 02; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 02 Build an engine
#
# **You will learn** the two ways to an engine, from an `.etlt` and from an ONNX file; what you choose when you build:
# precision, batch, what goes inside; why an engine does not travel, and why you open only your own.
#
# **You need** [lesson 01](01_why_tensorrt.ipynb). **Time**: 45 minutes. **Machine**: any. Only the building itself
# needs TensorRT; all that is decided before it and checked after it happens on the CPU, here.
# %% [markdown]
# ## 1. Two ways, one goal
#
# ![An .etlt file goes through the converter, an ONNX file through the builder](figures/build.svg)
#
# What you carry from machine to machine are the files on the left. The engine on the right, also called *plan*, is
# made where it is used. Here is the model of this lesson, and its record, from which both ways take what they must
# know.
# %%
import json
import os
import time
from pathlib import Path

from trt_course import CourseError, find_model

spec = find_model("ssd_resnet18_traffic")
out = Path("out/02")
out.mkdir(parents=True, exist_ok=True)
record = json.loads((spec.folder / "model.json").read_text())
print("input: ", record["input"])
print("output:", record["output"])
# %% [markdown]
# **You should see** how a picture goes in, and what the outputs are called and mean.
#
# ## 2. From an .etlt file
#
# NVIDIA's TLT, later TAO, exports a trained network as an encrypted file, `.etlt`. NVIDIA's program `tlt-converter`,
# later `tao-converter`, opens it with its key and builds the engine. The original course does it by a long command
# line, typed by hand. The kit derives that line from the record.
#
# The program is not part of the kit. So that you can watch on any machine, the next cell writes a small one of the
# same name. It shows what it was given, and then makes a false engine, or fails with the words that we put into
# `SAYS`.
# %%
from trt_course.model.output_rules import output

converter = out / "tao-converter"
converter.write_text("""#!/bin/sh
echo "tao-converter $*"
if [ "$SAYS" ]; then echo "$SAYS"; exit 1; fi
while [ "$1" != "-e" ]; do shift; done
echo "no real engine" > "$2"
""")
converter.chmod(0o755)
(out / "ssd.etlt").write_text("no real model")
# a TLT export calls its input Input, and has its suppression inside: rows of 7 numbers
tlt_spec = spec._replace(
    input=spec.input._replace(name="Input"),
    output=output({"layout": "nms7", "tensors": {"rows": "NMS", "count": "NMS_1"}}, "output"),
)
os.environ["TLT_KEY"] = "my-secret-key"  # with a real key: getpass.getpass(), never in a cell
# %% [markdown]
# **Before you run the next cell**: the original course typed `-k KEY -d 3,384,1248 -o NMS -m 1 -t fp32 -i nchw`.
# Which of these does the record know?
# %%
from trt_course.builder.tlt import engine_from_etlt


def convert(says="", **options):
    os.environ["SAYS"] = says
    engine_from_etlt(
        tlt_spec,
        out / "ssd.etlt",
        out / "ssd.engine",
        key_env="TLT_KEY",
        program=converter,
        **options,
    )


convert(precision="fp32")
convert(precision="fp16", batch=(1, 8, 16), workspace_mib=256)
# %% [markdown]
# **You should see** two command lines. `-d`, `-i` and `-o` came from the record. The key is blotted out, as it is in
# all that the program says. The second line has `-p`, a *profile*: least, usual and largest batch; and `-w` counts
# bytes, where you gave MiB. Behind `-e` stands a strange name: a file gets its final name only when it is whole.
#
# **When it fails**, the program says little, and some of that misleads. These are words that people have really seen.
# **Before you run it**: what would you do about the first one?
# %%
SEEN = (
    "Unsupported operation _BatchTilePlugin_TRT\n[ERROR] Failed to parse the model, please check "
    "the encoding key",
    "[ERROR] Failed to parse the model, please check the encoding key to make sure it's correct",
    "error while loading shared libraries: libcrypto.so.1.1: cannot open shared object file",
    "[ERROR] Model has dynamic shape but no optimization profile specified.",
)
for says in SEEN:
    try:
        convert(says)
    except CourseError as err:
        first_line = str(err).splitlines()[0]
        _, _, advice = first_line.partition("made no engine ")
        print("ADVICE", advice, "\n")
# %% [markdown]
# **You should see** four times what the program says, and the kit's advice. The first two differ, though both blame
# the key: in the first a plugin is missing, and the key may well be right. Who believes the last line alone goes
# looking for another key. [From an .etlt file to an engine](../docs/tlt.md) has them all, and where to get the
# program for your machine.
#
# From TensorRT 10 on there is no converter. Then export to ONNX, which is the other way.
#
# ## 3. From an ONNX file
#
# What you choose is one record, `Options`. It names the engine, and knows the command that builds it.
# %%
from trt_course import Options

for options in (
    Options(),
    Options("fp32", batch=(1, 4, 16)),
    Options("int8", calibration="data/calibration/traffic"),
    Options("fp16", nms="engine", preprocess="engine", source=(1280, 720)),
):
    print(f"{options.name()}.engine\n    {options.command(spec)}")
# %% [markdown]
# **You should see** four names and commands, for a terminal. In Python, `engine_from_onnx(spec, options)` does the
# same.
#
# ## 4. Precision
#
# An FP32 engine gives what the CPU gives, but for the last digits. FP16 has half the bytes. But not all of the
# network becomes FP16.
# %%
from trt_course.builder import graph, precision

plain = graph.load_plain(spec.onnx)
half = precision.fp16(plain)
for name, model in (("FP32", plain), ("FP16", half)):
    size = len(model.SerializeToString())
    print(f"{name} {size / 1e6:.1f} MB")

floats = precision.float_nodes(plain)
some = ", ".join(sorted(floats)[:6])
print(len(floats), "of", len(plain.graph.node), "nodes stay FP32, among them", some)
# %% [markdown]
# **You should see** that the last nodes stay FP32: those that make corners of the network's raw numbers. A corner is
# a share of the picture, and just below 1.0 FP16 numbers lie 1/2048 apart.
#
# `half` is what TensorRT 11 is given, which takes the types from the file. Older ones have a flag, FP16, and hold
# single layers to FP32. Code that says "if there is such a flag, set it" builds FP32 on TensorRT 11, without a word.
#
# **Before you run the next cell**: this picture is 1248 pixels wide. By how many pixels could that move a corner? And
# by how many does the FP16 of everything *but* these nodes?
# %%
import numpy as np
import onnxruntime as ort

from trt_course import read_image
from trt_course.model.preprocess import Preprocessor
from trt_course.support.files import kit_path

image = read_image(kit_path("data/traffic/images/000031.jpg"))
tensor = np.empty((1, 3, 384, 1248), np.float32)
Preprocessor(spec)(image, tensor[0])
results = []
for model in (plain, half):
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results.append(session.run(["scores", "boxes"], {"input": tensor}))
(scores, boxes), (half_scores, half_boxes) = results
found = scores[0, :, 1:].max(axis=1) > 0.3
moved = 1248 * abs(boxes - half_boxes)[0, found]  # in pixels of the width
changed = abs(scores - half_scores)[0, found]
print(f"1/2048 of the width: {1248 / 2048:.2f} pixels")
print(f"corners move by up to {moved.max():.3f} pixels")
print(f"scores move by up to {changed.max():.4f}")
# %% [markdown]
# **You should see** less than a tenth of a pixel. This is the CPU's version of FP16, which is kinder than a GPU's;
# [Precision](../docs/precision.md) says what is measured and what not.
#
# INT8 needs more: the *range* of each tensor, which is learned from pictures. **Before you run it**: why not take the
# pictures that are at hand, those of `data/traffic`, on which we also score?
# %%
for folder in ("data/traffic/images", "data/calibration/traffic"):
    try:
        paths = precision.calibration_pictures(folder)
        print("fine:", len(paths), "pictures of", folder)
    except CourseError as err:
        _, _, reason = str(err).partition("data/traffic/images: ")
        print("refused:", reason)
# %% [markdown]
# **You should see** a refusal, and 16 pictures that are fine. Who calibrates on the exam learns the exam. A well-known
# speed study did just that with its INT8 figures. [Lesson 11](11_precision_and_accuracy.ipynb) shows how much it
# flatters.
#
# ## 5. More inside
#
# Two things around the network can go *into* the engine: suppression (NMS) behind it, and preprocessing before it.
# Both are a few more nodes of ONNX, so we can look at them, and run them on the CPU.
# %%
from trt_course.builder import inside

# plugin=True would take TensorRT's own EfficientNMS_TRT; False takes ONNX's nodes, which the CPU has
with_nms = inside.add_nms(plain, spec, threshold=0.3, plugin=False)
both = inside.add_preprocess(with_nms, spec, source=(1280, 720))


def shapes_of(tensors):
    """name -> shape; a side that may be of any length has a name instead of a number."""
    found = {}
    for tensor in tensors:
        sides = tensor.type.tensor_type.shape.dim
        found[tensor.name] = [side.dim_param or side.dim_value for side in sides]
    return found


for name, model in (
    ("network", plain),
    ("with suppression", with_nms),
    ("and preprocessing", both),
):
    print(f"{name}: {len(model.graph.node)} nodes")
    print("    in ", shapes_of(model.graph.input))
    print("    out", shapes_of(model.graph.output))
# %% [markdown]
# **You should see** what goes in and out become small: with both inside, a picture goes in as bytes and at most 100
# boxes come out, not 19,896. Copies and loops of the CPU are saved. **Before you run the next cell**: will the boxes
# be the same as with `detect`?
# %%
from trt_course import BBoxVisualization, Detections, TrtSSD, open_source
from trt_course.lesson.show import show_picture

with open_source("data/street.mp4") as video:
    frame = next(frame.image for frame in video if frame.number == 225)
session = ort.InferenceSession(both.SerializeToString(), providers=["CPUExecutionProvider"])
count, corners, confs, classes = session.run(None, {"pictures": frame[np.newaxis]})
n = int(count[0, 0])
boxes = corners[0, :n] * [1280, 720, 1280, 720]
ours = Detections(boxes, confs[0, :n], classes[0, :n])
drawn = BBoxVisualization(spec.cls_dict()).annotate(frame, ours)
show_picture(drawn[200:600], f"{n} boxes, all in one graph")

with TrtSSD("ssd_resnet18_traffic", backend="cpu", verbose=False) as ssd:
    theirs = ssd.detect(frame, 0.3)
print(n, "inside,", len(theirs), "on the host")
print("the surest box:", ours.boxes[0].round(1), theirs.boxes[0].round(1))
# %% [markdown]
# **You should see** the same street and the same boxes, to within a pixel or so: rounding differs when bytes are
# resized as floats. There is a price: the threshold, 0.3 here, is built in. Boxes below it are gone for good, so an
# engine that shall be scored is built with 0.01. And the size of the pictures is built in, too.
#
# ## 6. Build it
#
# Building tries many kernels for each layer, on the GPU, with a clock ([lesson 01](01_why_tensorrt.ipynb)). The times
# go into a *timing cache* beside the engine. **Before you run it** (level 2 tries some kernels, and takes minutes; at
# level 0 nothing is tried): what does the second build save?
# %%
from trt_course import engine_from_onnx
from trt_course.engine import manifest
from trt_course.lesson.show import on_gpu, show_table


def build_twice():
    rows = []
    for attempt in ("first", "second, with the timing cache"):
        started = time.perf_counter()
        plan = engine_from_onnx(spec, Options("fp16", level=2), out=out / "here.engine")
        seconds = time.perf_counter() - started
        rows.append((attempt, f"{seconds:.1f}", plan.stat().st_size / 1e6))
    show_table(rows, ["build", "seconds", "MB"])
    return manifest.read(plan)


on_gpu(build_twice, saved="build")
# %% [markdown]
# **You should see** your own two builds and the engine's record, or, with the words *Not run here*, what builds
# at two levels took elsewhere.
#
# There is one TensorRT that builds without a GPU: *TensorRT-RTX*, for Linux PCs on PyPI (`tensorrt-rtx-cu13-libs` and
# `tensorrt-rtx-cu13-bindings`). Its engines are finished on the card that runs them. If it is installed here, or a
# GPU is, the next cell builds for real.
# %%
try:
    plan = engine_from_onnx(spec, Options("fp32", level=0), out=out / "second.engine")
    size = plan.stat().st_size / 1e6
    made = manifest.read(plan)
    print(f"{size:.1f} MB in {made.built['seconds']} s, by TensorRT {made.tensorrt}")
    print(f"for GPU: {made.gpu}")
except CourseError as err:
    print(f"Not built here. {err}")
# %% [markdown]
# **You should see** an engine made in seconds or minutes, or one sentence why there is none.
#
# On a Nano, a build may end with `Killed`: the memory was used up. `--workspace 256`, batch 1, no desktop and some
# swap help: [Jetson](../docs/jetson.md).
#
# ## 7. Why an engine does not travel
#
# It consists of kernels for one kind of GPU, chosen there by the clock, in a format of one version of TensorRT.
# Copied to another place it is refused, in the best case; in the worst one it runs, slowly or wrongly. So beside each
# engine lies a record of what it was built from and for. We make such a pair by hand, as if it came from an Orin.
# %%
from trt_course.engine.cuda import Device

orin = Device("Orin", "8.7")
nano = Device("NVIDIA Tegra X1", "5.3")
plan = out / "orin.engine"
plan.write_bytes(b"as if these were kernels for an Orin")
options = Options("fp16")
manifest.write(
    spec,
    options,
    plan,
    tensorrt="8.6.2",
    device=orin,
    route="onnx",
    seconds=312,
    command=options.command(spec),
)
print(manifest.manifest_path(plan).read_text())
# %% [markdown]
# **You should see** the record. The two long numbers, `sha256`, are fingerprints of the network's file and the
# engine's: change one byte, and they are others.
#
# **Before you run the next cell**: of these five, who may use the engine?
# %%
changed = out / "retrained.onnx"
changed.write_bytes(spec.onnx.read_bytes() + b" ")
for what, model, tensorrt, device in (
    ("back on the Orin", spec, "8.6.2", orin),
    ("on a Nano", spec, "8.6.2", nano),
    ("after an update", spec, "10.3.0", orin),
    ("both", spec, "8.2.1", nano),
    ("the model was trained again", spec._replace(onnx=changed), "8.6.2", orin),
):
    try:
        manifest.require_fit(plan, model, tensorrt, device)
        print(what + ": fits")
    except CourseError as err:
        print(f"{what}: {err}")
# %% [markdown]
# **You should see** one that fits; the others are told what differs, and which command builds the engine anew. The
# last one is the meanest: nothing is wrong with the engine, but it is last week's network, and without a record it
# would simply be used. "I have trained it again and it still finds nothing" is an old question in forums.
#
# What if the file itself is not what was built?
# %%
whole = plan.read_bytes()
plan.write_bytes(whole[:20])  # the disk was full, or the copy was stopped
stranger = out / "stranger.engine"
stranger.write_bytes(whole)  # an engine that came by mail, without its record
for path in (plan, stranger):
    try:
        manifest.require_fit(path, spec, "8.6.2", orin)
    except CourseError as err:
        print(err)
# %% [markdown]
# **You should see** two more refusals. All this happens *before* TensorRT sees a byte of the file.
#
# ## 8. A plan is code
#
# Why so strict with a stranger's file? Because opening some kinds of files runs what is in them. Python's own pickle
# is one of these:
# %%
import pickle


class Innocent:
    def __reduce__(self):
        return print, ("This ran while the file was only being opened.",)


path = out / "model.pickle"
path.write_bytes(pickle.dumps(Innocent()))
_ = pickle.loads(path.read_bytes())
# %% [markdown]
# **You should see** a line that nobody printed. A plan is no pickle, but it is no better: to open one from somebody
# else is, [in NVIDIA's words](https://docs.nvidia.com/deeplearning/tensorrt/latest/reference/security.html), like
# running that person's program, with your rights. The record finds damage and mix-ups. It does not find malice: who
# can send you a plan can send a matching record, too. So carry `.onnx` or `.etlt` files, and build.
#
# ## 9. Exercises
#
# **02.1** Write the converter's `-p` argument for an nchw model: the input's name, then the shapes for the least,
# usual and largest batch, with `x` inside a shape and commas between.
# %%
from trt_course.lesson.check import check, summary


def profile(name, batches, height, width):
    # solution, stub: return ...
    shapes = [f"{batch}x3x{height}x{width}" for batch in batches]
    return ",".join([name] + shapes)
    # wrong: the height stands before the width
    shapes = [f"{batch}x3x{width}x{height}" for batch in batches]
    return ",".join([name] + shapes)
    # wrong: one shape for each batch
    return f"{name},{max(batches)}x3x{height}x{width}"
    # wrong: The name stands once
    return ",".join(f"{name}:{batch}x3x{height}x{width}" for batch in batches)
    # end


check(
    "02.1",
    profile("Input", (1, 8, 16), 384, 1248),
    "Input,1x3x384x1248,8x3x384x1248,16x3x384x1248",
    hint=(
        "The name stands once, in front; then one shape for each batch; in nchw the height stands "
        "before the width."
    ),
)
# %% [markdown]
# **02.2** How many bytes go to the GPU for one picture of 1280 x 720: with preprocessing on the host, as the tensor
# of `spec.input`, and with preprocessing inside? Give `[host, inside]`.
# %%
# solution, stub: sent = ...
sent = [spec.input.width * spec.input.height * 3 * 4, 1280 * 720 * 3]
# wrong: 4 bytes a number
sent = [spec.input.width * spec.input.height * 3, 1280 * 720 * 3]
# wrong: the network's size
sent = [1280 * 720 * 3 * 4, 1280 * 720 * 3]
# wrong: three colours
sent = [spec.input.width * spec.input.height * 4, 1280 * 720]
# end
check(
    "02.2",
    sent,
    [tensor.nbytes, frame.nbytes],
    hint=(
        "The tensor has the network's size, three colours and 4 bytes a number; the picture has "
        "one byte a colour."
    ),
)


# %% [markdown]
# **02.3** `made` tells what an engine was made from and for, `here` what this place is like. Give the sorted names of
# the facts that keep the engine from being used: those that `here` has, too, with another value.
# %%
def obstacles(made, here):
    # solution, stub: return ...
    return sorted(name for name in here if made[name] != here[name])
    # wrong: not those that are equal
    return sorted(name for name in here if made[name] == here[name])
    # wrong: only facts that `here` has
    return sorted(name for name in made if made[name] != here.get(name))
    # wrong: all of them
    return sorted(name for name in here if made[name] != here[name])[:1]
    # end


check(
    "02.3",
    obstacles(
        {
            "tensorrt": "8.6.2",
            "gpu": "Orin",
            "capability": "8.7",
            "model": "5b8d",
            "date": "today",
            "seconds": 312,
        },
        {"tensorrt": "10.3.0", "gpu": "Orin", "capability": "8.7", "model": "77aa"},
    ),
    ["model", "tensorrt"],
    hint=(
        "Compare name by name, only facts that `here` has; give all of them that differ, not "
        "those that are equal."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * The record knows what the converter and the builder must be told; you choose precision, batch and what goes inside.
# * FP16 leaves the last nodes FP32; INT8 learns its ranges from pictures that nobody scores.
# * An engine belongs to a GPU, a TensorRT and a model file; its record says which, and is compared before it is opened.
# * A plan is code: open only your own.
#
# **Next**: [03 Load an engine](03_load_engine.ipynb).
# %%
del session
for name in ("SAYS", "TLT_KEY"):
    os.environ.pop(name, None)
summary()
