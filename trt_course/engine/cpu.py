"""The network on the CPU with ONNX Runtime: for machines without a GPU, and the reference for those with one."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..support import trace
from ..support.errors import CourseError, need
from .base import Engine, TensorInfo

# ONNX Runtime's way to say what is wrong -> ours. The first text that occurs in its message counts.
_REFUSALS = (
    (
        ("_TRT", "No Op registered for", "is not a registered function/op", "NOT_IMPLEMENTED"),
        "it holds an operator that ONNX Runtime does not have. A node such as EfficientNMS_TRT or NMS_TRT is a TensorRT "
        "plugin: that file needs TensorRT; on the CPU use the model without NMS inside.",
    ),
    (
        (
            "INVALID_PROTOBUF",
            "Protobuf parsing failed",
            "ModelProto does not have a graph",
            "No graph was found",
        ),
        "it is not an ONNX file, or a part of one. Fetch or export it again. (An .engine or .etlt file is not ONNX.)",
    ),
)
_DYNAMIC_BATCH = 1, 8  # a larger batch buys nothing on a CPU but memory


def _info(node):
    kind = node.type[len("tensor(") : -1]
    try:
        dtype = np.dtype({"float": "float32", "double": "float64"}.get(kind, kind))
    except TypeError:
        raise CourseError(
            f"The tensor {node.name} has type {node.type}, which this kit does not handle"
        ) from None
    return TensorInfo(node.name, tuple(d if isinstance(d, int) else -1 for d in node.shape), dtype)


class CpuEngine(Engine):
    """An ONNX file on the CPU. `threads` 0 lets ONNX Runtime use one thread a core, for each of the `lanes` requests
    that run beside each other."""

    def __init__(self, path, threads=0, lanes=1):
        ort, self._worker, self.lanes = need("onnxruntime"), None, lanes
        if not os.path.isfile(str(path)):
            raise CourseError(
                f"There is no file {path}. A model's ONNX stands beside its model.json."
            )
        if threads < 0:
            raise CourseError(
                f"There cannot be {threads} threads; wanted: a number, or 0 for one a core."
            )
        options = ort.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, threads
        options.add_session_config_entry(
            "session.intra_op.allow_spinning", "0"
        )  # readers and encoders want the cores
        options.add_session_config_entry(
            "session.dynamic_block_base", "4"
        )  # small shares: a late thread delays less
        try:
            self._session = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as err:  # its exception types differ from release to release
            said = " ".join(str(err).replace(str(path), "the file").split())
            why = next(
                (text for signs, text in _REFUSALS if any(sign in said for sign in signs)),
                "ONNX Runtime says:",
            )
            raise CourseError(f"{path} cannot run on the CPU: {why} {said[:300]}") from None
        self.inputs = tuple(_info(node) for node in self._session.get_inputs())
        self.outputs = tuple(_info(node) for node in self._session.get_outputs())
        fixed = self.inputs[0].shape[0]
        self.min_batch, self.max_batch = _DYNAMIC_BATCH if fixed == -1 else (fixed, fixed)
        self.name = f"ONNX Runtime {ort.__version__} on the CPU"

    def infer(self, request):
        if self._session is None:
            raise CourseError("This engine is closed; open it again to use it.")
        with trace.span("network"):
            values = self._session.run(None, request.inputs)
        request.outputs = {t.name: value for t, value in zip(self.outputs, values)}
        return request.outputs

    def _start(self, request):
        if self._worker is None:
            self._worker = ThreadPoolExecutor(self.lanes, "network")
        return self._worker.submit(self.infer, request)

    def _finish(self, request):
        return request.pending.result()

    def close(self):
        worker, self._worker, self._session = self._worker, None, None
        if worker is not None:
            worker.shutdown()
