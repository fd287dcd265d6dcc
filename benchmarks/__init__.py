"""How fast stackreel is, next to what else does the same work on the same machine, in the same minutes.

    python -m benchmarks            conversion, frames and memory; some fifteen minutes on two cores
    python -m benchmarks convert    sections to a volume, next to h5py, tensorstore and cp
    python -m benchmarks frames     pictures, next to ParaView's two modes (and VTK's mappers with --vtk)
    python -m benchmarks flight     a long flight in little memory; --help tells more
    python -m benchmarks origin     all steps at the size this project comes from, 208.8 GB; --help tells more

Every measured command is a process of its own. Absolute times drift with the machine's other work; commands therefore
take turns, and what counts is the ratio within one turn.
"""
