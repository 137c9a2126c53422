"""The command camera."""
import time
from contextlib import ExitStack

from ..draw import BBoxVisualization
from ..media.async_camera import MODES
from ..media.window import Window
from ..models import find_model
from . import ENGINE, add_command, open_ssd, tell


def add_commands(commands):
    add = add_command(commands, "camera", _camera, "detect in a camera's pictures as they come, count what is missed",
                      "--model", "--conf", "--json", "--show", "--trace", *ENGINE)
    add.add_argument("source", help="csi://0, /dev/video0 or 0, rtsp://..., http://..., gst:..., or a file")
    add.add_argument("--mode", choices=list(MODES), default="async", help="async: the detector in a thread of its own; "
                     "child: reading there too; sync: the plain loop (default: %(default)s)")
    add.add_argument("--every", type=int, default=3, help="async: infer every N-th frame; 0: as fast as the detector "
                                                          "can (default: %(default)s)")
    add.add_argument("--seconds", type=float, help="stop after that time (default: at the end, or Ctrl-C)")


def _camera(args):
    vis = BBoxVisualization(find_model(args.model).cls_dict())
    with Window("trt_course") if args.show else ExitStack() as window, \
            MODES[args.mode](args.source, lambda: open_ssd(args).warm_up(), args.every, args.conf) as camera:
        try:
            _watch(camera, args.seconds or float("inf"), args.show and window, vis)
        finally:
            counts = camera.counts()
            tell(args, "{0.captured} captured, {0.shown} shown, {0.dropped} dropped, {0.inferred} inferred in "
                       "{0.seconds:.1f} s: {1}".format(counts, counts.report()),
                 dict(counts._asdict(), mode=args.mode, every=args.every))


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
