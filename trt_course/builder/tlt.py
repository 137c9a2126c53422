"""An .etlt file of TLT or TAO becomes an engine, by NVIDIA's tao-converter or tlt-converter.

The program is NVIDIA's and no part of the kit (docs/tlt.md says where it is). It runs as a child
process: here its command line follows from the model's record, and its failures are explained.
Whether the engine is a good one shows when it is opened.
"""

import collections
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Deque, List, NamedTuple, Optional, Sequence, Tuple, Union

from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.files import KIT, kit_path
from ..support.outputs import Outputs

# The successor first: it takes what the older one takes, and more.
NAMES = ("tao-converter", "tlt-converter")
# Where a program may lie that is not on PATH.
FOLDERS = (str(KIT), "~", "~/bin", "/opt/nvidia/tao", "/opt/nvidia/tools")
SITE = "https://catalog.ngc.nvidia.com/orgs/nvidia/teams/tao/resources/tao-converter"

# An exit status that a shell gives where it cannot run a program.
CANNOT_RUN = 126


class Advice(NamedTuple):
    """What to do where the program's words hold a sign, a regular expression.

    In `text`, {what} is what the sign's group of that name found.
    """

    sign: str
    text: str


# The first sign that is found counts. A missing plugin stands before the key: the program blames
# the key for whatever it cannot parse.
ADVICE = (
    Advice(
        sign=r"(?:Unsupported operation _|could not find plugin:? )(?P<what>\w+)",
        text="The plugin {what} is missing (the key may be right). docs/tlt.md says how to build "
        "it from TensorRT OSS.",
    ),
    Advice(
        sign=r"libcrypto\.so\.1\.1: cannot open",
        text="It needs OpenSSL 1.1: sudo apt install libssl1.1; JetPack 6, which has none, has its "
        "own converter: " + SITE,
    ),
    Advice(
        sign=r"libnv\w+\.so\.\d+: cannot open|symbol lookup error|version `GLIBC",
        text="It was made for another TensorRT or JetPack. Take the one for yours "
        "(dpkg -l | grep nvinfer): " + SITE,
    ),
    Advice(
        sign=r"loading shared libraries: (?P<what>[^\s:]+)",
        text="Install the library {what}, or add its folder to LD_LIBRARY_PATH.",
    ),
    Advice(
        sign=r"Exec format error|cannot execute binary|Could not open '/lib",
        text="It is no program for this processor. A Jetson takes the aarch64 file, a PC the x86 "
        "one: " + SITE,
    ),
    Advice(
        sign=r"no optimization profile",
        text="The model has dynamic shapes and wants a profile (-p): give a range of batches such "
        "as 1,8,16, or 1,1,2.",
    ),
    Advice(
        sign=r"invalid option -- '?(?P<what>\w)",
        text="This converter does not know -{what}. (-p comes from a range of batches; a TLT 2 "
        "model wants one, the most.)",
    ),
    Advice(
        sign=r"what\(\):\s+stoi|encoding key|Unsupported number of graph|no input dimension",
        text="It could not read the model. As a rule the key is wrong; else the file is damaged or "
        "newer than the converter.",
    ),
    Advice(
        sign=r"\bKilled\b|\(out of memory\)|bad_alloc|could not be allocated",
        text="It ran out of memory: workspace 256 MiB, batch 1, no desktop and 4 GB of swap help "
        "(docs/jetson.md).",
    ),
    Advice(
        sign=r"(?i)could not find any implementation",
        text="A layer found no kernel: raise the workspace, and leave DLA out.",
    ),
)


def engine_from_etlt(
    spec: ModelSpec,
    etlt: Union[str, Path],
    out: Union[str, Path],
    key_env: str,
    precision: str = "fp16",
    batch: Sequence[int] = (1, 1, 1),
    workspace_mib: Optional[float] = None,
    calibration_cache: Union[str, Path, None] = None,
    calibration_batch: int = 8,
    dla: Optional[int] = None,
    strict: bool = False,
    program: Union[str, Path, None] = None,
    outputs: Optional[Outputs] = None,
) -> None:
    """Make the engine `out` of an .etlt file; its key is in the environment variable `key_env`.

    The key is handed to the program and never shown. `outputs` says whether a file that is there
    may be replaced (None: if it is the kit's own).
    """
    outputs = outputs or Outputs()
    outputs.claim(out)
    source = kit_path(etlt)
    key = _read_key(source, key_env)
    _require_convertible(precision, batch, calibration_cache)
    converter = find_program(program)

    # What the program is told.
    words = ["-k", key]
    words += _words_of_model(spec, batch)
    words += ["-t", precision]
    if precision == "int8":
        words += ["-c", str(calibration_cache), "-b", str(calibration_batch)]
    if workspace_mib is not None:
        words += ["-w", str(int(workspace_mib * 2**20))]  # it counts bytes
    if dla is not None:
        words += ["-u", str(dla)]
    if strict:
        words.append("-s")

    # A whole engine replaces an old one; anything else leaves it as it was.
    with outputs.whole_file(out) as engine:
        command = [converter] + words + ["-e", str(engine), str(source)]
        try:
            ending = _run(command, key)
        except OSError as err:
            raise _failure(converter, Ending(CANNOT_RUN, [str(err)])) from None
        made = engine.is_file() and engine.stat().st_size > 0
        if ending.status != 0 or not made:
            raise _failure(converter, ending)


