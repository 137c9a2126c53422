"""Stand-ins for cuda-python and pycuda: host memory for the card's, and streams that work only when waited for.

They run nothing on a GPU. They complain of what a card answers with a crash: copies that leave their memory, host
memory that is not page-locked, work left behind, things freed twice, a context that is not current.
"""

import ctypes
import gc
import importlib.machinery
import sys
import threading
import types
import weakref

import numpy as np


class Stream:
    """Work in order. Nothing is done before someone waits for an event behind it."""

    def __init__(self):
        self.todo, self.put, self.done, self.recording = [], 0, 0, None
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
                self.todo.pop(0)()
                self.done += 1


class Card:
    """What is alive on it: {handle: (kind, thing)}; `faults` collects what no caller would see raised."""

    def __init__(self, memory=1 << 30):
        self.live, self.faults, self.memory, self.stack = {}, [], memory, threading.local()

    def fault(self, text):
        self.faults.append(text)
        raise AssertionError(text)

    def make(self, kind, thing):
        handle = id(thing)
        self.live[handle] = kind, thing
        return handle

    def get(self, kind, handle):
        if self.live.get(handle, ("",))[0] != kind:
            self.fault(f"{handle} is no {kind} that is alive")
        return self.live[handle][1]

    def free(self, kind, handle):
        thing = self.get(kind, handle)
        if kind == "stream" and thing.todo:
            self.fault("a stream is destroyed with work on it")
        del self.live[handle]

    def alloc(self, kind, nbytes):
        block = np.full(nbytes, 0xA5, np.uint8)  # never zeros: what nobody wrote must show
        self.live[block.ctypes.data] = kind, block
        return block.ctypes.data

    def view(self, address, nbytes, kinds=("device",)):
        """The bytes at an address, which must lie whole in one block of these kinds."""
        for start, (kind, block) in self.live.items():
            if kind in kinds and start <= address and address + nbytes <= start + block.nbytes:
                return np.frombuffer((ctypes.c_ubyte * nbytes).from_address(address), np.uint8)
        return self.fault(
            "{} bytes at {} are not in {} memory".format(nbytes, address, " or ".join(kinds))
        )

    def copy(self, target, source, nbytes, kinds):
        to, of = (kinds[:1], kinds[1:]) if kinds else (("device", "pinned"),) * 2
        self.view(target, nbytes, to)[:] = self.view(source, nbytes, of)

    def left(self):
        """The kinds of what was not freed."""
        if self.live:
            gc.collect()
        return sorted(kind for kind, _ in self.live.values())


def _alloc(kind):
    return lambda self, nbytes: (
        (2, None) if nbytes > self.card.memory else (0, self.card.alloc(kind, nbytes))
    )


def _free(kind):
    return lambda self, handle: (self.card.free(kind, handle),) and (0,)


class Runtime:
    """cuda.bindings.runtime: functions that return an error number first."""

    __spec__ = importlib.machinery.ModuleSpec("cuda.bindings.runtime", None)
    cudaStreamNonBlocking = 1
    cudaMemcpyKind = types.SimpleNamespace(
        cudaMemcpyHostToDevice=("device", "pinned"),
        cudaMemcpyDeviceToHost=("pinned", "device"),
        cudaMemcpyDefault=None,
    )
    cudaStreamCaptureMode = types.SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)
    cudaMemcpySrcAccessOrder = types.SimpleNamespace(cudaMemcpySrcAccessOrderStream=1)
    cudaMemcpyAttributes = types.SimpleNamespace
    driver = 13000

    def __init__(self, card):
        self.card = card

    def cudaDriverGetVersion(self):
        return 0, self.driver

    cudaMalloc, cudaMallocHost = map(_alloc, ("device", "pinned"))
    (
        cudaFree,
        cudaFreeHost,
        cudaStreamDestroy,
        cudaEventDestroy,
        cudaGraphDestroy,
        cudaGraphExecDestroy,
    ) = map(_free, ("device", "pinned", "stream", "event", "graph", "replay"))

    def cudaGetErrorString(self, error):
        return 0, {
            2: b"out of memory",
            36: b"API call requires a newer driver",
            100: b"no CUDA-capable device",
        }[error]

    def cudaGetDeviceProperties(self, number):
        return (
            (
                0,
                types.SimpleNamespace(
                    name=b"Stand-in", major=5, minor=3, totalGlobalMem=self.card.memory
                ),
            )
            if self.card.memory
            else (100, None)
        )

    def cudaStreamCreateWithFlags(self, flags):
        if flags != self.cudaStreamNonBlocking:
            self.card.faults.append(
                "a stream that waits for the default stream, where others work, too"
            )
        return 0, self.card.make("stream", Stream())

    def cudaEventCreate(self):
        return 0, self.card.make("event", [Stream(), 0])

    def cudaMemcpy(self, target, source, nbytes, kind):
        self.card.view(target, nbytes)[:] = np.frombuffer(
            (ctypes.c_ubyte * nbytes).from_address(source), np.uint8
        )
        return (0,)

    def cudaMemcpyAsync(self, target, source, nbytes, kind, stream):
        self.card.get("stream", stream).add(lambda: self.card.copy(target, source, nbytes, kind))
        return (0,)

    def cudaMemcpyBatchAsync(
        self, targets, sources, sizes, count, attributes, begins, kinds, stream
    ):
        order = [attribute.srcAccessOrder for attribute in attributes]
        if not len(targets) == len(sources) == len(sizes) == count > 0 or (
            order,
            begins,
            kinds,
        ) != ([1], [0], 1):
            self.card.fault("many copies at once that do not fit together")
        for copy in zip(targets, sources, sizes):
            self.cudaMemcpyAsync(*copy, None, stream)
        return (0,) if self.driver >= 12080 else (36,)

    def cudaEventRecord(self, event, stream):
        stream = self.card.get("stream", stream)
        self.card.get("event", event)[:] = stream, stream.put
        return (0,)

    def cudaEventSynchronize(self, event):
        stream, until = self.card.get("event", event)
        stream.run(until)
        return (0,)

    def cudaStreamWaitEvent(self, stream, event, flags):
        other, until = self.card.get("event", event)
        self.card.get("stream", stream).add(lambda: other.run(until))
        return (0,)

    def cudaEventElapsedTime(self, first, last):
        return 0, float(self.card.get("event", last)[1] - self.card.get("event", first)[1])

    def cudaStreamBeginCapture(self, stream, mode):
        self.card.get("stream", stream).recording = []
        return (0,)

    def cudaStreamEndCapture(self, stream):
        stream = self.card.get("stream", stream)
        work, stream.recording = stream.recording, None
        return 0, self.card.make("graph", work)

    def cudaGraphInstantiate(self, graph, flags):
        return 0, self.card.make("replay", list(self.card.get("graph", graph)))

    def cudaGraphLaunch(self, replay, stream):
        for work in self.card.get("replay", replay):
            self.card.get("stream", stream).add(work)
        return (0,)


