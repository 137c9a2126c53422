"""How a model is found: by its name in models/, or by a path to its folder or one of its files."""

import contextlib
import os
from pathlib import Path
from typing import Dict, List, Union

from ..support.errors import CourseError
from ..support.files import is_hidden, kit_path
from ..support.words import abridged
from .labels import LABEL_SETS
from .spec import MODELS, ModelSpec, read_spec

Model = Union[str, Path, ModelSpec]  # what a reader may call a model by


def list_models() -> List[str]:
    """The names of the models in models/."""
    names = [path.parent.name for path in MODELS.glob("*/model.json")]
    return sorted(name for name in names if not is_hidden(name))


def find_model(model: Model) -> ModelSpec:
    """The ModelSpec of a model.

    It is named by its name in models/, its folder, its model.json, or an .onnx file beside one.

    >>> spec = find_model("ssd_mobilenet_v2_signs")
    >>> spec.input.width, spec.input.height, spec.input.color
    (300, 300, 'RGB')
    >>> spec.labels
    ('background', 'mandatory', 'prohibitory', 'warning')
    """
    if isinstance(model, ModelSpec):
        return model

    # A file that exists but cannot be read is not passed over: read_spec says why.
    with contextlib.suppress(OSError, ValueError):  # a name that no file can have
        named = MODELS / str(model) / "model.json"
        if os.path.lexists(str(named)):
            return read_spec(named)

        path = kit_path(str(model))
        if path.is_dir():
            return read_spec(path / "model.json")
        if path.suffix == ".json" and path.exists():
            return read_spec(path)
        if path.suffix == ".onnx" and path.exists():
            return _spec_beside(path)

    here = ", ".join(list_models()) or "none"
    advice = "A path to a folder with model.json works too."
    if _is_in_catalogue(str(model)):
        advice = f"To get it: python -m trt_course models fetch {model}"
    raise CourseError(f"There is no model {abridged(str(model))}. Models here: {here}. {advice}")


def _is_in_catalogue(name: str) -> bool:
    """Whether it is the name of a public model that can be fetched."""
    with contextlib.suppress(OSError, ValueError):
        return name in [path.stem for path in (MODELS / "catalogue").glob("*.json")]
    return False


def _spec_beside(onnx: Path) -> ModelSpec:
    """The ModelSpec of an .onnx file: its own record's, or that of the network it was made from."""
    spec = read_spec(onnx.with_name("model.json"))
    if spec.onnx.exists() and spec.onnx.samefile(str(onnx)):
        return spec
    # Where the record's own file comes from says nothing about this one.
    return spec._replace(onnx=onnx, provenance={})


def get_cls_dict(name: Union[str, Path]) -> Dict[int, str]:
    """Class id -> class name, of a model or of a shared class list.

    >>> get_cls_dict("traffic")
    {0: 'road_sign', 1: 'vehicle', 2: 'pedestrian', 3: 'bicycle'}
    """
    if name in LABEL_SETS:
        return dict(enumerate(LABEL_SETS[name]))
    return find_model(name).cls_dict()
