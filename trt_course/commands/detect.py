"""The commands doctor, models and detect."""
from .. import doctor
from ..detect import FORMATS, detect_dir, detect_one, detect_video
from ..errors import CourseError
from ..files import kit_path
from ..media.sources import kind_of
from ..models import find_model, list_models
from . import DEFAULT_MODEL, add_engine_options, confidence, failures, open_ssd


def add_commands(commands):
    add = commands.add_parser("doctor", help="what this machine has, and what to do about what it lacks")
    add.set_defaults(call=_doctor)

    add = commands.add_parser("models", help="the models in models/")
    add.set_defaults(call=_models)

    add = commands.add_parser("detect", help="detect objects in a picture, a folder of pictures or a video file")
    add.add_argument("source", help="picture, folder or video file")
    add.add_argument("--model", default=DEFAULT_MODEL, help="a name in models/, a model folder, or an .onnx file "
                                                            "beside a model.json (default: %(default)s)")
    add.add_argument("--conf", type=confidence, help="confidence from which a box counts (default: the model's own)")
    add.add_argument("--out", default="out", help="folder for the results (default: %(default)s)")
    add.add_argument("--format", choices=FORMATS, help="for a folder: text files or detections.json (default: both)")
    add_engine_options(add)
    add.set_defaults(call=_detect)


def _doctor(args):
    print(doctor.report())
    return 0


def _models(args):
    complaints = []
    for name in list_models():
        try:
            print(_describe(find_model(name)))
        except CourseError as err:
            complaints.append(str(err))
    return failures(complaints)


def _describe(spec):
    if not spec.onnx.is_file():
        raise CourseError("{}: the file {} is missing".format(spec.name, spec.onnx))
    ids = spec.class_ids()
    note = "\n    note: the ONNX file is not the one that model.json describes" if spec.changed() else ""
    return "{}  {}\n    {} x {} {}, {} classes: {}{}".format(
        spec.name, spec.title, spec.input.width, spec.input.height, spec.input.color, len(ids),
        ", ".join(spec.labels[i] for i in ids), note)


def _detect(args):
    source = kit_path(args.source)
    kind = kind_of(source)
    with open_ssd(args) as ssd:
        if kind == "image":
            detect_one(ssd, source, args.out, args.conf)
        elif kind == "video":
            detect_video(ssd, source, args.out, args.conf)
        else:
            return failures(detect_dir(ssd, source, args.out, args.conf, [args.format] if args.format else FORMATS))
    return 0
