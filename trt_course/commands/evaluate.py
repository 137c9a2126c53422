"""The command evaluate: how well detections, or those of a model, agree with ground truth."""

import argparse
import contextlib
from typing import TYPE_CHECKING, Any, Callable, Collection, Dict, List

from ..measure import coco, voc
from ..measure.cases import (
    Case,
    pictures_listed,
    read_detections,
    shared_with,
    tell_of_undetected,
    without_mere_crowds,
)
from ..measure.class_map import (
    ClassMap,
    classes_of,
    read_class_map,
    rename_founds,
    rename_truths,
    renamed,
    require_known,
)
from ..measure.evaluate import (
    detect_pictures,
    pictures_of,
    plot_files,
    read_folders,
    require_objects,
    save_plots,
    truths_of,
    warn_of_classes,
)
from ..measure.instances import is_json, read_instances
from ..support.errors import CourseError, need
from ..support.files import kit_path
from . import ENGINE, add_command, open_ssd, print_report

if TYPE_CHECKING:
    from . import Commands


def _voc_score(case: Case, ignore: Collection[str], class_iou: Dict[str, float]) -> voc.Score:
    return voc.score(case.truths, case.founds, ignore, class_iou)


def _coco_score(case: Case, *_: object) -> coco.CocoScore:
    """COCO has its own overlaps, and scores every class."""
    return coco.score(*coco.from_voc(case.truths, case.founds, case.order))


# By the names that --metric takes. Each gives a score with `report()` and `as_dict()`.
METRICS: Dict[str, Callable[..., Any]] = {"voc": _voc_score, "coco": _coco_score}

_DESCRIPTION = """mAP of detections, or of a model on pictures. There are four ways:

  --model NAME --data DIR                    a model, on a data folder
  --gt DIR --det DIR                         text files against text files
  --gt FILE.json --images DIR --model NAME   a model, on pictures with COCO's ground truth
  --gt FILE.json --det DIR                   text files against COCO's ground truth; instead of
                                             DIR also a JSON list of COCO's results"""


def add_commands(commands: "Commands") -> None:
    """Add the command."""
    add = add_command(
        commands,
        "evaluate",
        _evaluate,
        "mAP of detections, or of a model on pictures",
        "--data",
        "--ignore",
        "--json",
        *ENGINE,
    )
    add.description = _DESCRIPTION
    add.formatter_class = argparse.RawDescriptionHelpFormatter
    add.add_argument(
        "--gt",
        metavar="DIR|FILE",
        help="folder of ground-truth text files, or a file like COCO's instances_val2017.json",
    )
    add.add_argument(
        "--det", metavar="DIR|FILE", help="folder of detection text files, or COCO's results"
    )
    add.add_argument("--images", metavar="DIR", help="folder of the pictures that --gt FILE lists")
    add.add_argument("--model", help="detect first, with this model")
    add.add_argument(
        "--metric",
        choices=tuple(METRICS),
        default="voc",
        help="mAP at overlap 0.5, or COCO's numbers",
    )
    add.add_argument(
        "--classes",
        nargs="+",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="other names for classes, in ground truth and detections alike, such as "
        'car,bus,truck=vehicle "traffic light=light"',
    )
    add.add_argument(
        "--names",
        nargs="*",
        default=[],
        metavar="CLASS",
        help="names with blanks, unquoted in the files",
    )
    add.add_argument(
        "--set-class-iou",
        nargs="*",
        default=[],
        metavar="CLASS IOU",
        help="own overlap for a class",
    )
    add.add_argument(
        "--plots", metavar="DIR", help="write curves, bars and the worst faults there as PNG"
    )


def _evaluate(args: argparse.Namespace) -> None:
    _require_sense(args)
    class_iou = _class_overlaps(args.set_class_iou)
    class_map = read_class_map(word for words in args.classes for word in words)

    # Whatever can be wrong should be known before the detector has run for long.
    if args.plots is not None:
        need("matplotlib")
        has_pictures = bool(args.model or args.images)
        args.outputs.claim(*plot_files(args.plots, has_pictures))

    case = _case(args, class_map)
    warn_of_classes(case.truths, case.founds, args.ignore, class_iou)

    # The figures, and whatever the metric, the plots of VOC's
    score = METRICS[args.metric](case, args.ignore, class_iou)
    print_report(args, score.report(), score.as_dict())
    if args.plots is not None:
        if not isinstance(score, voc.Score):
            score = voc.score(case.truths, case.founds)
        save_plots(args.plots, case.truths, case.founds, score, case.pictures, args.outputs)


