"""A TensorRT that is played, for the tests of building."""

import contextlib

from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course.engine import plan


@contextlib.contextmanager
def played_tensorrt(monkeypatch, version):
    """The module of this version; at the end nothing is left on the card, and nothing was wrong."""
    monkeypatch.setattr(plan, "_logs", {})
    card = cuda_stand_in.install(monkeypatch, "pycuda")
    module = stand_in.install(monkeypatch, version, card)
    yield module
    module._stage.builds.clear()
    assert card.left() == []
    assert card.faults == []
    assert not getattr(card.stack, "depth", 0)
