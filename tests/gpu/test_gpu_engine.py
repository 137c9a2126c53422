"""The TensorRT engine on a real GPU: APIs, CUDA libraries, graphs, lanes, threads, and no leaks."""

import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from conftest import HEIGHT, WIDTH
from trt_course import CourseError
from trt_course.engine import CpuEngine
from trt_course.engine.cuda import open_cuda
from trt_course.engine.trt import TrtEngine

pytestmark = pytest.mark.usefixtures("gpu")
KIT = Path(__file__).resolve().parents[2]
BOTH = [
    name
    for name, module in (("pycuda", "pycuda"), ("cuda-python", "cuda"))
    if importlib.util.find_spec(module)
]


def tensors(n, seed=0):
    return np.random.RandomState(seed).rand(n, 3, HEIGHT, WIDTH).astype(np.float32)


def by_cpu(spec, values):
    with CpuEngine(spec.onnx) as engine:
        request = engine.new_request(len(values))
        request.inputs["input"][:] = values
        return engine.infer(request)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("api", ["tensors", "bindings"])
@pytest.mark.parametrize("lanes", [1, 2])
def test_equals_the_cpu_with_requests_under_way(gpu_model, plan, library, api, lanes):
    with TrtEngine(plan, lanes=lanes, api=api, library=library) as engine:
        assert (engine.min_batch, engine.max_batch) == (1, 4)
        assert library in engine.name
        requests = [(engine.new_request(n), tensors(n, n)) for n in (1, 4, 3, 1)]
        for _ in range(3):
            for request, values in requests:
                request.inputs["input"][:] = values
                engine.submit(request)
            for request, values in requests:
                outputs = engine.result(request)
                for name, wanted in by_cpu(gpu_model, values).items():
                    assert np.abs(outputs[name] - wanted).max() < 1e-4


@pytest.mark.parametrize(
    "library, one_call", [(name, False) for name in BOTH] + [("cuda-python", True)]
)
def test_blocks_on_the_gpu_are_put_behind_each_other(library, one_call):
    cuda = open_cuda(library)
    if one_call:
        assert cuda._in_order
    elif library == "cuda-python":
        cuda._in_order = []

    values = np.random.RandomState(0).randint(0, 256, (5, 3000), np.uint8)
    with cuda.active():
        there = cuda.alloc(20000)
        here = cuda.alloc(20000)
        stream = cuda.stream()
        done = cuda.event()
        cuda.upload(there, values)
        cuda.upload(here, np.zeros(20000, np.uint8))
        sources = [int(there) + 3000 * i for i in (4, 0, 3)]
        cuda.copy_on(int(here) + 3000, sources, 3000, stream)
        copied = cuda.pinned((5, 3000), np.uint8)
        cuda.copy_out(copied, here, stream)
        cuda.record(done, stream)
        cuda.wait(done)
    nothing = np.zeros(3000)
    assert (copied == [nothing, values[4], values[0], values[3], nothing]).all()


@pytest.mark.parametrize("lanes", [1, 2])
def test_graph_replay_gives_the_same(gpu_model, plan, lanes):
    graphs = TrtEngine(plan, lanes=lanes, graph=True, library="cuda-python")
    plain = TrtEngine(plan)
    with graphs, plain:
        pairs = [(graphs.new_request(n), plain.new_request(n), n) for n in (1, 3, 4)]
        for seed in range(5):
            for one, other, n in pairs:
                values = tensors(n, seed)
                one.inputs["input"][:] = values
                other.inputs["input"][:] = values
                graphs.submit(one)
            for one, other, _ in pairs:
                outputs = graphs.result(one)
                for name, wanted in plain.infer(other).items():
                    assert np.array_equal(outputs[name], wanted)


def test_pycuda_says_that_it_has_no_graphs(plan):
    with TrtEngine(plan, graph=True, library="pycuda") as engine, pytest.raises(
        CourseError, match="no CUDA graphs"
    ):
        engine.new_request(1)


@pytest.mark.parametrize("library", BOTH)
def test_another_thread_is_refused_and_may_open_its_own(gpu_model, plan, library):
    said = []
    apart = []

    def elsewhere():
        try:
            engine.infer(request)
        except CourseError as err:
            said.append(str(err))
        with TrtEngine(plan, library=library) as own:
            mine = own.new_request(2)
            mine.inputs["input"][:] = tensors(2)
            scores = own.infer(mine)["scores"]
            wanted = by_cpu(gpu_model, tensors(2))["scores"]
            apart.append(np.abs(scores - wanted).max())

    with TrtEngine(plan, library=library) as engine:
        request = engine.new_request()
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert "opened in another thread" in said[0]
        assert apart[0] < 1e-4
        engine.infer(request)


@pytest.mark.parametrize("library", BOTH)
def test_closed_engine_says_so_and_results_outlive_it(plan, library):
    engine = TrtEngine(plan, library=library)
    request = engine.new_request(2)
    request.inputs["input"][:] = 0.5
    scores = engine.infer(request)["scores"]
    engine.close()
    engine.close()
    assert np.allclose(scores[:, :, 1:], 0.5, atol=1e-5)
    with pytest.raises(CourseError, match="closed"):
        engine.submit(request)
    with pytest.raises(CourseError, match="closed"):
        engine.new_request()


ROUNDS = """
import os, sys
from trt_course.engine.trt import TrtEngine
def used():
    from cuda.bindings import runtime
    return (int(open("/proc/self/statm").read().split()[1]) * 4096, -runtime.cudaMemGetInfo()[1])
for i in range(int(sys.argv[3])):
    with TrtEngine(sys.argv[1], library=sys.argv[2]) as engine:
        engine.infer(engine.new_request(4))
    if i == 49:
        before = used()
after = used()
print(*[(b - a) / 2 ** 20 for a, b in zip(before, after)])
"""


@pytest.mark.parametrize("library", BOTH)
def test_a_thousand_rounds_leak_nothing(plan, library):
    done = subprocess.run(
        [sys.executable, "-c", ROUNDS, str(plan), library, "1000"],
        cwd=str(KIT),
        text=True,
        capture_output=True,
        env={**os.environ, "CUDA_MODULE_LOADING": "LAZY"},
    )
    assert done.returncode == 0, done.stderr
    host, device = map(float, done.stdout.split())
    print(f"host {host:.1f} MiB, device {device:.1f} MiB after 950 rounds")
    assert host < 30 and device < 10


LEFT_OPEN = """
import sys, threading
from trt_course.engine.trt import TrtEngine
kept = []
def work():
    engine = TrtEngine(sys.argv[1], library=sys.argv[2])
    request = engine.new_request()
    engine.infer(request)
    kept.append((engine, request))
if sys.argv[3] == "in a thread":
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
"""


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("where", ["here", "in a thread"])
def test_nothing_is_printed_at_exit(plan, library, where):
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN, str(plan), library, where],
        cwd=str(KIT),
        text=True,
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("library", BOTH)
def test_too_much_memory_is_told(library):
    cuda = open_cuda(library)
    with pytest.raises(CourseError, match="CUDA says: .*emory"), cuda.active():
        cuda.alloc(1 << 50)
    cuda.close()
