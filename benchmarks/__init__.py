"""Measurements of lamina beside its peers, in one run on one machine.

``python -m benchmarks`` runs all workloads and prints a summary; ``python -m
benchmarks mlp_small`` runs one. Every workload writes ``results/<workload>.json`` and
``.md``. See README.md beside this file for how the clock is kept honest.
"""
