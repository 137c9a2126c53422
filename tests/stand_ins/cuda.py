"""Stand-ins for cuda-python and pycuda: the card is host memory, its streams work when waited for.

They run nothing on a GPU. They complain of what a card answers with a crash: copies that leave
their memory, host memory that is not page-locked, work left behind, things freed twice, a context
that is not current.
"""

import ctypes
import gc
import importlib.machinery
import sys
import threading
import time
import types
import weakref

import numpy as np

OUT_OF_MEMORY = 2
NEWER_DRIVER_NEEDED = 36
NO_DEVICE = 100
MESSAGES = {
    OUT_OF_MEMORY: b"out of memory",
    NEWER_DRIVER_NEEDED: b"API call requires a newer driver",
    NO_DEVICE: b"no CUDA-capable device",
}

# What a copy goes to and comes from
TO_DEVICE = ("device", "pinned")
TO_HOST = ("pinned", "device")
ANYWHERE = None


class Stream:
    """Work in order. Nothing is done before someone waits for an event behind it."""

    def __init__(self):
        self.todo = []
        self.put = 0  # so much work was put on it
        self.done = 0  # and so much is done
        self.moments = {}  # {done: when it was so much}
        self.recording = None  # the work of a graph that is being captured
        self.lock = threading.RLock()

    def add(self, work):
        if self.recording is not None:
            self.recording.append(work)
        else:
            self.todo.append(work)
            self.put += 1

    def run(self, until):
        with self.lock:
            while self.done < until:
                work = self.todo.pop(0)
                work()
                self.done += 1
                self.moments[self.done] = time.perf_counter()


class Card:
    """What is alive on it, by handle; `faults` collects what no caller would see raised."""

    def __init__(self, memory=1 << 30):
        self.live = {}  # {handle: (kind, thing)}
        self.faults = []
        self.memory = memory
        self.stack = threading.local()  # how deep the context is pushed in a thread

    def fault(self, text):
        self.faults.append(text)
        raise AssertionError(text)

    def make(self, kind, thing):
        handle = id(thing)
        self.live[handle] = (kind, thing)
        return handle

    def get(self, kind, handle):
        found, thing = self.live.get(handle, ("", None))
        if found != kind:
            self.fault(f"{handle} is no {kind} that is alive")
        return thing

    def free(self, kind, handle):
        thing = self.get(kind, handle)
        if kind == "stream" and thing.todo:
            self.fault("a stream is destroyed with work on it")
        del self.live[handle]

    def alloc(self, kind, nbytes):
        block = np.full(nbytes, 0xA5, np.uint8)  # never zeros: what nobody wrote must show
        address = block.ctypes.data
        self.live[address] = (kind, block)
        return address

    def view(self, address, nbytes, kinds=("device",)):
        """The bytes at an address, which must lie whole in one block of these kinds."""
        for start, (kind, block) in self.live.items():
            if kind in kinds:
                end = start + block.nbytes
                if start <= address and address + nbytes <= end:
                    return bytes_at(address, nbytes)
        wanted = " or ".join(kinds)
        return self.fault(f"{nbytes} bytes at {address} are not in {wanted} memory")

    def copy(self, target, source, nbytes, kinds):
        if kinds is ANYWHERE:
            into = ("device", "pinned")
            out_of = ("device", "pinned")
        else:
            into = kinds[:1]
            out_of = kinds[1:]
        self.view(target, nbytes, into)[:] = self.view(source, nbytes, out_of)

    def left(self):
        """The kinds of what was not freed."""
        if self.live:
            gc.collect()
        return sorted(kind for kind, _ in self.live.values())


def bytes_at(address, nbytes):
    """Memory as an array that can be written to."""
    block = (ctypes.c_ubyte * nbytes).from_address(address)
    return np.frombuffer(block, np.uint8)