def _words_of_model(spec: ModelSpec, batch: Sequence[int]) -> List[str]:
    """The model's tensors, and the range of batches if there is one, as words of the command."""
    outputs = spec.output.tensors()
    if spec.output.boxes.part.column is not None and spec.output.row_count is not None:
        outputs = list(spec.output.boxes.part.tensor)  # this node brings the rows' count along

    sides = spec.input.shape
    words = ["-d", ",".join(str(side) for side in sides)]
    words += ["-i", spec.input.layout]
    words += ["-o", ",".join(outputs)]

    fewest, _, most = batch
    words += ["-m", str(most)]
    if fewest != most:
        shapes = [_shape(pictures, sides) for pictures in batch]
        words += ["-p", ",".join([spec.input.name] + shapes)]
    return words


def _shape(pictures: int, sides: Tuple[int, int, int]) -> str:
    """8x3x384x1248, as the program takes the shape of a batch."""
    return "x".join(str(side) for side in (pictures,) + sides)


def find_program(program: Union[str, Path, None] = None) -> str:
    """The converter's path: the one asked for, else the first on PATH, else in a usual folder."""
    if program:
        names = [str(program)]
        usual = [str(kit_path(program))]
    else:
        names = list(NAMES)
        usual = [os.path.expanduser(f"{folder}/{name}") for name in NAMES for folder in FOLDERS]

    on_path = [shutil.which(name) for name in names]
    found = [path for path in on_path if path]
    found += [path for path in usual if os.path.isfile(path)]
    if not found:
        wanted = " or ".join(names)
        raise CourseError(
            f"There is no {wanted} here. Take the one for your TensorRT from {SITE} to {KIT}, "
            "and make it executable (chmod +x)"
        )
    if not os.access(found[0], os.X_OK):
        raise CourseError(f"{found[0]} is not executable. Make it so with: chmod +x {found[0]}")
    return os.path.abspath(found[0])


def _read_key(etlt: Path, key_env: str) -> str:
    """The key from the environment, for a file that can be opened with it."""
    if not etlt.is_file() or etlt.suffix in (".onnx", ".tlt"):
        raise CourseError(
            f"{etlt} is no .etlt file. (.onnx needs no converter; export a .tlt first.)"
        )
    key = os.environ.get(key_env, "")
    if not key.strip() or not key.isprintable():
        raise CourseError(
            f"The model's key is read from the environment variable {key_env}, which is not set, "
            "empty, or not one line. "
            f"Set it with: read -rs {key_env} && export {key_env}"
        )
    return key


def _require_convertible(
    precision: str, batch: Sequence[int], cache: Union[str, Path, None]
) -> None:
    """Refuse what no converter can make, before one is started."""
    if precision not in ("fp32", "fp16", "int8"):
        raise CourseError(f"There is no precision '{precision}'; allowed: fp32, fp16, int8")
    grows = list(batch) == sorted(batch)
    if len(batch) != 3 or not grows or batch[0] < 1:
        raise CourseError(
            f"Batches are three numbers, least, best, most, such as 1,8,16; found: {batch}"
        )
    has_cache = cache is not None and os.path.isfile(str(cache))
    if has_cache != (precision == "int8"):
        raise CourseError(
            f"int8 and the model's calibration cache go together; found: {precision}, {cache}"
        )


class Ending(NamedTuple):
    """How the program ended: its status, and the last lines it said."""

    status: int  # minus the signal's number where a signal ended it
    lines: List[str]


def _run(command: Sequence[str], key: str) -> Ending:
    """Run the program, and show each line as it comes, without the key."""
    lines: Deque[str] = collections.deque(maxlen=400)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as child:
        assert child.stdout is not None  # it is a pipe
        try:
            for line in child.stdout:
                lines.append(line.replace(key, "***").rstrip())
                print(lines[-1], flush=True)
            child.wait()
        # Ctrl-C above all. The program may be a script with children of its own.
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return Ending(child.returncode, list(lines))


def _failure(converter: str, ending: Ending) -> CourseError:
    """Why there is no engine, as far as the program's words tell."""
    status = ending.status
    how = f"exit status {status}"
    if status < 0:
        how = f"ended by {signal.Signals(-status).name}"

    # A killed program leaves no words. A shell in between adds 128 to the signal's number.
    said = "\n".join(ending.lines)
    if status in (-signal.SIGKILL, 128 + signal.SIGKILL):
        said += "\nKilled"

    last = " | ".join([line for line in ending.lines if line][-3:])
    if not last:
        last = "none"
    return CourseError(
        f"{converter} made no engine ({how}). {_advice_on(said)}\nIts last words: {last[-600:]}"
    )


def _advice_on(said: str) -> str:
    """What to do about the program's last words."""
    for advice in ADVICE:
        found = re.search(advice.sign, said)
        if found:
            return advice.text.format(**found.groupdict())
    return "See docs/tlt.md."
