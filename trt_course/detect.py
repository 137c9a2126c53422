"""detect_one, detect_dir and detect_video of the original course: a source, a detector, files with the results.

They join the package's stops; the work of each stop is in its own module.
"""
import time
from pathlib import Path

import numpy as np

from .draw import BBoxVisualization
from .errors import CourseError
from .files import kit_path, write_image, write_json, write_text
from .media.sources import VideoFile, images_in, read_image
from .media.writer import VideoWriter
from .progress import progress

FORMATS = ("voc", "coco")


def detect_one(ssd, source, out="out", conf_th=None):
    """Detect in one picture, print what was found and how long it took, write it with its boxes to out/NAME.jpg."""
    source = kit_path(source)
    image = read_image(source)
    started = time.perf_counter()
    found = ssd.detect(image, conf_th)
    seconds = time.perf_counter() - started
    target = Path(str(out)) / (source.stem + ".jpg")
    write_image(target, BBoxVisualization(ssd.spec.cls_dict()).annotate(image, found))
    write_text(target.with_suffix(".txt"), found.to_text(ssd.spec.labels))
    print(found.to_text(ssd.spec.labels), end="")
    print("{} objects in {}, {:.1f} ms for preprocessing, network and decoding (one run, warm-up included). "
          "Picture: {}".format(len(found), source.name, seconds * 1e3, target))
    return found


class _Folder:
    """What detect_dir has done so far, and where it goes."""

    def __init__(self, ssd, out, formats, draw_th):
        self.ssd, self.out, self.formats, self.draw_th = ssd, Path(str(out)), formats, draw_th
        self.vis = BBoxVisualization(ssd.spec.cls_dict())
        self.category_ids = ssd.spec.category_ids()
        self.results, self.done, self.failed = [], 0, []

    def detect(self, number, path, conf_th):
        try:
            image = read_image(path)
        except CourseError as err:
            self.failed.append(str(err))
            return
        found = self.ssd.detect(image, conf_th)
        if "voc" in self.formats:
            write_text(self.out / "detection-results" / (path.stem + ".txt"), found.to_text(self.ssd.spec.labels))
        write_image(self.out / "pictures" / (path.stem + ".jpg"), self.vis.annotate(image, found.above(self.draw_th)))
        self.results += [dict(r, file_name=path.name) for r in found.to_coco(number, self.category_ids)]
        self.done += 1

    def finish(self):
        if "coco" in self.formats:
            write_json(self.out / "detections.json", self.results)


def detect_dir(ssd, source, out="out", conf_th=None, formats=FORMATS, draw_th=0.0):
    """Detect in every picture of a folder. Returns the list of complaints about pictures that could not be read.

    Writes out/detection-results/NAME.txt (empty where nothing is found), out/pictures/NAME.jpg and, for all pictures
    together, out/detections.json in COCO's result form, images numbered from 1 in the order of their names.
    Scoring wants the faint boxes too, looking does not: `draw_th` keeps those below it out of the pictures.
    What is done when the reader presses Ctrl-C is kept.
    """
    paths = images_in(kit_path(source))
    twice = len(paths) - len({p.stem for p in paths})
    if twice:
        raise CourseError("{} pictures in {} share their name with another (a.jpg and a.png): their results would "
                          "overwrite each other. Rename them.".format(twice, source))
    job = _Folder(ssd, out, formats, draw_th)
    try:
        for number, path in enumerate(progress(paths, desc="detect", unit="image"), 1):
            job.detect(number, path, conf_th)
    finally:
        job.finish()
    print("{} of {} pictures done, results in {}".format(job.done, len(paths), out))
    return job.failed


def detect_video(ssd, source, out="out", conf_th=None):
    """Detect in every frame of a video file and write out/NAME.mp4. Returns its path."""
    source = kit_path(source)
    target = Path(str(out)) / (source.stem + ".mp4")
    vis, seconds = BBoxVisualization(ssd.spec.cls_dict()), []
    with VideoFile(source) as video, VideoWriter(target, video.fps) as writer:
        for frame in progress(video, total=video.frames or None, desc="detect", unit="frame"):
            started = time.perf_counter()
            found = ssd.detect(frame, conf_th)
            seconds.append(time.perf_counter() - started)
            writer.write(vis.annotate(frame, found))
    if not seconds:
        raise CourseError("{} holds no frame that can be read.".format(source))
    print("{} frames, median {:.1f} ms a frame for preprocessing, network and decoding (reading, drawing and writing "
          "left out). Video: {}".format(len(seconds), np.median(seconds) * 1e3, target))
    return target
