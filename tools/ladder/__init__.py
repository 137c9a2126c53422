"""What tools/bench_ladder.py climbs: the sources of its pictures, the measurements, the rungs."""