class _Owner:
    """pycuda's objects: they free themselves."""

    def __init__(self, driver, kind, made):
        if made[0]:
            raise driver.Error("cuMemAlloc failed: out of memory")
        self.driver, self.handle = driver, made[1]
        weakref.finalize(self, driver.rt.card.free, kind, self.handle).atexit = False

    def __int__(self):
        return self.handle

    def record(self, stream):
        self.driver.now().cudaEventRecord(self.handle, stream.handle)

    def synchronize(self):
        self.driver.now().cudaEventSynchronize(self.handle)

    def wait_for_event(self, event):
        self.driver.now().cudaStreamWaitEvent(self.handle, event.handle, 0)

    def time_till(self, other):
        return self.driver.now().cudaEventElapsedTime(self.handle, other.handle)[1]


class Driver:
    """pycuda.driver: everything wants the context current in its thread."""

    __spec__ = importlib.machinery.ModuleSpec("pycuda.driver", None)
    Error = type("Error", (Exception,), {})

    def __init__(self, card):
        self.rt, self.stack, self.Context = Runtime(card), card.stack, self

    def init(self):
        pass

    def Device(self, number):
        error, facts = self.rt.cudaGetDeviceProperties(number)
        if error:
            raise self.Error("no CUDA-capable device")
        return types.SimpleNamespace(
            name=facts.name.decode,
            compute_capability=lambda: (facts.major, facts.minor),
            total_memory=lambda: facts.totalGlobalMem,
            retain_primary_context=lambda: self,
        )

    def push(self):
        self.stack.depth = getattr(self.stack, "depth", 0) + 1

    def pop(self):
        self.now()
        self.stack.depth -= 1

    def now(self):
        if not getattr(self.stack, "depth", 0):
            raise self.Error("invalid device context")
        return self.rt

    def Stream(self, flags=0):
        return _Owner(self, "stream", self.now().cudaStreamCreateWithFlags(flags))

    def Event(self):
        return _Owner(self, "event", self.now().cudaEventCreate())

    def mem_alloc(self, nbytes):
        return _Owner(self, "device", self.now().cudaMalloc(nbytes))

    def pagelocked_zeros(self, shape, dtype):
        nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        _, address = self.now().cudaMallocHost(nbytes)
        block = (ctypes.c_ubyte * nbytes).from_address(address)
        weakref.finalize(block, self.rt.card.free, "pinned", address).atexit = False
        array = np.frombuffer(block, dtype).reshape(shape)
        array[...] = 0
        return array

    def memcpy_htod(self, target, array):
        self.now().cudaMemcpy(int(target), array.ctypes.data, array.nbytes, None)

    def memcpy_htod_async(self, target, array, stream):
        self.now().cudaMemcpyAsync(
            int(target), array.ctypes.data, array.nbytes, ("device", "pinned"), stream.handle
        )

    def memcpy_dtod_async(self, target, source, nbytes, stream):
        self.now().cudaMemcpyAsync(int(target), int(source), nbytes, None, stream.handle)

    def memcpy_dtoh_async(self, array, source, stream):
        self.now().cudaMemcpyAsync(
            array.ctypes.data, int(source), array.nbytes, ("pinned", "device"), stream.handle
        )


def module(name):
    made = types.ModuleType(name)
    made.__spec__ = importlib.machinery.ModuleSpec(name, None)
    return made


def install(monkeypatch, library, **facts):
    """A new Card behind one of the two libraries, the other one missing."""
    card = Card(**facts)
    made = (
        {"cuda.bindings.runtime": Runtime(card)}
        if library == "cuda-python"
        else {"pycuda": module("pycuda"), "pycuda.driver": Driver(card)}
    )
    for name in ("cuda.bindings.runtime", "cuda.cudart", "pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, made.get(name))
    return card
