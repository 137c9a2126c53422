"""The network on the CPU, with ONNX Runtime.

It serves machines without a GPU, and is what engines on a GPU are compared with.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np

from ..model.network_file import require_network
from ..support import memory, trace
from ..support.errors import CourseError, need
from ..support.ranges import whole
from .base import Arrays, Engine, Request, TensorInfo, require_usable
from .refusals import Refusal, meaning_of, one_line

_REFUSALS = (
    Refusal(
        signs=memory.SIGNS,
        meaning="there is not enough memory for it. Close other programs, or take fewer threads "
        "and lanes.",
    ),
    Refusal(
        signs=(
            "_TRT",
            "No Op registered for",
            "is not a registered function/op",
            "NOT_IMPLEMENTED",
        ),
        meaning="it holds an operator that ONNX Runtime does not have. A node such as "
        "EfficientNMS_TRT or NMS_TRT is a TensorRT plugin: that file needs TensorRT; on the CPU "
        "use the model without NMS inside.",
    ),
    Refusal(
        signs=("External data", "external data", "Deserialize tensor"),
        meaning="some of its weights are in another file, which is missing, too short, or not a "
        "regular file in the model's own folder. Fetch or export both again.",
    ),
    Refusal(
        signs=(
            "INVALID_PROTOBUF",
            "Protobuf parsing failed",
            "ModelProto does not have a graph",
            "No graph was found",
        ),
        meaning="it is not an ONNX file, or a part of one. Fetch or export it again. "
        "(An .engine or .etlt file is not ONNX.)",
    ),
)
THREADS = whole(0, 1024)  # for one network; 0: one for each core
LANES = whole(1, 64)  # requests that run at the same time
_MOST_BATCH = 8  # if it may vary: on a CPU a longer one only takes more memory
# By ONNX Runtime's names. NumPy has no strings of this kind, no lists of tensors and no bfloat16.
_NUMPY = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
}


class CpuEngine(Engine):
    """An ONNX file on the CPU.

    `lanes` requests run beside each other, each on `threads` threads; 0 lets ONNX Runtime use one
    a core.

    >>> from trt_course import find_model
    >>> with CpuEngine(find_model("ssd_mobilenet_v2_signs").onnx, threads=1) as engine:
    ...     request = engine.new_request()
    ...     request.inputs["input"][:] = 0  # a grey picture
    ...     outputs = engine.infer(request)
    >>> outputs["boxes"].shape
    (1, 3860, 4)
    """

    def __init__(self, path: Any, threads: int = 0, lanes: int = 1) -> None:
        super().__init__()
        require_network(path)
        THREADS.require(threads, "threads")
        LANES.require(lanes, "lanes")

        # What runs it
        runtime = need("onnxruntime")
        self._path = str(path)
        self._session: Any = _new_session(runtime, str(path), threads)  # None once closed
        self._workers: Optional[ThreadPoolExecutor] = None  # a thread a lane, from `submit` on

        # What the file's maker wrote into it, by whatever names
        self.notes: Dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

        # What the base declares
        self.inputs = tuple(_tensor_info(node) for node in self._session.get_inputs())
        self.outputs = tuple(_tensor_info(node) for node in self._session.get_outputs())
        require_usable(self.inputs)
        fixed = self.inputs[0].shape[0]
        if fixed == -1:
            self.max_batch = _MOST_BATCH
        else:
            self.min_batch = fixed
            self.max_batch = fixed
        self.name = f"ONNX Runtime {runtime.__version__} on the CPU"
        self.lanes = lanes

    def infer(self, request: Request) -> Arrays:
        """Run the request now, in this thread; its outputs, by name."""
        session = self._open_session()
        with trace.span("network"):
            values = self._run(session, request)
        request.outputs = {tensor.name: value for tensor, value in zip(self.outputs, values)}
        return request.outputs

    def _run(self, session: Any, request: Request) -> Any:
        """The outputs in the network's order; a CourseError if it fails."""
        try:
            return session.run(None, request.inputs)
        except Exception as err:  # the types of its exceptions differ from release to release
            said = one_line(str(err))[:300]
            shapes = ", ".join(f"{name} {array.shape}" for name, array in request.inputs.items())
            raise CourseError(
                f"The network in {self._path} failed on the input {shapes}. ONNX Runtime says: "
                f"{said}"
            ) from err

    def _start(self, request: Request) -> "Future[Arrays]":
        self._open_session()
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self.lanes, "network")
        return self._workers.submit(self.infer, request)

    def _finish(self, request: Request) -> Arrays:
        return request.pending.result()

    def close(self) -> None:
        """Free the network when the requests under way are done. Closing twice is fine."""
        workers = self._workers
        self._workers = None
        self._session = None
        if workers is not None:
            workers.shutdown()

    def _open_session(self) -> Any:
        """The session; a CourseError if the engine is closed."""
        session = self._session
        if session is None:
            raise CourseError("This engine is closed; open it again to use it.")
        return session


def _new_session(runtime: Any, path: str, threads: int) -> Any:
    """ONNX Runtime's session for a file, or a CourseError that says why there is none."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what fails is raised, too
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the cores from readers and encoders
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Small shares of the work: a thread that comes late delays less
    options.add_session_config_entry("session.dynamic_block_base", "4")

    try:
        network = _plain_name_or_bytes(path)
        return runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as err:  # the types of its exceptions differ from release to release
        said = one_line(str(err).replace(path, "the file"))
        why = meaning_of(said, _REFUSALS, otherwise="ONNX Runtime says:")
        raise CourseError(f"{path} cannot run on the CPU: {why} {said[:300]}") from None


def _plain_name_or_bytes(path: str) -> Any:
    """What ONNX Runtime opens: it takes no name that is not UTF-8, but what is in the file."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return Path(path).read_bytes()
    return path


def _tensor_info(node: Any) -> TensorInfo:
    """What ONNX Runtime tells of an input or output."""
    if node.type not in _NUMPY:
        raise CourseError(
            f"The tensor {node.name} has type {node.type}, which this kit does not handle"
        )

    shape = []
    for length in node.shape:
        varies = not isinstance(length, int)  # then it is a name, or None
        shape.append(-1 if varies else length)
    return TensorInfo(node.name, tuple(shape), np.dtype(_NUMPY[node.type]))
