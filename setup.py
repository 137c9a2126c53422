"""Makes `pip install -e .` work from Python 3.6 (setuptools 59) on."""

import re
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).resolve().parent
init = (here / "trt_course/__init__.py").read_text()
setup(
    name="trt-course",
    version=re.search(r'__version__ = "(.+)"', init).group(1),
    description="A hands-on course in fast SSD object detection with NVIDIA TensorRT",
    license="Apache-2.0",
    python_requires=">=3.6",
    packages=find_packages(include=["trt_course*"]),
    package_data={"trt_course.contest": ["board.html"]},
    install_requires=["numpy", "tqdm"],  # OpenCV is left out: on a Jetson it comes with JetPack
)
