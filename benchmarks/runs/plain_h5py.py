"""The plainest conversion: one section after the other into one contiguous data set. SECTIONS OUT.h5 ROWS COLUMNS"""

import sys
from pathlib import Path

import h5py
import numpy as np

folder, out = Path(sys.argv[1]), sys.argv[2]
rows, columns = int(sys.argv[3]), int(sys.argv[4])
sections = sorted(folder.glob("*.raw"))
with h5py.File(out, "w") as file:
    volume = file.create_dataset("volume", (len(sections), rows, columns), np.uint8)
    for z, section in enumerate(sections):
        volume[z] = np.fromfile(section, np.uint8).reshape(rows, columns)
