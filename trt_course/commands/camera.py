"""The command camera."""
import time
from contextlib import ExitStack

from ..draw import BBoxVisualization
from ..files import write_json
from ..media.async_camera import MODES
from ..media.window import Window
from ..models import find_model
from . import DEFAULT_MODEL, add_engine_options, add_trace_option, confidence, open_ssd


def add_commands(commands):
    add = commands.add_parser("camera", help="detect in a camera's pictures as they come, and count what is missed")
    add.add_argument("source", help="csi://0, /dev/video0 or 0, rtsp://..., http://..., gst:..., or a file")
    add.add_argument("--model", default=DEFAULT_MODEL, help="as for detect (default: %(default)s)")
    add.add_argument("--conf", type=confidence, help="confidence from which a box counts (default: the model's own)")
    add.add_argument("--mode", choices=list(MODES), default="async", help="async: the detector in a thread of its own; "
                     "child: reading there too; sync: the plain loop (default: %(default)s)")
    add.add_argument("--every", type=int, default=3, help="async: infer every N-th frame; 0: as fast as the detector "
                                                          "can (default: %(default)s)")
    add.add_argument("--seconds", type=float, help="stop after that time (default: at the end, or Ctrl-C)")
    add.add_argument("--json", metavar="FILE", help="write the counts there too")
    add.add_argument("--show", action="store_true", help="in a window: q or ESC quits, f full screen, h help")
    add_trace_option(add)
    add_engine_options(add)
    add.set_defaults(call=_camera)


def _camera(args):
    vis = BBoxVisualization(find_model(args.model).cls_dict())
    with Window("trt_course") if args.show else ExitStack() as window, \
            MODES[args.mode](args.source, lambda: open_ssd(args).warm_up(), args.every, args.conf) as camera:
        try:
            _watch(camera, args.seconds or float("inf"), args.show and window, vis)
        finally:
            counts = camera.counts()
            print("{0.captured} captured, {0.shown} shown, {0.dropped} dropped, {0.inferred} inferred in "
                  "{0.seconds:.1f} s: {1}".format(counts, counts.report()))
            if args.json:
                write_json(args.json, dict(counts._asdict(), mode=args.mode, every=args.every))
    return 0


def _watch(camera, seconds, window, vis):
    """A line a second, until the end of the source, of the time, or of the reader's patience."""
    started = time.monotonic()
    for view in camera:
        image, now = view.frame.image, time.monotonic()
        if window and not window.show(image if view.found is None else vis.annotate(image, view.found)):
            return
        news = camera.news(view)
        if news:
            print("{:4.0f} s  {}".format(now - started, news), flush=True)
        if now - started >= seconds:
            return
