"""The card's figures: put between their marks, and the text around them left alone."""

import numpy as np

from make_card import BEGIN, END, confidence_table, height_name, put_into
from trt_course.measure import plots, voc


def block_of(figures):
    return f"{BEGIN}\n{figures}\n{END}"


def test_block_replaces_itself():
    card = put_into("# Card\n\nWords.\n", block_of("figures 1"))
    assert card == f"# Card\n\nWords.\n\n{block_of('figures 1')}\n"
    again = put_into(card + "\nMore words.\n", block_of("figures 2"))
    assert again == f"# Card\n\nWords.\n\n{block_of('figures 2')}\n\nMore words.\n"


def test_confidence_table_counts_all_classes():
    objects = np.array([[0.0, 0, 9, 9], [20, 20, 29, 29]])
    boxes = np.array([[0.0, 0, 9, 9], [50, 50, 59, 59]])
    truth = voc.Truth(["x", "y"], objects, np.zeros(2, bool))
    found = voc.Found(["x", "x"], np.array([0.9, 0.45]), boxes)

    rows = confidence_table({"a": truth}, {"a": found}).splitlines()[2:]
    assert rows[0] == "| 0.2 | 0.500 | 0.500 |"
    assert rows[3] == "| 0.5 | 1.000 | 0.500 |"


def test_heights_have_names():
    names = [height_name(*heights) for heights in plots.HEIGHTS]
    assert names == ["up to 16 px", "16 to 32 px", "32 to 64 px", "64 to 128 px", "over 128 px"]
