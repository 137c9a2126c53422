"""What `make demo` does once .venv is there: a picture, a folder with its score, a clip."""

import sys
from pathlib import Path
from typing import List, Optional

from fetch import CLIP_CREDIT, real_clip
from trt_course import CourseError, TrtSSD, detect_dir, detect_one, detect_video
from trt_course.measure import voc
from trt_course.measure.evaluate import read_folders
from trt_course.support.files import KIT

MODEL = "ssd_resnet18_traffic"
DATA = KIT / "data/traffic"
CLIP = KIT / "data/street.mp4"
SCORE_CONF = 0.01
RESULTS = """
Look at them:
  picture   {picture}
  pictures  {pictures}
  numbers   {numbers}
  video     {video}
Next: make lab"""


def show_path(path: Path) -> Path:
    """A path as short as it can be typed from here."""
    path = path.resolve()
    if Path.cwd() in path.parents:
        return path.relative_to(Path.cwd())
    return path


def demo(out: Path) -> List[str]:
    """Run it all; returns a complaint for each picture that could not be read."""
    picture = min((DATA / "images").iterdir())
    with TrtSSD(MODEL) as ssd:
        print(f"\n1. One picture: {show_path(picture)}")
        detect_one(ssd, picture, out / "picture")

        print(f"\n2. A folder, and its score: {show_path(DATA)}")
        failed = detect_dir(
            ssd, DATA / "images", out / "folder", SCORE_CONF, draw_th=ssd.spec.conf_threshold
        )
        truths, founds = read_folders(DATA / "ground-truth", out / "folder/detection-results")
        print(voc.score(truths, founds).report())

        print(f"\n3. A clip: {show_path(CLIP)}")
        video = detect_video(ssd, CLIP, out / "video")
        real = demo_real(ssd, out)

    print(
        RESULTS.format(
            picture=show_path(out / "picture" / (picture.stem + ".jpg")),
            pictures=show_path(out / "folder/pictures"),
            numbers=show_path(out / "folder/detections.json"),
            video=show_path(video),
        )
    )
    if real:
        print(f"The real clip with its boxes: {show_path(real)}")
    return failed


def demo_real(ssd: TrtSSD, out: Path) -> Optional[Path]:
    """The public clip of real cars, where there is a network; None where it cannot be had.

    The model never saw a real picture in its training.
    """
    print()
    clip = real_clip()
    if clip is None:
        return None
    print(f"4. A real clip: {clip.name} ({CLIP_CREDIT})")
    return detect_video(ssd, clip, out / "real")


def main() -> None:
    """Run it, and end with a status that tells."""
    try:
        failed = demo(KIT / "out")
    except CourseError as err:
        sys.exit(f"demo: {err}")
    except KeyboardInterrupt:
        sys.exit("\ndemo: stopped")
    sys.exit("\n".join(failed) if failed else 0)


if __name__ == "__main__":
    main()
