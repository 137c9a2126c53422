"""draft: a first record for an .onnx file, with questions where nothing shows the answer.

A draft opens and runs as it is: everything that a record needs is filled in with the best guess,
and what is only guessed is asked for in the record's own list `questions`.
"""

import json
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ..engine import TensorInfo
from ..model.decode import Decoder
from ..model.placement import placement
from ..model.shapes import Tensor
from ..model.spec import read_spec
from ..support.errors import CourseError
from ..support.files import AnyPath, kit_path, sha256, write_text
from ..support.outputs import Outputs
from ..support.words import printable
from .entry import sides
from .families import Guess, Words, class_names, guesses
from .look import Look, look_at, noted_sides

RECORD = "model.json"

_NUMBERS = re.compile(r"\[\n[-+.\deE,\s]*\]")  # a list of numbers, in JSON


class Draft(NamedTuple):
    """A first record, what it was made of, and where it was written."""

    look: Look
    guess: Guess
    record: Words
    path: Path


def draft(path: AnyPath, out: Optional[AnyPath], outputs: Outputs) -> Draft:
    """Write a first record for the network in an .onnx file, beside it or into the folder `out`.

    A network that is not there yet is copied there. One of no known family is a CourseError that
    says what was seen.
    """
    network = kit_path(path)
    if printable(network.name) != network.name:
        raise CourseError(
            f"{printable(network)} has a name that no record can hold: it has a line break, or "
            "characters that no screen shows. Rename the file."
        )
    folder = network.parent if out is None else Path(out)
    target = claim_record(folder, outputs)
    look = look_at(network)
    guess, record = _fitting(look, folder.resolve().name)
    copy = folder / network.name
    if not _is_same(copy, network):
        _copy(look, copy, outputs)
    outputs.write_text(target, as_text(record))
    return Draft(look, guess, record, target)


def claim_record(folder: Path, outputs: Outputs) -> Path:
    """The path of a folder's record, which must not be there yet."""
    target = folder / RECORD
    if os.path.lexists(str(target)) and not outputs.force:
        raise CourseError(
            f"{target} is there already and was left as it is. Draft into another folder with "
            "--out, or replace it with --force."
        )
    outputs.claim(target)
    return target


def _fitting(look: Look, name: str) -> Tuple[Guess, Words]:
    """The surest guess whose record can read what was seen, and that record."""
    complaint = ""
    for guess in guesses(look):
        record = record_of(look, guess, name)
        try:
            with tempfile.TemporaryDirectory() as folder:
                require_readable(look, record, Path(folder))
        except CourseError as err:
            complaint = complaint or f" The nearest, {guess.family}, does not fit: {err}"
        else:
            return guess, record
    raise CourseError(
        f"{look.path} is of no family that this kit knows, so no record was written.{complaint}\n"
        f"{seen(look)}\n"
        "docs/model_json.md lists the families, and the words to describe a network by hand."
    )


def _copy(look: Look, network: Path, outputs: Outputs) -> None:
    """Copy the network beside its record: a model's folder holds both."""
    if look.scattered:
        raise CourseError(
            f"{look.path} keeps weights in other files, which belong beside it: move all of them "
            f"to {network.parent} and draft there, without --out."
        )
    with outputs.whole_file(network) as temporary:
        shutil.copyfile(str(look.path), str(temporary))


def seen(look: Look) -> str:
    """The inputs and outputs of a network, a line each."""
    rows = [("input", tensor, sides(tensor.shape)) for tensor in look.inputs]
    rows += [("output", tensor, _shape(tensor, look)) for tensor in look.stated]
    width = max(len(tensor.name) for _, tensor, _ in rows)
    lines = [
        f"  {kind:<7} {printable(tensor.name):<{width}}  {tensor.dtype!s:<8} {shape}"
        for kind, tensor, shape in rows
    ]
    return "\n".join(lines)


def _shape(tensor: TensorInfo, look: Look) -> str:
    """The shape that an output states, and what it was in the run if that tells more."""
    found = sides(look.outputs[tensor.name].shape)
    if look.ran and not tensor.shape:
        return f"not stated, when run {found}"
    if look.ran and -1 in tensor.shape[1:]:
        return f"{sides(tensor.shape)}, when run {found}"
    return sides(tensor.shape)


