"""What this TensorRT's builder can do: asked of its module, never read off its version.

Only what more than one step asks is here. A difference that matters to one step is asked there.
"""

from types import ModuleType

from ..engine.plan import product_of


def reads_pairs(trt: ModuleType) -> bool:
    """Whether INT8 comes from Q/DQ pairs in the file (8 on). Before, the builder calibrates."""
    return hasattr(trt, "IQuantizeLayer")


def chooses_types(trt: ModuleType) -> bool:
    """Whether a flag lets the builder choose FP16 layer by layer. From 11 on the file decides."""
    return hasattr(trt.BuilderFlag, "FP16")


def builds_for_any_gpu(trt: ModuleType) -> bool:
    """Whether engines travel between cards, as TensorRT-RTX's do: then nothing is timed here."""
    return product_of(trt).startswith("RTX")
