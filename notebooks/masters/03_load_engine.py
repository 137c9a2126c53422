# The master of lesson 03; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 03 Load an engine and run it by hand
#
# **You will learn** all steps between an engine file and its results: deserialize, tensors or bindings, page-locked
# memory, context, stream. You write them once by hand; then `TrtSSD` does them for you.
#
# **You need** lessons [00](00_check_setup.ipynb) and [02](02_build_engine.ipynb). **Time**: 50 minutes. **Machine**:
# any. Each step is done on the CPU with ONNX Runtime first; the same steps with TensorRT run where there is a GPU, and
# can be read everywhere.
# %% [markdown]
# ## 1. The way through memory
#
# ![From the picture through page-locked memory to the GPU and back](figures/memory_path.svg)
#
# A GPU computes in memory of its own. So somebody must reserve memory on both sides, copy in, start the network, copy
# out, and wait. Somebody must know the names, shapes and types of the tensors. And all must be freed in the right
# order. That is what this lesson is about. On a CPU the copies fall away; the rest is the same.
# %%
import time
from pathlib import Path

import numpy as np

from trt_course import find_model, read_image
from trt_course.model.preprocess import Preprocessor
from trt_course.support.files import kit_path

spec = find_model("ssd_mobilenet_v2_signs")
out = Path("out/03")
out.mkdir(parents=True, exist_ok=True)
first = read_image(kit_path("data/signs/images/000000.jpg"))
second = read_image(kit_path("data/signs/images/000012.jpg"))
# %% [markdown]
# ## 2. Open it, and ask what it wants
#
# On the CPU a *session* is what TensorRT calls engine and context. It is opened from the ONNX file.
# %%
import onnxruntime as ort

from trt_course.lesson.show import show_table

session = ort.InferenceSession(str(spec.onnx), providers=["CPUExecutionProvider"])
rows = []
for way, tensors in (("in", session.get_inputs()), ("out", session.get_outputs())):
    for tensor in tensors:
        rows.append((way, tensor.name, tensor.shape, tensor.type))
show_table(rows, ["", "name", "shape", "type"])


# %% [markdown]
# **You should see** one input and two outputs. `batch` stands for any number of pictures; memory needs a definite
# one. Nothing here says what the numbers mean, or in which order the colours go. The record says that.
#
# ## 3. Memory of your own
#
# Reserve it once, and use it for each picture: reserving takes time, too.
# %%
def room(shape, batch=1):
    return np.zeros([batch] + list(shape[1:]), np.float32)


host = {name: room(shape) for _, name, shape, _ in rows}
for name, array in host.items():
    print(f"{name:<7} {str(array.shape):<18} {array.nbytes:9} bytes")

prepare = Preprocessor(spec)
prepare(first, host["input"][0])  # writes the tensor where it shall be, without a copy
print(f"input from {host['input'].min():.2f} to {host['input'].max():.2f}")
# %% [markdown]
# **You should see** three arrays, and that the input now has numbers from -1 to 1: the recipe of this model.
#
# ## 4. Run it
#
# The easy way gives new arrays each time:
# %%
names = ["scores", "boxes"]
arrays = session.run(names, {"input": host["input"]})
outputs = dict(zip(names, arrays))
print({name: array.shape for name, array in outputs.items()})
best = outputs["scores"][0, :, 1:].max()
print(f"surest score but background: {best:.3f}")
# %% [markdown]
# The way of TensorRT gives *addresses*: read here, write there. ONNX Runtime calls it IO binding. Each name is bound
# to memory once; then every run uses it.
# %%
binding = session.io_binding()
binding.bind_cpu_input("input", host["input"])
for name in names:
    array = host[name]
    binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
session.run_with_iobinding(binding)
print("the same results:", all(np.array_equal(host[name], outputs[name]) for name in names))
# %% [markdown]
# **You should see** `True`. The results lie in *our* arrays now.
#
# **Before you run the next cell**: it keeps the scores of the first picture, then runs the second one. What will be
# kept?
# %%
kept = host["scores"]
copied = host["scores"].copy()
prepare(second, host["input"][0])
binding.bind_cpu_input("input", host["input"])
session.run_with_iobinding(binding)
for name, scores in (("kept", kept), ("copied", copied)):
    best = scores[0, :, 1:].max()
    print(f"{name:<7} surest score of the first picture: {best:.3f}")
# %% [markdown]
# **You should see** two numbers for the same picture. `kept` is no result, it is a name for memory, and the next run
# wrote over it. What must live longer is copied. With batches under way side by side this slip gives boxes of another
# picture, now and then, and nobody finds out why.
#
# ## 5. The same with TensorRT: open
#
# From here on there are functions, one a step, and at the end one cell that runs them all on a GPU. Read them also if
# you have none: this is what "loading an engine" is.
# %%
from trt_course import CourseError
from trt_course.engine.plan import load_tensorrt, log_of, numpy_type


