# The master of lesson 00; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 00 Check the set-up
#
# **You will learn** how a lesson works, what this machine has, which engine will run the models on it, and why the
# same detector can be slow here and fast elsewhere.
#
# **You need** nothing but this kit. **Time**: 15 minutes. **Machine**: any; no GPU and no network needed.
#
# Words that are new to you are in the [glossary](../docs/glossary.md).
# %% [markdown]
# ## 1. How a lesson works
#
# Click into a cell and press **Shift+Enter**: it runs, and the next one is selected. Go from top to bottom, for cells
# build on those before them. Change what you like; if you lose your way, take *Kernel > Restart Kernel* and begin
# anew.
#
# Before some cells you find a question. Answer it for yourself first: a wrong guess teaches more than a right
# reading.
# %%
from trt_course.support import doctor

print(doctor.report())
# %% [markdown]
# **You should see** one line for each part. A line that begins with `-` is a part this machine lacks, with what it
# would be good for and how to get it. Most may be missing. The last line tells what will run your models.
# %% [markdown]
# ## 2. The models that come with the kit
#
# A model is a folder with two files: `model.onnx`, the network, and `model.json`, the record that says how a picture
# goes in and what comes out.
# %%
from trt_course import find_model, list_models
from trt_course.lesson.show import show_table

rows = []
for name in list_models():
    spec = find_model(name)
    size = f"{spec.input.width} x {spec.input.height}"
    rows.append((name, spec.title, size, spec.input.color, ", ".join(spec.labels)))
show_table(rows, ["name", "title", "input", "colours", "labels"])
# %% [markdown]
# **You should see** two rows. The two networks want pictures of different sizes with their colours in a different
# order. You need not care: the record knows, and the code reads it.
#
# ## 3. A first detection
#
# Here is a picture without boxes.
# %%
from trt_course import read_image
from trt_course.lesson.show import show_picture
from trt_course.support.files import kit_path

image = read_image(kit_path("data/traffic/images/000031.jpg"))
show_picture(image, f"A street, {image.shape[1]} x {image.shape[0]} pixels")
# %% [markdown]
# **Before you run the next cell**: how many vehicles will the model find? Count those that you see yourself, and look
# down the street, too.
# %%
from trt_course import BBoxVisualization, TrtSSD

ssd = TrtSSD("ssd_resnet18_traffic")
vis = BBoxVisualization(ssd.spec.cls_dict())
found = ssd.detect(image)
show_picture(vis.annotate(image, found), f"{len(found)} objects")
# %% [markdown]
# **You should see** a line that names the engine and says why it was taken, and the street with boxes. Each box has a
# class and a *confidence* between 0 and 1. Small and half-hidden cars are found as well; did you count them?
#
# Do not be dazzled: this street was drawn by a program, and so was every picture that the model has learned from. Shown
# 55 real photographs, it finds 6 of 21 vehicles and 1 of 107 pedestrians, and draws 145 boxes where there is nothing of
# the kind. The other model draws 17 boxes on them, and 16 are wrong. They are models to learn with: small, free, and
# you can repeat their training. A detector knows what it was shown, and nothing else; you will meet that again in
# [lesson 05](05_detect_image.ipynb), with a picture of your own.
#
# ## 4. How long does it take?
#
# One measurement is no measurement: the first run also loads and warms up, and each run differs. So: some runs to
# warm up, then many, then the median.
# %%
import time

import numpy as np


def milliseconds(call, runs=20, warm_up=3):
    spent = []
    for _ in range(warm_up + runs):
        started = time.perf_counter()
        call()
        seconds = time.perf_counter() - started
        spent.append(1000 * seconds)
    return spent[warm_up:]


spent = milliseconds(lambda: ssd.detect(image))
print(f"median {np.median(spent):.1f} ms, slowest {max(spent):.1f} ms")
# %% [markdown]
# **You should see** some 50 ms on two cores of a PC that does nothing else. Run the cell again: the median changes
# little, the slowest a lot. That is why we quote medians.
#
# ## 5. The same on a GPU
#
# The next cell builds a TensorRT engine where there is an NVIDIA GPU (on a small one that takes minutes), and
# measures with it. Where there is none, it shows what others have measured. Every cell of the course that needs a GPU
# is made like this, so you can always run all.
#
# **Before you run it**: a large GPU against two CPU cores: 5 times as fast? 50 times? 500 times?
# %%
from trt_course import Options, engine_from_onnx
from trt_course.lesson.show import on_gpu


def with_tensorrt():
    # level 0: built quickly, not for the best speed
    plan = engine_from_onnx(ssd.spec, Options("fp16", level=0), out="out/00/quick.engine")
    with TrtSSD("ssd_resnet18_traffic", plan=plan) as fast:
        spent = milliseconds(lambda: fast.detect(image), runs=50)
    return f"median {np.median(spent):.2f} ms"


on_gpu(with_tensorrt, saved="h200")
# %% [markdown]
# **You should see** your own figure, or a table with the words *Not run here*. Look at its columns: the same network
# on the same GPU gives anything from 554 to 7,317 pictures a second, depending on what you count.
# [Lesson 09](09_measure_fps.ipynb) is about that.
#
# ## 6. Exercises
#
# Replace the dots `...` by your answer and run the cell. It prints what you got, what was wanted, the difference and
# a hint. You may try as often as you like. Solved copies are in the folder `solutions`.
#
# **00.1** What is the size of the picture that `ssd_resnet18_traffic` takes, as `(width, height)`? Get it from the
# record, `ssd.spec.input`.
# %%
from trt_course.lesson.check import check, summary

# solution, stub: size = ...
size = (ssd.spec.input.width, ssd.spec.input.height)
# wrong: width first
size = (ssd.spec.input.height, ssd.spec.input.width)
# wrong: not of `image`
size = image.shape
# end
check(
    "00.1",
    size,
    (1248, 384),
    hint="The width first, then the height; two numbers, of the record, not of `image`.",
)
# %% [markdown]
# **00.2** `found.clss` holds the class id of each box, and `ssd.spec.labels` the names: the id is the place in that
# list. How many boxes are vehicles?
# %%
print(ssd.spec.labels, found.clss)
# solution, stub: vehicles = ...
vehicles = int((found.clss == ssd.spec.labels.index("vehicle")).sum())
# wrong: only those with the id of `vehicle`
vehicles = len(found)
# wrong: counting from 0
vehicles = int((found.clss == 1).sum())
# end
check(
    "00.2",
    vehicles,
    len(found.of_class(2)),
    hint=(
        "Of all boxes only those with the id of `vehicle`; counting from 0, with the background "
        "first, that is 2."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * The same code runs with TensorRT and on the CPU, and says which one it took.
# * A model is a record and a network; the record holds what differs from model to model.
# * Times are measured after a warm-up, many times, and quoted as medians.
#
# **Next**: [01 Why is TensorRT fast?](01_why_tensorrt.ipynb) shows where the speed of step 5 comes from.
#
# The last cell of each lesson frees what the lesson has opened.
# %%
ssd.close()
summary()
