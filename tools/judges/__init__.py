"""What published code makes of a network's outputs: the parts of judge_families.py."""
