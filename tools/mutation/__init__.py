"""The parts of tools/mutate.py: mutants, the tests that touch a line, and trials."""
