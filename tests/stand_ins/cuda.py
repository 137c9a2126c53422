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

    def add(self, work):
        if self.recording is not None:
            self.recording.append(work)
        else:
            self.todo.append(work)
            self.put += 1

    def run(self, until):
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
            self.fault("{} is no {} that is alive".format(handle, kind))
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
        return self.fault("{} bytes at {} are not in {} memory".format(nbytes, address, " or ".join(kinds)))

    def copy(self, target, source, nbytes, kinds):
        self.view(target, nbytes, kinds[:1])[:] = self.view(source, nbytes, kinds[1:])

    def left(self):
        """The kinds of what was not freed."""
        if self.live:
            gc.collect()
        return sorted(kind for kind, _ in self.live.values())


def runtime(card):
    """cuda.bindings.runtime: functions that return an error number first."""
    rt = module("cuda.bindings.runtime")
    rt.cudaStreamNonBlocking = 1
    rt.cudaMemcpyKind = types.SimpleNamespace(cudaMemcpyHostToDevice=("device", "pinned"),
                                              cudaMemcpyDeviceToHost=("pinned", "device"))
    rt.cudaStreamCaptureMode = types.SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)

    def alloc(kind):
        return lambda nbytes: (2, None) if nbytes > card.memory else (0, card.alloc(kind, nbytes))

    def free(kind):
        return lambda handle: (card.free(kind, handle),) and (0,)

    rt.cudaMalloc, rt.cudaMallocHost = alloc("device"), alloc("pinned")
    rt.cudaFree, rt.cudaFreeHost, rt.cudaStreamDestroy = free("device"), free("pinned"), free("stream")
    rt.cudaEventDestroy, rt.cudaGraphDestroy, rt.cudaGraphExecDestroy = free("event"), free("graph"), free("replay")
    rt.cudaGetErrorString = lambda error: (0, {2: b"out of memory", 100: b"no CUDA-capable device"}[error])
    rt.cudaGetDeviceProperties = lambda number: (0, types.SimpleNamespace(
        name=b"Stand-in", major=5, minor=3, totalGlobalMem=card.memory)) if card.memory else (100, None)
    rt.cudaStreamCreateWithFlags = lambda flags: (0, card.make("stream", Stream()))
    rt.cudaEventCreate = lambda: (0, card.make("event", [None, 0]))

    def cudaMemcpy(target, source, nbytes, kind):
        card.view(target, nbytes)[:] = np.frombuffer((ctypes.c_ubyte * nbytes).from_address(source), np.uint8)
        return (0,)

    def cudaMemcpyAsync(target, source, nbytes, kind, stream):
        card.get("stream", stream).add(lambda: card.copy(target, source, nbytes, kind))
        return (0,)

    def cudaEventRecord(event, stream):
        event, stream = card.get("event", event), card.get("stream", stream)
        event[:] = stream, stream.put
        return (0,)

    def cudaEventSynchronize(event):
        stream, until = card.get("event", event)
        return (stream and stream.run(until),) and (0,)

    def cudaStreamBeginCapture(stream, mode):
        card.get("stream", stream).recording = []
        return (0,)

    def cudaStreamEndCapture(stream):
        stream = card.get("stream", stream)
        work, stream.recording = stream.recording, None
        return 0, card.make("graph", work)

    def cudaGraphInstantiate(graph, flags):
        return 0, card.make("replay", list(card.get("graph", graph)))

    def cudaGraphLaunch(replay, stream):
        for work in card.get("replay", replay):
            card.get("stream", stream).add(work)
        return (0,)

    rt.__dict__.update((name, thing) for name, thing in locals().items() if name.startswith("cuda"))
    return {rt.__name__: rt}


def pycuda(card):
    """pycuda and pycuda.driver: objects that free themselves, calls that want the context current."""
    driver = module("pycuda.driver")
    driver.Error = type("Error", (Exception,), {})

    def current():
        if not getattr(card.stack, "depth", 0):
            raise driver.Error("invalid device context")

    class Owner:
        def __init__(self, kind, handle):
            current()
            self.handle = handle
            weakref.finalize(self, card.free, kind, handle).atexit = False

        def __int__(self):
            return self.handle

    class Event(Owner):
        def __init__(self):
            super().__init__("event", card.make("event", [None, 0]))

        def record(self, stream):
            current()
            card.get("event", self.handle)[:] = stream.work, stream.work.put

        def synchronize(self):
            current()
            stream, until = card.get("event", self.handle)
            stream.run(until)

    class PyStream(Owner):
        def __init__(self):
            self.work = Stream()
            super().__init__("stream", card.make("stream", self.work))

    class Context:
        @staticmethod
        def push():
            card.stack.depth = getattr(card.stack, "depth", 0) + 1

        @staticmethod
        def pop():
            current()
            card.stack.depth -= 1

    class Device:
        def __init__(self, number):
            if not card.memory:
                raise driver.Error("no CUDA-capable device")
            self.name, self.total_memory = lambda: "Stand-in", lambda: card.memory
            self.compute_capability, self.retain_primary_context = lambda: (5, 3), Context

    def mem_alloc(nbytes):
        current()
        if nbytes > card.memory:
            raise driver.Error("cuMemAlloc failed: out of memory")
        return Owner("device", card.alloc("device", nbytes))

    def pagelocked_zeros(shape, dtype):
        current()
        nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = card.alloc("pinned", nbytes)
        block = (ctypes.c_ubyte * nbytes).from_address(address)
        weakref.finalize(block, card.free, "pinned", address).atexit = False
        array = np.frombuffer(block, dtype).reshape(shape)
        array[...] = 0
        return array

    def memcpy_htod(target, array):
        current()
        card.view(target, array.nbytes)[:] = np.ascontiguousarray(array).view(np.uint8).ravel()

    def memcpy_htod_async(target, array, stream):
        current()
        source, nbytes = array.ctypes.data, array.nbytes
        stream.work.add(lambda: card.copy(target, source, nbytes, ("device", "pinned")))

    def memcpy_dtoh_async(array, source, stream):
        current()
        target, nbytes = array.ctypes.data, array.nbytes
        stream.work.add(lambda: card.copy(target, source, nbytes, ("pinned", "device")))

    for thing in (mem_alloc, pagelocked_zeros, memcpy_htod, memcpy_htod_async, memcpy_dtoh_async, Context, Device, Event):
        setattr(driver, thing.__name__, thing)
    driver.Stream, driver.init = PyStream, lambda: None
    return {"pycuda": module("pycuda"), "pycuda.driver": driver}


def module(name):
    made = types.ModuleType(name)
    made.__spec__ = importlib.machinery.ModuleSpec(name, None)
    return made


def install(monkeypatch, library, **facts):
    """A new Card behind one of the two libraries, the other one missing."""
    card = Card(**facts)
    made = runtime(card) if library == "cuda-python" else pycuda(card)
    for name in ("cuda.bindings.runtime", "cuda.cudart", "pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, made.get(name))
    return card
