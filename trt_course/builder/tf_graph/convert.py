"""convert: a frozen graph becomes a model's folder: network, priors and record."""

import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...model.spec import read_spec
from ...support.errors import CourseError, need
from ...support.files import AnyPath, kit_path, sha256
from ...support.outputs import Outputs
from ..draft import RECORD, Draft, as_text, claim_record, record_of, require_readable
from ..families import Guess
from ..families.guess import CERTAIN
from ..look import Look, look_at
from .anchors import FROM_GRAPH, FoundPriors, find_priors, maps_of
from .config import NAME, read_config
from .evaluate import Constants
from .facts import Facts, find_facts, input_size
from .graph import Graph, read_graph
from .heads import Heads, find_heads
from .network import BOXES, SCORES, make_network, shapes_in
from .wire import DamagedError

NETWORK = "model.onnx"
PRIORS = "priors.npy"
_SOURCE = "source_sha256"  # of a record's provenance: the digest of the graph

FAMILY = "an SSD of TensorFlow's object detection API"


def convert(path: AnyPath, out: Optional[AnyPath], outputs: Outputs) -> Draft:
    """Write the detector in a frozen graph (.pb) as a model, beside it or into the folder `out`.

    The pipeline.config beside the graph is read for what the graph does not say itself. What
    neither says is asked for in the record's questions.
    """
    source = kit_path(path)
    graph = read_graph(source)
    folder = source.parent if out is None else Path(out)
    target = claim_record(folder, outputs)
    outputs.claim(folder / NETWORK, folder / PRIORS)
    with tempfile.TemporaryDirectory() as made:
        try:
            drafted = _make(graph, Path(made), folder.resolve().name)
        except DamagedError as err:
            raise CourseError(f"{source} is damaged: {err}. Fetch or export it again.") from None
        for name in (NETWORK, PRIORS):
            outputs.write_bytes(folder / name, (Path(made) / name).read_bytes())
    outputs.write_text(target, as_text(drafted.record))
    look = drafted.look._replace(path=folder / NETWORK)
    return drafted._replace(look=look, path=target)


def convert_once(path: AnyPath, outputs: Outputs) -> Optional[Draft]:
    """Convert a graph beside it, unless the record there is of this very graph: then None.

    So a record whose questions have been answered stays as it is.
    """
    source = kit_path(path)
    record = source.parent / RECORD
    both = record.is_file() and source.is_file()
    if both and read_spec(record).provenance.get(_SOURCE) == sha256(source):
        return None
    return convert(source, None, outputs)


def _make(graph: Graph, made: Path, name: str) -> Draft:
    """The three files in a folder of their own, where they have been tried."""
    source = graph.path
    config = read_config(source)
    constants = Constants(graph)
    heads = find_heads(graph, constants)
    size = input_size(graph, constants, config)

    network = make_network(graph, constants, heads, size)
    need("onnx").save(network, str(made / NETWORK))

    shapes = shapes_in(network)
    ends = [graph.behind_identities(head.tensor).name for head in heads.boxes]
    maps = maps_of(shapes, ends, source)
    knowing = Constants(graph, _channels_last(shapes))
    priors = find_priors(graph, knowing, config, maps, size)
    np.save(str(made / PRIORS), priors.numbers)

    facts = find_facts(graph, constants, config, heads.scores_end)
    guess = _guess(heads, facts, priors)
    look = _look_at(source, made / NETWORK)
    record = record_of(look, guess, name)
    record["provenance"].update({"source": source.name, _SOURCE: sha256(source)})
    require_readable(look, record, made)
    return Draft(look, guess, record, made)


def _look_at(source: Path, network: Path) -> Look:
    """What is seen of the network in a first run of it."""
    try:
        return look_at(network)
    except CourseError as err:
        said = str(err).replace(str(network), network.name)
        raise CourseError(
            f"{source} was converted, but its network does not run. {said}\n"
            "Fetch or export the graph again."
        ) from None


def _channels_last(shapes: Dict[str, Tuple[int, ...]]) -> Dict[str, Tuple[int, ...]]:
    """The shapes of pictures as TensorFlow has them, for a batch of one."""
    return {
        name: (1, *shape[2:], shape[1])
        for name, shape in shapes.items()
        if len(shape) == 4 and min(shape[1:]) > 0
    }


def _guess(heads: Heads, facts: Facts, priors: FoundPriors) -> Guess:
    """What the graph says, in the words of a record."""
    boxes = {
        "tensor": BOXES,
        "form": "offsets",
        "order": "yx",
        "priors": PRIORS,
        "variances": facts.variances,
    }
    scores = {"tensor": SCORES, "activation": facts.activation}
    return Guess(
        FAMILY,
        CERTAIN,
        f"its heads have the names; the {len(priors.numbers)} priors are from {priors.source}",
        {"boxes": boxes, "scores": scores},
        facts.recipe,
        classes=heads.scores[0].width,
        background=0,
        questions=(*facts.questions, *_asked_of_priors(priors)),
        nms=facts.nms,
    )


def _asked_of_priors(priors: FoundPriors) -> Sequence[str]:
    questions: List[str] = []
    if priors.source not in (FROM_GRAPH, NAME):
        questions.append(
            f"output.boxes.priors: neither the graph nor a {NAME} beside it shows the priors, so "
            f"{priors.source} was taken, which gives as many; are they this network's?"
        )
    return questions
