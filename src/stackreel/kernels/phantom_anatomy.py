"""The phantom's anatomy: a folded hemisphere written down as smooth functions of position.

A point in the brain knows a few smooth numbers: how deep it lies below the smooth hull of the hemisphere, how far
it is from the nearest sulcal sheet and how deep that sulcus cuts, how thick the cortex is here, how far the ventricle
is, and two coordinates whose common level lines are the nerve fibres. Everything else (pial surface, laminae, white
matter, bundles) follows from these. They vary slowly, so a coarse grid holds them; what is sharp is worked out per
pixel.

Lengths are model millimetres; the larger side of a section measures 40.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# What a control point stores, in this order.
HULL, SHEET, CUT, CALCARINE, BEYOND, RIBBON, VENTRICLE, LEAF, STRAND, FIBRE_X, FIBRE_Y, FIBRE_Z, SHADE, STRIA = range(
    14
)
FIELDS = 16  # padded to whole vector registers

FOLD_WAVELENGTH = 7.8  # two sulci in every wavelength
GYRUS_ROUNDING = 1.9
SULCUS_HALF_WIDTH = 0.10
NOWHERE = -4.0  # mm outside the hull


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def cos_turns(t):
    """cos(2πt) to 2e-6; unlike the library's, the compiler runs several at a time."""
    q = abs(t - math.floor(t + 0.5)) - 0.25
    p = q * q
    return q * (-6.28316946 + p * (41.33797413 + p * (-81.37157031 + p * 71.31131471)))


