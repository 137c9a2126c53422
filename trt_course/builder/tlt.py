"""An .etlt file of TLT or TAO made into an engine by NVIDIA's tao-converter or tlt-converter, run as a child process.

The program is NVIDIA's and no part of the kit (docs/tlt.md says where it is). Here its command line follows from the
model's record and its failures are explained; whether the engine is a good one shows when it is opened.
"""

import collections
import os
import re
import shutil
import signal
import subprocess

from ..support.errors import CourseError
from ..support.files import KIT, kit_path, whole_file

NAMES = (
    "tao-converter",
    "tlt-converter",
)  # the successor first: it takes what the older one takes, and more
PLACES = str(KIT), "~", "~/bin", "/opt/nvidia/tao", "/opt/nvidia/tools"
SITE = "https://catalog.ngc.nvidia.com/orgs/nvidia/teams/tao/resources/tao-converter"

# What the program says -> what to do; the first sign that is found counts, and its groups fill the advice. A missing
# plugin stands before the key: the program blames the key for whatever it cannot parse.
ADVICE = (
    (
        r"(?:Unsupported operation _|could not find plugin:? )(\w+)",
        "The plugin {} is missing (the key may be right). docs/tlt.md says how to build it from TensorRT OSS.",
    ),
    (
        r"libcrypto\.so\.1\.1: cannot open",
        "It needs OpenSSL 1.1: sudo apt install libssl1.1; JetPack 6, which has none, has its own converter: {site}",
    ),
    (
        r"libnv\w+\.so\.\d+: cannot open|symbol lookup error|version `GLIBC",
        "It was made for another TensorRT or JetPack. Take the one for yours (dpkg -l | grep nvinfer): {site}",
    ),
    (
        r"loading shared libraries: ([^\s:]+)",
        "Install the library {}, or add its folder to LD_LIBRARY_PATH.",
    ),
    (
        r"Exec format error|cannot execute binary|Could not open '/lib",
        "It is no program for this processor. A Jetson takes the aarch64 file, a PC the x86 one: {site}",
    ),
    (
        r"no optimization profile",
        "The model has dynamic shapes and wants a profile (-p): give a range of batches such as 1,8,16, or 1,1,2.",
    ),
    (
        r"invalid option -- '?(\w)",
        "This converter does not know -{}. (-p comes from a range of batches; a TLT 2 model wants one, the most.)",
    ),
    (
        r"what\(\):\s+stoi|encoding key|Unsupported number of graph|no input dimension",
        "It could not read the model. As a rule the key is wrong; else the file is damaged or newer than the converter.",
    ),
    (
        r"\bKilled\b|\(out of memory\)|bad_alloc|could not be allocated",
        "It ran out of memory: workspace 256 MiB, batch 1, no desktop and 4 GB of swap help (docs/jetson.md).",
    ),
    (
        r"(?i)could not find any implementation",
        "A layer found no kernel: raise the workspace, and leave DLA out.",
    ),
)


def find_program(program=None):
    """The converter's path: the one asked for, else the first on PATH, else the first in a few usual folders."""
    on_path = [path for path in map(shutil.which, [str(program)] if program else NAMES) if path]
    usual = (
        [kit_path(program)]
        if program
        else [os.path.expanduser(p) + "/" + n for n in NAMES for p in PLACES]
    )
    found = on_path + [str(path) for path in usual if os.path.isfile(str(path))]
    if not found:
        raise CourseError(
            "There is no {} here. Take the one for your TensorRT from {} to {}, and make it executable "
            "(chmod +x)".format(program or " or ".join(NAMES), SITE, KIT)
        )
    if not os.access(found[0], os.X_OK):
        raise CourseError("{0} is not executable. Make it so with: chmod +x {0}".format(found[0]))
    return os.path.abspath(found[0])


def _check(etlt, key_env, precision, batch, cache):
    key = os.environ.get(key_env, "")
    if not etlt.is_file() or etlt.suffix in (".onnx", ".tlt"):
        raise CourseError(
            f"{etlt} is no .etlt file. (.onnx needs no converter; export a .tlt first.)"
        )
    if not key.strip() or not key.isprintable():
        raise CourseError(
            f"The model's key is read from the environment variable {key_env}, which is not set, empty, or not "
            f"one line. Set it with: read -rs {key_env} && export {key_env}"
        )
    if precision not in ("fp32", "fp16", "int8"):
        raise CourseError(f"There is no precision '{precision}'; allowed: fp32, fp16, int8")
    if len(batch) != 3 or list(batch) != sorted(batch) or batch[0] < 1:
        raise CourseError(
            f"Batches are three numbers, least, best, most, such as 1,8,16; found: {batch}"
        )
    if (precision == "int8") != (cache is not None and os.path.isfile(str(cache))):
        raise CourseError(
            f"int8 and the model's calibration cache go together; found: {precision}, {cache}"
        )
    return key


def _run(command, key):
    """The exit status and the last lines; each line is shown when it comes, without the key."""
    tail = collections.deque(maxlen=400)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as child:
        try:
            for line in child.stdout:
                tail.append(line.replace(key, "***").rstrip())
                print(tail[-1], flush=True)
            child.wait()
        except BaseException:  # Ctrl-C; the program may be a script with children of its own
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, list(tail)


def _failure(program, status, lines):
    how = f"exit status {status}" if status >= 0 else f"ended by {signal.Signals(-status).name}"
    said = "\n".join(lines + ["Killed"] * (status in (-signal.SIGKILL, 128 + signal.SIGKILL)))
    hits = ((re.search(sign, said), advice) for sign, advice in ADVICE)
    advice = next(
        (advice.format(*hit.groups(), site=SITE) for hit, advice in hits if hit), "See docs/tlt.md."
    )
    last = " | ".join([line for line in lines if line][-3:]) or "none"
    return CourseError(f"{program} made no engine ({how}). {advice}\nIts last words: {last[-600:]}")


def engine_from_etlt(
    spec,
    etlt,
    out,
    key_env,
    precision="fp16",
    batch=(1, 1, 1),
    workspace_mib=None,
    calibration_cache=None,
    calibration_batch=8,
    dla=None,
    strict=False,
    program=None,
):
    """Make the engine `out`; the environment variable named `key_env` holds the key of the .etlt file."""
    etlt, tensors, int8 = kit_path(etlt), spec.output.tensors, precision == "int8"
    key, program = _check(etlt, key_env, precision, batch, calibration_cache), find_program(program)
    sides = spec.input.shape
    outputs = (
        [tensors["rows"]] if spec.output.layout == "nms7" else tensors.values()
    )  # the NMS node gives its count
    shapes = ["x".join(map(str, (n,) + sides)) for n in batch]
    told = {
        "-k": key,
        "-d": ",".join(map(str, sides)),
        "-i": spec.input.layout,
        "-o": ",".join(outputs),
        "-m": batch[2],
        "-p": ",".join([spec.input.name] + shapes) if batch[0] != batch[2] else None,
        "-t": precision,
        "-c": calibration_cache if int8 else None,
        "-b": calibration_batch if int8 else None,
        "-w": int(workspace_mib * 2**20) if workspace_mib is not None else None,  # it counts bytes
        "-u": dla,
    }
    with whole_file(out) as engine:
        words = [str(word) for pair in told.items() if pair[1] is not None for word in pair] + [
            "-s"
        ] * strict
        try:
            status, lines = _run([program] + words + ["-e", str(engine), str(etlt)], key)
        except OSError as err:
            raise _failure(program, 126, [str(err)]) from None
        if status != 0 or not engine.is_file() or not engine.stat().st_size:
            raise _failure(program, status, lines)
