"""The shared class lists: a wrong entry would make every cat a dog."""

from trt_course import get_cls_dict
from trt_course.model.labels import LABEL_SETS

# COCO's categories by the number of the first in each line, as its annotations number them.
COCO = """
1 person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant
13 stop sign, parking meter, bench
16 bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe
27 backpack, umbrella
31 handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove
41 skateboard, surfboard, tennis racket, bottle
46 wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot
58 hot dog, pizza, donut, cake, chair, couch, potted plant, bed
67 dining table
70 toilet
72 tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator
84 book, clock, vase, scissors, teddy bear, hair drier, toothbrush
"""


def coco_by_number():
    """COCO's names by their numbers."""
    names = {}
    for line in COCO.strip().splitlines():
        number, _, listed = line.partition(" ")
        for place, name in enumerate(listed.split(", ")):
            names[int(number) + place] = name
    return names


def test_coco_keeps_the_numbers_of_its_annotations():
    wanted = coco_by_number()
    assert len(wanted) == 80
    labels = get_cls_dict("coco")
    assert len(labels) == 91
    assert labels.pop(0) == "background"
    for number, label in labels.items():
        assert label == wanted.get(number, f"unused_{number}")


def test_coco90_begins_with_the_person_and_coco80_has_no_gaps():
    assert LABEL_SETS["coco90"] == LABEL_SETS["coco"][1:]
    assert LABEL_SETS["coco80"] == tuple(coco_by_number().values())


def test_the_lists_of_the_original_course():
    """Whether the background is one of the classes is part of each."""
    assert get_cls_dict("egohands") == {0: "background", 1: "hand"}
    assert get_cls_dict("face") == {0: "background", 1: "face"}
    assert get_cls_dict("signs") == {0: "mandatory", 1: "prohibitory", 2: "warning"}
    assert get_cls_dict("traffic") == {0: "road_sign", 1: "vehicle", 2: "pedestrian", 3: "bicycle"}