def open_plan(trt, path):
    log = log_of(trt)  # TensorRT writes its messages there; plugins are registered, too
    runtime = trt.Runtime(log)
    engine = runtime.deserialize_cuda_engine(path.read_bytes())
    if engine is None:
        said = " ".join(log.errors)
        raise CourseError(f"{path} was not opened: {said}")
    return runtime, engine


# %% [markdown]
# TensorRT raises no error when it cannot open a file. It writes a message and returns `None`. Leave out the two lines
# with `if`, and this is what you see, a line later:
# %%
engine = None  # what deserialize_cuda_engine returned for an engine of another GPU or version
try:
    engine.create_execution_context()
except AttributeError as err:
    print(err)


# %% [markdown]
# **You should see** a sentence that is well known in forums. It does not say what is wrong: the engine was built for
# another place, or cut short. Build it here ([lesson 02](02_build_engine.ipynb)).
#
# ## 6. Tensors or bindings
#
# Until TensorRT 8.4 inputs and outputs have numbers: *bindings*. From 8.5 on they have names, and TensorRT 10 has
# removed the bindings. Much code on the net is of the first kind, and ends there with `no attribute 'num_bindings'`.
# %%
def with_names(trt, engine):
    """(name, is it an input, shape, type) of each tensor: TensorRT 8.5 and later."""
    tensors = []
    for number in range(engine.num_io_tensors):
        name = engine.get_tensor_name(number)
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        shape = tuple(engine.get_tensor_shape(name))
        kind = numpy_type(trt, engine.get_tensor_dtype(name))
        tensors.append((name, is_input, shape, kind))
    return tensors


def with_numbers(trt, engine):
    """The same by the bindings: TensorRT 7 and 8."""
    tensors = []
    for number in range(engine.num_bindings):
        name = engine.get_binding_name(number)
        is_input = engine.binding_is_input(number)
        shape = tuple(engine.get_binding_shape(number))
        kind = numpy_type(trt, engine.get_binding_dtype(number))
        tensors.append((name, is_input, shape, kind))
    return tensors


# %% [markdown]
# Which one? **Before you run it**: a program decides by `trt.__version__ < "8.5"`. On which of these will it go wrong?
# %%
for version in ("7.1.3", "8.4.1", "8.6.1", "10.3.0", "11.0.0"):
    print(f"{version:<7} bindings? {version < '8.5'}")


# %% [markdown]
# **You should see** that it takes 10 and 11 for old ones: texts are compared letter by letter. Do not compare
# versions at all. Ask the object whether it *has* the thing: `hasattr(engine, "num_io_tensors")`.
#
# ## 7. Memory on both sides
#
# On the host the memory is *page-locked*, or pinned: the system may not move it, so the GPU can fetch by itself while
# the CPU does something else. From ordinary memory each copy takes a
# [detour](https://developer.nvidia.com/blog/how-optimize-data-transfers-cuda-cc/) through such memory, and the CPU
# waits. The second function measures both.
# %%
def buffers(cuda, tensors, batch=1):
    host = {}
    device = {}
    for name, _, shape, kind in tensors:
        definite = (batch,) + shape[1:]  # instead of -1 in front, for any batch
        host[name] = cuda.pinned(definite, kind)
        device[name] = cuda.alloc(host[name].nbytes)
    return host, device


def copy_times(cuda, locked, memory, stream, done):
    ordinary = np.array(locked)
    spent = []
    for _ in range(50):
        began = time.perf_counter()
        cuda.copy_in(memory, locked, stream)
        cuda.record(done, stream)
        cuda.wait(done)
        middle = time.perf_counter()
        cuda.upload(memory, ordinary)
        end = time.perf_counter()
        spent.append((middle - began, end - middle))
    fast, slow = 1e6 * np.median(spent, axis=0)
    return f"copy in: {fast:.0f} us from page-locked memory, {slow:.0f} from ordinary"


# %% [markdown]
# `cuda` is one of two libraries, pycuda or cuda-python. Two classes make them look alike, each call in a few lines:
# `trt_course/engine/cuda_pycuda.py` and `cuda_python.py`, with what is common to both in `cuda_base.py`.
#
# ## 8. Context, stream, start
#
# The engine is what was built: weights and kernels. The *context* is one place to work in, with the memory for the
# tensors between the layers. One engine can have several, and each needs its own stream.
# %%
def start_with_names(context, tensors, host, device, stream):
    for name, is_input, _, _ in tensors:
        if is_input:
            context.set_input_shape(name, host[name].shape)
        context.set_tensor_address(name, int(device[name]))
    return context.execute_async_v3(stream)