@njit(cache=True, nogil=True, fastmath=True)
def waves(bank, first, last, x, y, z):
    """A random smooth function: the sum of the bank's plane waves first to last at one point.

    bank : (5, n), the waves' kx, ky, kz in turns per mm, phase in turns, amplitude
    """
    total = 0.0
    for i in range(first, last):
        total += bank[4, i] * cos_turns(bank[0, i] * x + bank[1, i] * y + bank[2, i] * z + bank[3, i])
    return total


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def smooth_min(a, b, k):
    """The smaller of a and b with the corner rounded over the length k (polynomial smooth minimum, I. Quilez)."""
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - 0.25 * h * h * k


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def ramp(x, low, high):
    """0 below low, 1 above high, smooth between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def pial_depth(hull, sheet, cut, calcarine, beyond):
    """Depth below the pial surface, negative outside the tissue.

    The pia is the hull, folded inwards along sheets, each ending `cut` below the hull in a round fundus.
    """
    past = max(hull - cut, 0.0)
    fold = math.sqrt(sheet * sheet + past * past) - SULCUS_HALF_WIDTH
    past = max(beyond, 0.0)
    fissure = math.sqrt(calcarine * calcarine + past * past) - 1.3 * SULCUS_HALF_WIDTH
    return smooth_min(smooth_min(hull, fold, GYRUS_ROUNDING), fissure, 0.8 * GYRUS_ROUNDING)


@njit(cache=True, nogil=True, fastmath=True)
def anatomy(x, y, z, box, bank, banks, out):
    """Every field at one point, into out (FIELDS,); the fibre vector is left to `fibres`.

    x, y, z : model mm from the centre of the block
    box     : extents of the block (x, y, z) in model mm
    bank    : plane waves; banks : where each of its noises begins, one more than there are noises
    """
    lx, ly, lz = box[0], box[1], box[2]
    # A slow warp, so that nothing is straight
    wx = x + waves(bank, banks[0], banks[1], x, y, z)
    wy = y + waves(bank, banks[1], banks[2], x, y, z)
    wz = z + waves(bank, banks[2], banks[3], x, y, z)

    # Hull: an egg with its pole at the first section, cut flat on the medial side and flattened below
    medial = -0.43 * lx
    cx, cy, cz = -0.11 * lx, 0.01 * ly, 0.26 * lz
    ax, ay, az = 0.545 * lx, 0.445 * ly, 0.67 * lz
    ux, uy, uz = (wx - cx) / ax, (wy - cy) / ay, (wz - cz) / az
    uy *= 1.0 + 0.10 * ux  # narrower towards the lateral side
    r = math.sqrt(ux * ux + uy * uy + uz * uz) + 1e-6
    steep = math.sqrt((ux / ax) ** 2 + (uy / ay) ** 2 + (uz / az) ** 2) + 1e-6
    egg = (1.0 - r) * r / steep
    wall = 0.75 * wx + 0.25 * x - medial
    floor = 0.93 * (0.425 * ly - wy) - 0.25 * (wx - cx) + 0.03 * lx
    hull = smooth_min(smooth_min(egg, wall, 0.16 * lx), floor, 0.12 * ly)

    out[HULL] = hull
    if hull < NOWHERE:  # no pixel will ask for more
        return

    # Corpus callosum: a sheet that leaves through the medial wall in the anterior half; no cortex, no sulci there
    arch = wy + 0.10 * ly - 0.012 * (wx - medial) ** 2
    reach = wx - medial
    callosum = math.exp(-((arch / 2.0) ** 2)) * (1.0 - ramp(reach, 6.0, 15.0)) * ramp(z, 0.02 * lz, 0.16 * lz)

    # Sulcal sheets: where a random wave on the hull changes sign, carried inwards
    shrink = r ** (-0.75) if r > 0.2 else 0.2 ** (-0.75)
    qx, qy, qz = cx + ax * ux * shrink, cy + ay * uy * shrink, cz + az * uz * shrink
    s, gx, gy, gz = 0.0, 0.0, 0.0, 0.0
    for i in range(banks[3], banks[4]):
        phase = bank[0, i] * qx + bank[1, i] * qy + bank[2, i] * qz + bank[3, i]
        s += bank[4, i] * cos_turns(phase)
        change = 2.0 * math.pi * bank[4, i] * cos_turns(phase + 0.25)
        gx += bank[0, i] * change
        gy += bank[1, i] * change
        gz += bank[2, i] * change
    nx, ny, nz = ux / ax / steep, uy / ay / steep, uz / az / steep
    radial = gx * nx + gy * ny + gz * nz
    slope = math.sqrt(max(gx * gx + gy * gy + gz * gz - radial * radial, 1e-9))
    k = 2.0 * math.pi / FOLD_WAVELENGTH * 0.86
    sheet = math.atan2(s, slope / k) / k / shrink
    cut = 5.6 + 1.6 * waves(bank, banks[4], banks[5], qx, qy, qz)
    small = min(lx, ly, 2.2 * lz) / 40.0
    cut = min(cut, 9.0) * min(small, 1.0) - 14.0 * callosum

    # Calcarine fissure: from the medial wall, below the callosum, bending down as it goes in
    calcarine = wy - 0.11 * ly - 0.16 * reach + 0.9 * math.sin(0.55 * reach + 0.25 * z)
    beyond = reach - 0.30 * lx * ramp(0.55 * lz - z, 0.0, 0.5 * lz) - 2.0

    ribbon = 1.18 + 0.08 * waves(bank, banks[5], banks[6], qx, qy, qz)
    ribbon = max(ribbon * min(small, 1.0), 0.4) * (1.0 - 0.96 * min(callosum * 2.2, 1.0))

    # Lateral ventricle: a crescent that tapers into the occipital horn
    ey = wy + 0.02 * ly
    ex = wx + 0.10 * lx - 0.055 * ey * ey
    radius = (0.75 + 1.15 * math.exp(-(((ey + 2.2) / 2.4) ** 2))) * ramp(z, -0.30 * lz, 0.45 * lz) - 0.35
    ey = max(abs(ey) - 0.12 * ly, 0.0)
    ventricle = math.sqrt(ex * ex + ey * ey) - radius

    # Fibres lie where LEAF and STRAND are constant. Leaves fan out from the callosum, hug the walls and fundi of the
    # sulci (U-fibres) and wrap the ventricle; strands choose the way inside a leaf, lengthwise in the optic radiation.
    depth = pial_depth(hull, sheet, cut, calcarine, beyond)
    past = max(hull - cut, 0.0)
    fold = min(math.sqrt(sheet * sheet + past * past), math.sqrt(calcarine * calcarine + max(beyond, 0.0) ** 2))
    leaf = 17.0 * math.atan2(wy + 0.06 * ly, reach + 0.20 * lx) + 0.30 * waves(bank, banks[6], banks[7], x, y, z)
    leaf += callosum * 1.2 * arch + 3.0 * math.exp(-((max(ventricle, 0.0) / 2.2) ** 2)) * ventricle
    hugging = 1.0 - ramp(fold, 1.3, 4.6)
    leaf += (2.4 * hugging - 1.0) * depth  # the pixel adds depth once
    radiation = math.exp(-(((ventricle - 3.2) / 1.2) ** 2)) * ramp(wx + 0.10 * lx, -1.0, 3.0)
    strand = wz + 2.0 * waves(bank, banks[7], banks[8], x, y, z) + 0.25 * waves(bank, banks[8], banks[9], x, y, z)
    strand += 9.0 * ramp(ventricle, 1.6, 4.8) * ramp(wx + 0.10 * lx, -1.5, 3.5) * ramp(hull, 2.0, 6.0)

    out[SHEET] = sheet
    out[CUT] = cut
    out[CALCARINE] = calcarine
    out[BEYOND] = beyond
    out[RIBBON] = ribbon
    out[VENTRICLE] = ventricle
    out[LEAF] = leaf
    out[STRAND] = strand
    out[SHADE] = 1.0 + 0.07 * waves(bank, banks[9], banks[10], x, y, z) + 0.05 * radiation + 0.10 * callosum
    out[STRIA] = 1.0 - ramp(math.sqrt(calcarine * calcarine + max(beyond, 0.0) ** 2), 5.0, 8.0)


@njit(cache=True, nogil=True)
def fill(control, first, last, low, cell, box, bank, banks):
    """Planes first to last of the control volume (z, y, x, FIELDS).

    low, cell : position (x, y, z) of control point 0 and distance between neighbours, model mm
    """
    for k in range(first, last):
        z = low[2] + k * cell[2]
        for j in range(control.shape[1]):
            y = low[1] + j * cell[1]
            for i in range(control.shape[2]):
                anatomy(low[0] + i * cell[0], y, z, box, bank, banks, control[k, j, i])


@njit(cache=True, nogil=True, fastmath=True)
def leaf_at(control, k, j, i):
    f = control[k, j, i]
    return pial_depth(f[HULL], f[SHEET], f[CUT], f[CALCARINE], f[BEYOND]) + f[LEAF]


@njit(cache=True, nogil=True)
def fibres(control, first, last, cell):
    """The fibre vector of every control point: the gradient of LEAF crossed with that of STRAND, of length 1."""
    nz, ny, nx, _ = control.shape
    a, b = np.empty(3), np.empty(3)
    for k in range(first, last):
        k0, k1 = max(k - 1, 0), min(k + 1, nz - 1)
        for j in range(ny):
            j0, j1 = max(j - 1, 0), min(j + 1, ny - 1)
            for i in range(nx):
                i0, i1 = max(i - 1, 0), min(i + 1, nx - 1)
                hx, hy, hz = (i1 - i0) * cell[0], (j1 - j0) * cell[1], (k1 - k0) * cell[2]
                a[0] = (leaf_at(control, k, j, i1) - leaf_at(control, k, j, i0)) / hx
                a[1] = (leaf_at(control, k, j1, i) - leaf_at(control, k, j0, i)) / hy
                a[2] = (leaf_at(control, k1, j, i) - leaf_at(control, k0, j, i)) / hz
                b[0] = (control[k, j, i1, STRAND] - control[k, j, i0, STRAND]) / hx
                b[1] = (control[k, j1, i, STRAND] - control[k, j0, i, STRAND]) / hy
                b[2] = (control[k1, j, i, STRAND] - control[k0, j, i, STRAND]) / hz
                x = a[1] * b[2] - a[2] * b[1]
                y = a[2] * b[0] - a[0] * b[2]
                z = a[0] * b[1] - a[1] * b[0]
                n = math.sqrt(x * x + y * y + z * z) + 1e-12
                control[k, j, i, FIBRE_X] = x / n
                control[k, j, i, FIBRE_Y] = y / n
                control[k, j, i, FIBRE_Z] = z / n
