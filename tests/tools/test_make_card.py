"""The card's figures: put between their marks, and the text around them left alone."""

import numpy as np
import pytest

from make_card import BEGIN, END, confidence_table, height_name, put_into
from trt_course.measure import plots, voc


def test_block_replaces_itself():
    card = put_into("# Card\n\nWords.\n", BEGIN + "\nfigures 1\n" + END)
    assert card == "# Card\n\nWords.\n\n" + BEGIN + "\nfigures 1\n" + END + "\n"
    again = put_into(card + "\nMore words.\n", BEGIN + "\nfigures 2\n" + END)
    assert (
        "figures 1" not in again and again.endswith("\n\nMore words.\n") and again.count(BEGIN) == 1
    )


def test_confidence_table_counts_all_classes():
    truths = {
        "a": voc.Truth(["x", "y"], np.array([[0.0, 0, 9, 9], [20, 20, 29, 29]]), np.zeros(2, bool))
    }
    founds = {
        "a": voc.Found(
            ["x", "x"], np.array([0.9, 0.45]), np.array([[0.0, 0, 9, 9], [50, 50, 59, 59]])
        )
    }
    rows = confidence_table(truths, founds).splitlines()[2:]
    assert rows[0] == "| 0.2 | 0.500 | 0.500 |" and rows[3] == "| 0.5 | 1.000 | 0.500 |"


@pytest.mark.parametrize(
    "heights, name",
    list(
        zip(
            plots.HEIGHTS,
            ("up to 16 px", "16 to 32 px", "32 to 64 px", "64 to 128 px", "over 128 px"),
        )
    ),
)
def test_heights_have_names(heights, name):
    assert height_name(*heights) == name