def start_with_numbers(context, tensors, host, device, stream):
    addresses = []  # in the order of the numbers
    for number, (name, is_input, _, _) in enumerate(tensors):
        if is_input:
            context.set_binding_shape(number, host[name].shape)
        addresses.append(int(device[name]))
    return context.execute_async_v2(bindings=addresses, stream_handle=stream)


# %% [markdown]
# `execute_async` only puts the work on the stream, and returns at once. So do the copies. The results are there when
# a mark behind them, an *event*, has been reached. Who reads earlier reads old numbers.
# %%
def infer(cuda, start, context, tensors, host, device, stream, done):
    for name, is_input, _, _ in tensors:
        if is_input:
            cuda.copy_in(device[name], host[name], stream)
    started = start(context, tensors, host, device, cuda.handle(stream))
    if not started:  # TensorRT itself raises nothing
        raise CourseError("TensorRT could not start the network")
    for name, is_input, _, _ in tensors:
        if not is_input:
            cuda.copy_out(host[name], device[name], stream)
    cuda.record(done, stream)
    cuda.wait(done)


# %% [markdown]
# ## 9. All of it, on a GPU
#
# The cell builds a small engine, runs the second picture, and compares with the CPU.
# %%
def run_by_hand(trt, cuda, plan):
    runtime, engine = open_plan(trt, plan)
    if hasattr(engine, "num_io_tensors"):
        tensors = with_names(trt, engine)
        start = start_with_names
    else:
        tensors = with_numbers(trt, engine)
        start = start_with_numbers

    ours, device = buffers(cuda, tensors)
    context = engine.create_execution_context()
    stream = cuda.stream()
    done = cuda.event()
    ours["input"][:] = host["input"]
    infer(cuda, start, context, tensors, ours, device, stream, done)
    for name in names:
        difference = abs(ours[name] - host[name])
        print(f"{name}: up to {difference.max():.6f} from the CPU's")
    print(copy_times(cuda, ours["input"], device["input"], stream, done))
    del context, engine, runtime  # in this order: the context first


# %%
import contextlib

from trt_course import Options, engine_from_onnx
from trt_course.engine.cuda import open_cuda
from trt_course.lesson.show import on_gpu


def by_hand():
    plan = engine_from_onnx(spec, Options("fp32", level=0), out=out / "by_hand.engine")
    trt = load_tensorrt()
    cuda = open_cuda()
    with contextlib.closing(cuda), cuda.active():
        run_by_hand(trt, cuda, plan)
    return plan


plan = on_gpu(by_hand, saved="h200")
# %% [markdown]
# **You should see** that both give the same numbers, but for the last digits, and two times for the copy. Or, with
# the words *Not run here*, a saved table. In that, compare the network alone with the engine and its copies: between
# them lie the two blue arrows of step 1, and the wait. The faster the network, the more they count.
#
# ## 10. `TrtSSD` does this for you
#
# And in the same steps. Its engine knows its tensors; a *request* owns the memory of one inference; `submit` puts it
# on the stream, and `result` waits.
# %%
from trt_course import BBoxVisualization, TrtSSD
from trt_course.lesson.show import show_picture

ssd = TrtSSD(spec, plan=plan)  # no plan where none was built: then it takes what fits, or the CPU
for tensors in (ssd.engine.inputs, ssd.engine.outputs):
    print([tensor.name for tensor in tensors])

prepared = ssd.prepare([second])  # the picture into the request's input
ssd.engine.submit(prepared.request)
outputs = ssd.engine.result(prepared.request)
found = ssd.finish(prepared, outputs)[0]

vis = BBoxVisualization(spec.cls_dict())
show_picture(vis.annotate(second, found), f"{len(found)} found")
# %% [markdown]
# **You should see** the line that names the engine, the tensors of step 2, and the picture with its sign.
# `ssd.detect` is these four lines.
#
# ## 11. Threads
#
# CUDA keeps a *context* for each program that uses a GPU (not TensorRT's, the word is used twice). Streams, events
# and engines belong to one. And each thread has a stack of its own that says which is current, empty at first. This
# is a model of that in a few lines, without any GPU:
# %%
import threading


class Stack(threading.local):
    def __init__(self):
        self.contexts = []  # of this thread


now = Stack()


def use(stream):
    if not now.contexts:
        return "invalid device context"
    if stream != "stream " + now.contexts[-1]:
        return "invalid resource handle"
    return "works"


# %% [markdown]
# **Before you run the next cell**: the main thread makes a stream in its context and hands it to three threads. Which
# of them can use it?
# %%
now.contexts.append("of the main thread")
stream = "stream " + now.contexts[-1]
said = []


def worker(context):
    if context:
        now.contexts.append(context)
    said.append(f"{context!r}: {use(stream)}")


