"""How fast the library is: against PyTorch, against the bare matrix products, ensembles against a loop.

``python -m benchmarks`` prints one table; ``benchmarks/README.md`` says what is measured and how to read it.
"""