class Runtime:
    """cuda.bindings.runtime: functions that return a tuple with an error number first."""

    __spec__ = importlib.machinery.ModuleSpec("cuda.bindings.runtime", None)
    cudaStreamNonBlocking = 1
    cudaMemcpyKind = types.SimpleNamespace(
        cudaMemcpyHostToDevice=TO_DEVICE,
        cudaMemcpyDeviceToHost=TO_HOST,
        cudaMemcpyDefault=ANYWHERE,
    )
    cudaStreamCaptureMode = types.SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)
    cudaMemcpySrcAccessOrder = types.SimpleNamespace(cudaMemcpySrcAccessOrderStream=1)
    cudaMemcpyAttributes = types.SimpleNamespace
    driver = 13000

    def __init__(self, card):
        self.card = card

    # What is asked

    def cudaDriverGetVersion(self):
        return 0, self.driver

    def cudaGetErrorString(self, error):
        return 0, MESSAGES[error]

    def cudaGetDeviceProperties(self, number):
        if not self.card.memory:
            return NO_DEVICE, None
        facts = types.SimpleNamespace(
            name=b"Stand-in", major=5, minor=3, totalGlobalMem=self.card.memory
        )
        return 0, facts

    # Memory

    def cudaMalloc(self, nbytes):
        return self._alloc("device", nbytes)

    def cudaMallocHost(self, nbytes):
        return self._alloc("pinned", nbytes)

    def _alloc(self, kind, nbytes):
        if nbytes > self.card.memory:
            return OUT_OF_MEMORY, None
        return 0, self.card.alloc(kind, nbytes)

    def cudaFree(self, address):
        return self._free("device", address)

    def cudaFreeHost(self, address):
        return self._free("pinned", address)

    def _free(self, kind, handle):
        self.card.free(kind, handle)
        return (0,)

    # Copies

    def cudaMemcpy(self, target, source, nbytes, kind):
        self.card.view(target, nbytes)[:] = bytes_at(source, nbytes)
        return (0,)

    def cudaMemcpyAsync(self, target, source, nbytes, kind, stream):
        self.card.get("stream", stream).add(lambda: self.card.copy(target, source, nbytes, kind))
        return (0,)

    def cudaMemcpyBatchAsync(
        self, targets, sources, sizes, count, attributes, begins, kinds, stream
    ):
        orders = [attribute.srcAccessOrder for attribute in attributes]
        equally_many = len(targets) == len(sources) == len(sizes) == count > 0
        if not equally_many or (orders, begins, kinds) != ([1], [0], 1):
            self.card.fault("many copies at once that do not fit together")
        for target, source, size in zip(targets, sources, sizes):
            self.cudaMemcpyAsync(target, source, size, ANYWHERE, stream)
        if self.driver < 12080:
            return (NEWER_DRIVER_NEEDED,)
        return (0,)

    # Streams and events

    def cudaStreamCreateWithFlags(self, flags):
        if flags != self.cudaStreamNonBlocking:
            self.card.faults.append(
                "a stream that waits for the default stream, where others work, too"
            )
        return 0, self.card.make("stream", Stream())

    def cudaStreamDestroy(self, stream):
        return self._free("stream", stream)

    def cudaEventCreate(self):
        """An event is a stream, the work on it up to which it waits, and when it was recorded."""
        return 0, self.card.make("event", [Stream(), 0, 0.0])

    def cudaEventDestroy(self, event):
        return self._free("event", event)

    def cudaEventRecord(self, event, stream):
        stream = self.card.get("stream", stream)
        self.card.get("event", event)[:] = [stream, stream.put, time.perf_counter()]
        return (0,)

    def cudaEventSynchronize(self, event):
        stream, until, _ = self.card.get("event", event)
        stream.run(until)
        return (0,)

    def cudaStreamWaitEvent(self, stream, event, flags):
        other, until, _ = self.card.get("event", event)
        self.card.get("stream", stream).add(lambda: other.run(until))
        return (0,)

    def cudaEventElapsedTime(self, first, last):
        return 0, 1e3 * (self._moment(last) - self._moment(first))

    def _moment(self, event):
        """When the stream came to the event: not before it was put there."""
        stream, until, recorded = self.card.get("event", event)
        return max(recorded, stream.moments.get(until, 0.0))

    # Graphs

    def cudaStreamBeginCapture(self, stream, mode):
        self.card.get("stream", stream).recording = []
        return (0,)

    def cudaStreamEndCapture(self, stream):
        stream = self.card.get("stream", stream)
        work = stream.recording
        stream.recording = None
        return 0, self.card.make("graph", work)

    def cudaGraphDestroy(self, graph):
        return self._free("graph", graph)

    def cudaGraphInstantiate(self, graph, flags):
        work = self.card.get("graph", graph)
        return 0, self.card.make("replay", list(work))

    def cudaGraphExecDestroy(self, replay):
        return self._free("replay", replay)

    def cudaGraphLaunch(self, replay, stream):
        stream = self.card.get("stream", stream)
        for work in self.card.get("replay", replay):
            stream.add(work)
        return (0,)