def _require_sense(args: argparse.Namespace) -> None:
    """Refuse arguments of evaluate that are too few, or some of which would be ignored."""
    if not _is_complete(args):
        raise CourseError(
            "evaluate needs --gt DIR --det DIR, or --model NAME --data DIR; with COCO's ground "
            "truth --gt FILE.json --det DIR, or --gt FILE.json --images DIR --model NAME; --images "
            "is for --gt FILE.json only"
        )
    if len(args.set_class_iou) % 2:
        raise CourseError("--set-class-iou takes pairs of a class and a number")
    if args.metric == "coco" and (args.ignore or args.set_class_iou):
        raise CourseError("--ignore and --set-class-iou are for --metric voc; coco has neither.")


def _is_complete(args: argparse.Namespace) -> bool:
    """Whether the arguments are one of the four ways, and no more than that."""
    is_coco = args.gt is not None and is_json(args.gt)
    if args.model and is_coco:
        return bool(args.images) and not args.det
    if args.model:
        return not (args.gt or args.det or args.images)
    return bool(args.gt and args.det) and (is_coco or not args.images)


def _case(args: argparse.Namespace, class_map: ClassMap) -> Case:
    """What is there and what was found, under the new names of the classes."""
    if args.gt and is_json(args.gt):
        return _coco_case(args, class_map)
    if args.model:
        return _data_case(args, class_map)
    return _text_case(args, class_map)


def _text_case(args: argparse.Namespace, class_map: ClassMap) -> Case:
    """Text files against text files."""
    truths, founds = read_folders(args.gt, args.det, [*args.names, *class_map])
    require_known(class_map, classes_of(truths) | classes_of(founds))
    truths = rename_truths(truths, class_map)
    require_objects(truths, args.ignore)
    return Case(truths, rename_founds(founds, class_map), pictures={})


def _data_case(args: argparse.Namespace, class_map: ClassMap) -> Case:
    """A model, on a data folder: all classes that occur there count."""
    data = kit_path(args.data)
    paths = pictures_of(data)
    old_truths = truths_of(data, paths, [*args.names, *class_map])
    truths = rename_truths(old_truths, class_map)
    require_objects(truths, args.ignore)

    pictures = {path.stem: path for path in paths}
    with open_ssd(args) as ssd:
        require_known(class_map, classes_of(old_truths).union(ssd.spec.labels))
        founds = detect_pictures(ssd, pictures)
    return Case(truths, rename_founds(founds, class_map), pictures)


def _coco_case(args: argparse.Namespace, class_map: ClassMap) -> Case:
    """A model or its detections, against COCO's ground truth."""
    instances = read_instances(kit_path(args.gt))
    known = set(instances.classes.values())
    truths = without_mere_crowds(rename_truths(instances.truths, class_map))
    require_objects(truths, args.ignore)

    pictures = {}
    if args.images:
        pictures = pictures_listed(instances, args.images)
    if not args.model:
        founds = read_detections(instances, args.det, [*args.names, *class_map])
        require_known(class_map, known | classes_of(founds))
        founds = rename_founds(founds, class_map)
        tell_of_undetected(truths, founds)
        return Case(truths, founds, pictures, order=list(truths))

    with open_ssd(args) as ssd:
        require_known(class_map, known.union(ssd.spec.labels))
        truths = shared_with(truths, renamed(ssd.spec.labels, class_map), ssd.spec.name)
        require_objects(truths, args.ignore)
        founds = detect_pictures(ssd, pictures, sizes=instances.sizes())
    return Case(truths, rename_founds(founds, class_map), pictures, order=list(truths))


def _class_overlaps(words: List[str]) -> Dict[str, float]:
    """The pairs of --set-class-iou: the overlap from which a box of the class counts as found."""
    return {name: _overlap(text) for name, text in zip(words[::2], words[1::2])}


def _overlap(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise CourseError(f"--set-class-iou: '{text}' is not an overlap between 0 and 1")
