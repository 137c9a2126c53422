"""Of TensorRT's stand-in: versions, enums and types, and how strict its objects are."""

import enum
import inspect
import json

import numpy as np
import onnx

VERSIONS = {7.1: "7.1.3", 8.2: "8.2.1", 8.6: "8.6.1", 10.0: "10.3.0", 11.0: "11.0.0"}
MAGIC = b"plan"
ALWAYS = (0, 99)

_ENUMS = {
    "BuilderFlag": "FP16 INT8 TF32 STRICT_TYPES OBEY_PRECISION_CONSTRAINTS GPU_FALLBACK REFIT",
    "NetworkDefinitionCreationFlag": "EXPLICIT_BATCH STRONGLY_TYPED",
    "DataType": "FLOAT HALF INT8 INT32 INT64 UINT8 BOOL",
    "LayerType": "CONSTANT SHUFFLE SLICE CONCATENATION OTHER",
    "MemoryPoolType": "WORKSPACE DLA_MANAGED_SRAM",
    "TensorIOMode": "NONE INPUT OUTPUT",
    "PreviewFeature": "PROFILE_SHARING_0806",
    "DeviceType": "GPU DLA",
    "LayerInformationFormat": "ONELINE JSON",
    "ProfilingVerbosity": "LAYER_NAMES_ONLY NONE DETAILED",
}
_NUMPY = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "BOOL": np.bool_,
}


class Stage:
    """What the real TensorRT keeps to itself, and what a test wants it to act out.

    Once a calibrator has shown its pictures, they are in `seen`.
    """

    def __init__(self):
        # What happened
        self.builds = []
        self.freed = []  # kinds of objects, in order

        # What shall happen
        self.refuse = []  # errors to log instead of building or opening an engine
        self.no_context = False  # an engine gives no context
        self.steps = 0  # of a build, each a moment long


class Version:
    """A version of TensorRT, by its number, and what it has."""

    def __init__(self, number, exists):
        self.number = number
        self._exists = exists  # spans of versions by name, for what not all have

    def has(self, span):
        """Whether it lies between the first version and the first one no more."""
        first, first_without = span
        return first <= self.number < first_without

    def members(self, name):
        """Of the enum of this name, those that it has."""
        return [
            member
            for member in _ENUMS[name].split()
            if self.has(self._exists.get(f"{name}.{member}", ALWAYS))
        ]

    def shares_profiles(self, asked):
        """Whether several contexts may use one range of batches: always from 9 on."""
        return self.number >= 9 or (self.number >= 8.6 and asked)


def plan(model, version, batch=(1, 1, 1), implicit=False, shared=True):
    """An engine file of an ONNX model's bytes.

    `implicit` leaves the batch out of its shapes; `shared` is whether the builder was asked for a
    range of batches that several contexts may use, of which only 8.6 knows.
    """
    head = json.dumps([version, list(batch), implicit, shared])
    return MAGIC + head.encode() + b"\n" + model


class Dims:
    """A shape as TensorRT gives it: it is read like a tuple, but it is none."""

    def __init__(self, sides):
        self._sides = tuple(sides)

    def __len__(self):
        return len(self._sides)

    def __getitem__(self, index):
        return self._sides[index]

    def __eq__(self, other):
        return tuple(self) == tuple(other)

    def __repr__(self):
        return str(self._sides)


class Strict:
    """Like an object of a C++ binding: no attribute that its class does not have.

    A Python class that is derived from it may have attributes of its own, as with pybind11.
    """

    def __setattr__(self, name, value):
        own = type(self).__module__.startswith(__package__)
        if own and name[0] != "_" and not hasattr(type(self), name):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        object.__setattr__(self, name, value)


def typed(function):
    """Check arguments against the annotations, as a binding does."""
    signature = inspect.signature(function)

    def call(*args, **kwargs):
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            kind = signature.parameters[name].annotation
            if kind is not inspect.Parameter.empty and not isinstance(value, kind):
                raise TypeError(f"incompatible function arguments: {name}={value!r}")
        return function(*args, **kwargs)

    return call


def part_of(trt):
    """Put a class into the module."""

    def add(kind):
        setattr(trt, kind.__name__, kind)
        return kind

    return add


def onnx_shape(value):
    """A tensor's shape in an ONNX file; what varies is -1."""
    shape = []
    for dimension in value.type.tensor_type.shape.dim:
        varies = bool(dimension.dim_param)
        shape.append(-1 if varies else dimension.dim_value)
    return tuple(shape)


def onnx_dtype(number):
    """NumPy's type for ONNX's number of a type."""
    return onnx.helper.tensor_dtype_to_np_dtype(number)


def type_of(trt, dtype):
    """TensorRT's type for NumPy's."""
    for name, known in _NUMPY.items():
        if np.dtype(known) == dtype:
            if name not in trt.DataType.__members__:
                name = "INT32"  # TensorRT made INT64 that, until it had it
            return trt.DataType[name]
    raise KeyError(dtype)


def add_types(trt, version):
    """The enums, NumPy's types, and the classes that callers derive from."""
    for name in _ENUMS:
        members = [(member, number) for number, member in enumerate(version.members(name))]
        setattr(trt, name, enum.IntEnum(name, members))
    trt.float32 = trt.DataType.FLOAT

    def nptype(kind):
        if version.number < 8.6:  # where NumPy is 1.24 or later
            raise AttributeError("module 'numpy' has no attribute 'bool'")
        return _NUMPY[kind.name]

    trt.nptype = nptype

    @part_of(trt)
    class ILogger(Strict):
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    for name in ("IProfiler", "IProgressMonitor", "IQuantizeLayer"):
        setattr(trt, name, type(name, (), {}))

    @part_of(trt)
    class IInt8EntropyCalibrator2:
        def __init__(self):
            self._made = True