def report(drafted: Draft) -> str:
    """What was seen, what it was taken for and why, and what is left to answer."""
    look = drafted.look
    guess = drafted.guess
    lines = [printable(look.path), seen(look)]
    lines.append(f"  family  {guess.family}; {guess.sure}: {guess.why}")
    if not look.ran:
        lines.append("  note    it holds a plugin of TensorRT's and could not be run here")
    lines.append(f"Wrote {printable(drafted.path)}")
    questions = drafted.record.get("questions", [])
    if questions:
        lines.append(
            "It is whole, but some of it is guessed. Take each question out of the record once it "
            "is answered:"
        )
    lines += [f"  {number}. {text}" for number, text in enumerate(questions, 1)]
    model = shlex.quote(read_spec(drafted.path).reference)
    lines.append(f"Next: python -m trt_course models check {printable(model)} --image your.jpg")
    return "\n".join(lines)


# The record -------------------------------------------------------------------------------------


def record_of(look: Look, guess: Guess, name: str) -> Words:
    """The whole record."""
    labels, about_labels = class_names(look, guess)
    questions = [*_asked_of_input(look), *guess.questions, *about_labels]
    name = printable(name) or look.path.stem
    record: Words = {
        "name": name,
        "title": f"{name}, {guess.family}",
        "task": "detection",
        "file": look.path.name,
        "input": _input(look, guess),
        "output": guess.output,
        "labels": labels,
        "background": guess.background,
    }
    if guess.nms:
        record["nms"] = guess.nms
    questions = _unsettled(look, questions)
    if questions:
        record["questions"] = questions
    record["provenance"] = {"drafted_as": guess.family, "sha256": sha256(look.path)}
    return record


def as_text(record: Words) -> str:
    """The record in JSON as a person would write it: in its order, numbers of a list on a line."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    return _NUMBERS.sub(lambda found: _on_a_line(found.group()), text) + "\n"


def _on_a_line(numbers: str) -> str:
    """A list of numbers in JSON, without line breaks."""
    return "[" + " ".join(numbers.strip("[]").split()) + "]"


def _input(look: Look, guess: Guess) -> Words:
    """The words of `input`: what was seen of the tensor, and the family's recipe."""
    pictures = look.pictures
    entry: Words = {
        "name": pictures.name,
        "width": pictures.width,
        "height": pictures.height,
        "layout": pictures.layout,
        "dtype": pictures.dtype,
        **guess.recipe,
    }
    if look.size is not None:
        entry["size"] = look.size
    if _has_recipe_inside(look):
        entry.pop("mean", None)
        entry.pop("scale", None)
    if look.head is not None and look.head.brightest == 1 and pictures.dtype != "uint8":
        entry["scale"] = [255.0] * 3
    if pictures.channels == 1:
        entry["color"] = "GREY"
        for word in ("mean", "scale", "pad"):
            if word in entry:
                entry[word] = entry[word][:1]
    return entry


def _has_recipe_inside(look: Look) -> bool:
    return look.head is not None or look.pictures.dtype == "uint8"


def _asked_of_input(look: Look) -> List[str]:
    """The questions about what was seen of the input."""
    pictures = look.pictures
    asked = []
    if pictures.free and (pictures.height, pictures.width) not in noted_sides(look.notes):
        asked.append(
            f"input.width, input.height: the network leaves them open, and {pictures.width} x "
            f"{pictures.height} is only what it ran with; what was it trained on?"
        )
    if look.head is not None:
        asked.append(
            f"input.scale: the network itself begins with {', '.join(look.head.operators)} by "
            "constants, which is taken for the rest of the recipe; does it want pixels from 0 to "
            f"{look.head.brightest}?"
        )
    return asked


def _unsettled(look: Look, questions: Sequence[str]) -> List[str]:
    """The questions without those that what was seen has answered."""
    settled = []
    if _has_recipe_inside(look):
        settled.append("input.mean")
    if look.pictures.channels == 1:
        settled.append("input.color")
    return [question for question in questions if not question.startswith(tuple(settled))]


def require_readable(look: Look, record: Words, folder: Path) -> None:
    """Refuse a record by which the outputs that were seen cannot be read.

    It is written to the folder, where the files that it names must be.
    """
    path = folder / RECORD
    write_text(path, as_text(record))
    try:
        spec = read_spec(path)
    except CourseError as err:  # by a name that means something to the reader
        raise CourseError(str(err).replace(str(path), RECORD)) from None
    placed = placement(spec, spec.input.width, spec.input.height)
    decoder = Decoder(spec)
    stated = {tensor.name: Tensor(tensor.shape or None, tensor.dtype) for tensor in look.stated}
    (batch,) = (entry.shape[0] for entry in look.inputs if entry.name == look.pictures.name)
    decoder.shapes.require_stated(stated, batch)
    decoder.decode(look.outputs, [placed], spec.conf_threshold, places=max(1, batch))


def _is_same(path: Path, other: Path) -> bool:
    """Whether both names are one file's."""
    return path.exists() and path.samefile(str(other))
