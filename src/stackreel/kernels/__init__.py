"""Numbers in, numbers out: the loops that have to be fast, compiled by Numba.

With NUMBA_DISABLE_JIT=1 they are plain Python.
"""
