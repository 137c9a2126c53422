"""A folder with a model's record, its .etlt, and a stand-in for NVIDIA's converter on PATH."""

import json
import os
import shutil
from pathlib import Path

import pytest

from conftest import RECORD
from trt_course import CourseError
from trt_course.builder import tlt
from trt_course.model.spec import read_spec

STAND_IN = Path(__file__).with_name("tlt_converter.py")
SECRET = "nv/tlt+Key=42"
TLT_SSD = {
    "input": {"name": "Input", "width": 1248, "height": 384, "layout": "nchw", "color": "BGR"},
    "output": {"layout": "nms7", "tensors": {"rows": "NMS", "count": "NMS_1"}},
}


class Desk:
    """The folder, and builds in it."""

    def __init__(self, folder):
        self.folder = folder
        self.etlt = folder / "ssd.etlt"
        self.out = folder / "out" / "ssd.engine"
        self.write()

    def write(self, dims="3,384,1248", outputs=("NMS",), dynamic=False, **changes):
        """The record, and the .etlt as the stand-in reads it."""
        (self.folder / "model.json").write_text(json.dumps({**RECORD, **TLT_SSD, **changes}))
        etlt = {"key": SECRET, "dims": dims, "outputs": outputs, "dynamic": dynamic}
        self.etlt.write_text(json.dumps(etlt))

    def put(self, folder, name, mode=0o755):
        """A converter by this name in one of the desk's folders."""
        (self.folder / folder).mkdir(exist_ok=True)
        path = Path(shutil.copy(str(STAND_IN), str(self.folder / folder / name)))
        path.chmod(mode)
        return path

    def build(self, **options):
        """What the converter was told, by its argument's letters."""
        spec = read_spec(self.folder / "model.json")
        tlt.engine_from_etlt(spec, self.etlt, self.out, "TLT_KEY", **options)
        return json.loads(self.out.read_text())

    def fails(self, **options):
        """The error's text, after the look that nothing is left behind."""
        with pytest.raises(CourseError) as caught:
            self.build(**options)
        assert not self.out.parent.exists() or not list(self.out.parent.iterdir())
        return str(caught.value)


def desk_in(folder, monkeypatch):
    """A desk with the key in the environment and tao-converter on PATH."""
    monkeypatch.setenv("TLT_KEY", SECRET)
    monkeypatch.setenv("PATH", "{}:{}".format(folder / "bin", os.environ["PATH"]))
    monkeypatch.delenv("STAND_IN", raising=False)
    monkeypatch.setattr(tlt, "FOLDERS", (str(folder / "usual"),))
    desk = Desk(folder)
    desk.put("bin", "tao-converter")
    return desk