class _Owner:
    """pycuda's objects: they free themselves."""

    def __init__(self, driver, kind, made):
        error, handle = made
        if error:
            raise driver.Error("cuMemAlloc failed: out of memory")
        self.driver = driver
        self.handle = handle
        weakref.finalize(self, driver.runtime.card.free, kind, handle).atexit = False

    def __int__(self):
        return self.handle

    def record(self, stream):
        self.driver.now().cudaEventRecord(self.handle, stream.handle)

    def synchronize(self):
        self.driver.now().cudaEventSynchronize(self.handle)

    def wait_for_event(self, event):
        self.driver.now().cudaStreamWaitEvent(self.handle, event.handle, 0)

    def time_till(self, other):
        _, milliseconds = self.driver.now().cudaEventElapsedTime(self.handle, other.handle)
        return milliseconds


class Driver:
    """pycuda.driver: everything wants the context current in its thread.

    The module, its Context and the context that a device retains are one object here.
    """

    __spec__ = importlib.machinery.ModuleSpec("pycuda.driver", None)
    Error = type("Error", (Exception,), {})

    def __init__(self, card):
        self.runtime = Runtime(card)
        self.stack = card.stack
        self.Context = self

    def init(self):
        pass

    def Device(self, number):
        error, facts = self.runtime.cudaGetDeviceProperties(number)
        if error:
            raise self.Error("no CUDA-capable device")
        return types.SimpleNamespace(
            name=facts.name.decode,
            compute_capability=lambda: (facts.major, facts.minor),
            total_memory=lambda: facts.totalGlobalMem,
            retain_primary_context=lambda: self,
        )

    # The context

    def push(self):
        self.stack.depth = getattr(self.stack, "depth", 0) + 1

    def pop(self):
        self.now()
        self.stack.depth -= 1

    def now(self):
        """The runtime, if the context is current in this thread."""
        if not getattr(self.stack, "depth", 0):
            raise self.Error("invalid device context")
        return self.runtime

    # What it makes

    def Stream(self, flags=0):
        return _Owner(self, "stream", self.now().cudaStreamCreateWithFlags(flags))

    def Event(self):
        return _Owner(self, "event", self.now().cudaEventCreate())

    def mem_alloc(self, nbytes):
        return _Owner(self, "device", self.now().cudaMalloc(nbytes))

    def pagelocked_zeros(self, shape, dtype):
        items = int(np.prod(shape))
        nbytes = items * np.dtype(dtype).itemsize
        _, address = self.now().cudaMallocHost(nbytes)
        block = (ctypes.c_ubyte * nbytes).from_address(address)
        weakref.finalize(block, self.runtime.card.free, "pinned", address).atexit = False
        array = np.frombuffer(block, dtype).reshape(shape)
        array[...] = 0
        return array

    # Copies

    def memcpy_htod(self, target, array):
        self.now().cudaMemcpy(int(target), array.ctypes.data, array.nbytes, None)

    def memcpy_htod_async(self, target, array, stream):
        self._copy(int(target), array.ctypes.data, array.nbytes, TO_DEVICE, stream)

    def memcpy_dtod_async(self, target, source, nbytes, stream):
        self._copy(int(target), int(source), nbytes, ANYWHERE, stream)

    def memcpy_dtoh_async(self, array, source, stream):
        self._copy(array.ctypes.data, int(source), array.nbytes, TO_HOST, stream)

    def _copy(self, target, source, nbytes, kinds, stream):
        self.now().cudaMemcpyAsync(target, source, nbytes, kinds, stream.handle)


def module(name):
    """An empty module that can be found."""
    made = types.ModuleType(name)
    made.__spec__ = importlib.machinery.ModuleSpec(name, None)
    return made


def install(monkeypatch, library, **facts):
    """A new Card behind one of the two libraries, the other one missing."""
    card = Card(**facts)
    if library == "cuda-python":
        there = {"cuda.bindings.runtime": Runtime(card)}
    else:
        there = {"pycuda": module("pycuda"), "pycuda.driver": Driver(card)}
    for name in ("cuda.bindings.runtime", "cuda.cudart", "pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, there.get(name))
    return card
