"""A check of a model's record: whether what comes out is what a person would expect.

record.py has the whole check, the other files a question each.
"""