for context in (None, "of my own", "of the main thread"):
    thread = threading.Thread(target=worker, args=(context,))
    thread.start()
    thread.join()
print("\n".join(said))
if now.contexts:
    print("at the end: context stack was not empty")
now.contexts.pop()


# %% [markdown]
# **You should see** two messages that you will meet again when a camera runs in a thread: the first thread has no
# context, the second one another. Only who makes the *same* context current can use the stream. The last line is the
# third message of this kind, which ends many programs: whoever pushes a context must pop it before the end, also when
# an error comes between.
#
# That is why the kit's engine belongs to the thread that opened it, enters and leaves the context by itself, and says
# so in words when another thread comes.
# %%
def elsewhere():
    try:
        found = ssd.detect(second)
        said.append(f"{len(found)} found, for the CPU has no such contexts")
    except CourseError as err:
        said.append(str(err))


thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
print(said[-1])
# %% [markdown]
# **You should see** a result on the CPU, or a sentence that tells what to do with a TensorRT engine: open it in the
# thread that uses it. [Lesson 10](10_async_camera.ipynb) does so with a camera.
#
# ## 12. Exercises
#
# **03.1** How many bytes does a batch of pictures need, inputs and outputs together? `shapes` has the shapes as the
# engine gives them, with -1 in front; each number has `size` bytes.
# %%
from trt_course.lesson.check import check, summary


def bytes_needed(shapes, batch, size=4):
    # solution, stub: return ...
    numbers = sum(int(np.prod(shape[1:])) for shape in shapes)
    return size * batch * numbers
    # wrong: -1 in front
    numbers = sum(int(np.prod(shape)) for shape in shapes)
    return size * batch * numbers
    # wrong: bytes each number has
    numbers = sum(int(np.prod(shape[1:])) for shape in shapes)
    return batch * numbers
    # wrong: as many as there are pictures
    numbers = sum(int(np.prod(shape[1:])) for shape in shapes)
    return size * numbers
    # end


check(
    "03.1",
    bytes_needed([(-1, 3, 300, 300), (-1, 3860, 4), (-1, 3860, 4)], batch=8),
    8 * sum(array.nbytes for array in host.values()),
    hint=(
        "Of each shape leave out the -1 in front and multiply the rest; times the bytes each "
        "number has; and all of it as many as there are pictures."
    ),
)


# %% [markdown]
# **03.2** Which API has this engine? Return "tensors" or "bindings". TensorRT 8.5 and 8.6 have both; take the newer
# one, for the older one is deprecated there.
# %%
class Trt7:
    version = "7.1.3"
    num_bindings = 3


class Trt86:
    version = "8.6.1"
    num_bindings = 3
    num_io_tensors = 3


class Trt10:
    version = "10.3.0"
    num_io_tensors = 3


def generation(engine):
    # solution, stub: return ...
    if hasattr(engine, "num_io_tensors"):
        return "tensors"
    return "bindings"
    # wrong: '10' comes before '8'
    if engine.version >= "8.5":
        return "tensors"
    return "bindings"
    # wrong: the one in the middle has both
    if hasattr(engine, "num_bindings"):
        return "bindings"
    return "tensors"
    # end


check(
    "03.2",
    [generation(engine) for engine in (Trt7, Trt86, Trt10)],
    ["bindings", "tensors", "tensors"],
    hint=(
        "Ask with hasattr, not by the version, for in a text '10' comes before '8'; and ask for "
        "the newer thing, for the one in the middle has both."
    ),
)
# %% [markdown]
# **03.3** `run(picture)` returns the scores, always in the same array, as an engine does. Return a list with the
# scores of each picture.
# %%
scores = np.zeros(1)


def run(picture):
    scores[0] = picture / 10  # as if this were a network
    return scores


def collect(pictures):
    # solution, stub: return ...
    return [run(picture).copy() for picture in pictures]
    # wrong: the next run writes over it
    return [run(picture) for picture in pictures]
    # wrong: Copy at once
    return [result.copy() for result in [run(picture) for picture in pictures]]
    # end


check(
    "03.3",
    collect([9, 5, 7]),
    [[0.9], [0.5], [0.7]],
    hint=(
        "All of them are the same array, and the next run writes over it. Copy at once, not when "
        "all are done."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * Loading is: deserialize, check for None, ask for the tensors, reserve memory on both sides, make context and stream.
# * Running is: copy in, start, copy out, and wait before you read. The next run writes over the results.
# * Ask objects for what they have, not for their version.
# * CUDA's things belong to a context, which must be current in the thread that works.
#
# **Next**: [04 Before and after the network](04_pre_and_postprocess.ipynb).
# %%
del session, binding
ssd.close()
summary()
