"""The phantom: a folded hemisphere written down as smooth functions of position, and its sections drawn from them.

A point in the brain knows a few smooth numbers: how deep it lies below the smooth hull of the hemisphere, how far
it is from the nearest sulcal sheet and how deep that sulcus cuts, how thick the cortex is here, how far the ventricle
is, and two coordinates whose common level lines are the nerve fibres. Everything else (pial surface, laminae, white
matter, bundles) follows from these. They vary slowly, so a coarse grid holds them; what is sharp is worked out per
pixel.

Lengths are model millimetres; the larger side of a section measures 40.

Sections are drawn in two stages. `nodes` asks the anatomy at every m-th pixel of a band and turns it into what a
pixel needs: how deep it lies below the pia, how far through the cortex, where it sits among the fibres, which way
those run. `pixels` draws straight lines between the nodes and adds what is sharp: the edge, the laminae, the single
bundles. Every value depends on the position of its pixel alone, never on where a band begins, so bands can be cut at
will.

All of it stands in one module because Numba's cache looks at a function's own file only: machine code built here from
a function that lives elsewhere would outlive a change over there.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# What a control point stores, in this order.
HULL, SHEET, CUT, CALCARINE, BEYOND, RIBBON, VENTRICLE, LEAF, STRAND = range(9)
FIBRE_X, FIBRE_Y, FIBRE_Z, SHADE, STRIA = range(9, 14)
FIELDS = 16  # padded to whole vector registers

FOLD_WAVELENGTH = 7.8  # two sulci in every wavelength
GYRUS_ROUNDING = 2.5
SULCUS_HALF_WIDTH = 0.11
NOWHERE = -4.0  # mm outside the hull

TRANSMITTANCE, RETARDATION, DIRECTION = 0, 1, 2

# What a node stores. Angles are in 256ths of half a turn, as in the direction image.
EDGE, RELATIVE_DEPTH, NODE_LEAF, NODE_STRAND, COLUMN, NODE_SHADE, NODE_STRIA = range(7)
FLAT_WHITE, ANGLE_WHITE, FLAT_GREY, ANGLE_GREY = range(7, 11)
NODE_FIELDS = 11

TEXTURE = 1024  # texels along each side of a texture
FAR_OUTSIDE = -1.5  # mm of depth below the hull, where nothing can be tissue
LUT_STEPS = 128  # entries of the laminar profiles per cortical thickness


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

    ribbon = 1.06 + 0.07 * waves(bank, banks[5], banks[6], qx, qy, qz)
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


@njit(cache=True, nogil=True, fastmath=True)
def sample(plane, x, y, out):
    """All fields at continuous index (x, y) of a plane (rows, columns, FIELDS): quadratic B-spline, edges repeated."""
    rows, columns, _ = plane.shape
    x = min(max(x, 1.0), columns - 2.0)
    y = min(max(y, 1.0), rows - 2.0)
    i, j = int(x + 0.5), int(y + 0.5)
    i, j = min(max(i, 1), columns - 2), min(max(j, 1), rows - 2)
    u, v = np.float32(x - i), np.float32(y - j)
    half, most = np.float32(0.5), np.float32(0.75)
    wx0, wx1, wx2 = half * (half - u) * (half - u), most - u * u, half * (half + u) * (half + u)
    wy0, wy1, wy2 = half * (half - v) * (half - v), most - v * v, half * (half + v) * (half + v)
    a0, a1, a2 = plane[j - 1, i - 1], plane[j - 1, i], plane[j - 1, i + 1]
    b0, b1, b2 = plane[j, i - 1], plane[j, i], plane[j, i + 1]
    c0, c1, c2 = plane[j + 1, i - 1], plane[j + 1, i], plane[j + 1, i + 1]
    for f in range(FIELDS):
        a = wx0 * a0[f] + wx1 * a1[f] + wx2 * a2[f]
        b = wx0 * b0[f] + wx1 * b1[f] + wx2 * b2[f]
        c = wx0 * c0[f] + wx1 * c1[f] + wx2 * c2[f]
        out[f] = wy0 * a + wy1 * b + wy2 * c


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def axial(x, y):
    """The angle of an undirected line in 256ths of half a turn, 0 along columns, growing towards higher rows."""
    turn = math.atan2(y, x) * (256.0 / math.pi)
    return turn if turn >= 0.0 else turn + 256.0


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def turn_between(a, b):
    """The shorter way from axial angle a to b, -128..128."""
    d = b - a
    return d - 256.0 * math.floor(d / 256.0 + 0.5)


@njit(cache=True, nogil=True)
def nodes(plane, grid, pose, pixel, step, first, angles, out):
    """What the pixels of a band need, at every step-th pixel.

    plane : the control fields at this section's depth, (rows, columns, FIELDS) float32
    grid  : x and y of control point (0, 0), spacing in x and y, model mm
    pose  : cos and sin of the section's rotation, shift in x and y (mm), section brightness
    pixel : x and y of pixel (0, 0), pixel size in x and y (model mm)
    first : pixel row of the first node; the node columns start at pixel column 0
    angles: whether the two angles are wanted; they cost the most
    out   : (node rows, node columns, NODE_FIELDS) float32
    """
    rows, columns, _ = out.shape
    f = np.empty(FIELDS, np.float32)
    depth = np.empty((rows + 2, columns + 2), np.float32)
    turned = math.atan2(pose[1], pose[0]) * (256.0 / math.pi)
    for r in range(-1, rows + 1):
        for c in range(-1, columns + 1):
            sx = pixel[0] + c * step * pixel[2]
            sy = pixel[1] + (first + r * step) * pixel[3]
            x = pose[0] * sx - pose[1] * sy + pose[2]
            y = pose[1] * sx + pose[0] * sy + pose[3]
            gx, gy = (x - grid[0]) / grid[2], (y - grid[1]) / grid[3]
            near = plane[min(max(int(gy), 0), plane.shape[0] - 1), min(max(int(gx), 0), plane.shape[1] - 1), HULL]
            if near < FAR_OUTSIDE:
                depth[r + 1, c + 1] = near
                if 0 <= r < rows and 0 <= c < columns:
                    out[r, c] = 0.0
                    out[r, c, EDGE] = near
                continue
            sample(plane, gx, gy, f)
            d = pial_depth(f[HULL], f[SHEET], f[CUT], f[CALCARINE], f[BEYOND])
            depth[r + 1, c + 1] = d
            if r < 0 or c < 0 or r == rows or c == columns:
                continue
            o = out[r, c]
            o[EDGE] = min(d, f[VENTRICLE])
            o[RELATIVE_DEPTH] = max(d, 0.0) / max(f[RIBBON], 0.05)
            o[NODE_LEAF] = d + f[LEAF]
            o[NODE_STRAND] = f[STRAND]
            # Constant along the normal of the cortex: position along the walls, across the crowns
            h = max(f[HULL], 0.0)
            o[COLUMN] = (h * h - f[SHEET] * f[SHEET]) / math.sqrt(h * h + f[SHEET] * f[SHEET] + 0.05)
            o[NODE_SHADE] = f[SHADE] * pose[4]
            o[NODE_STRIA] = f[STRIA]
            fx, fy, fz = f[FIBRE_X], f[FIBRE_Y], f[FIBRE_Z]
            flat = fx * fx + fy * fy
            o[FLAT_WHITE] = flat / (flat + fz * fz + 1e-9)
            o[ANGLE_WHITE] = axial(fx, fy) - turned if angles else 0.0
    for r in range(rows):
        for c in range(columns):
            gx = (depth[r + 1, c + 2] - depth[r + 1, c]) / (2 * step * pixel[2])
            gy = (depth[r + 2, c + 1] - depth[r, c + 1]) / (2 * step * pixel[3])
            out[r, c, FLAT_GREY] = min(gx * gx + gy * gy, 1.0)
            out[r, c, ANGLE_GREY] = axial(gx, gy) if angles else 0.0


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def between_rows(lattice, above, column, t, out):
    """A node column between two node rows, the fraction t below the upper one."""
    for k in range(NODE_FIELDS):
        a, b = lattice[above, column, k], lattice[above + 1, column, k]
        out[k] = a + t * (b - a)
    for k in (ANGLE_WHITE, ANGLE_GREY):
        a, b = lattice[above, column, k], lattice[above + 1, column, k]
        out[k] = a + t * np.float32(turn_between(a, b))


@njit(cache=True, nogil=True, fastmath=True)
def pixels(modality, lattice, step, skip, scales, noises, profiles, out):
    """One band of one section as uint8; exactly 0 outside the tissue.

    lattice  : from `nodes`; its first row lies `skip` pixel rows above the band
    scales   : texels per mm of the coarse and the fine texture, z of the section (mm), pixel row of the band,
               two offsets of the grain (one texel per pixel), width of the pial edge (mm)
    noises   : (3, TEXTURE, TEXTURE) int8: coarse bundles, fine bundles, grain
    profiles : (4, n) float32 over depth in cortical thicknesses: share of white matter, grey level,
               stria, radial fibres
    """
    rows, columns = out.shape
    last = profiles.shape[1] - 1
    mask = TEXTURE - 1
    coarse, fine = np.float32(scales[0]), np.float32(scales[1])
    z_texel = int(scales[2] * scales[0]) & mask
    steepness = np.float32(1.0 / scales[6])
    grain_column = int(scales[5])
    left, right = np.empty(NODE_FIELDS, np.float32), np.empty(NODE_FIELDS, np.float32)
    inverse = np.float32(1.0 / step)
    half = np.float32(0.5)
    for r in range(rows):
        above = (r + skip) // step
        t = np.float32((r + skip) % step) * inverse
        grain_row = (int(scales[3]) + r + int(scales[4])) & mask
        for c0 in range(0, columns, step):
            cell = c0 // step
            stop = min(c0 + step, columns)
            if c0 == 0:
                between_rows(lattice, above, 0, t, left)
            else:
                left, right = right, left
            between_rows(lattice, above, cell + 1, t, right)
            if left[EDGE] <= 0.0 and right[EDGE] <= 0.0:
                out[r, c0:stop] = 0
                continue
            e0, e1 = left[EDGE], right[EDGE] - left[EDGE]
            d0, d1 = left[RELATIVE_DEPTH], right[RELATIVE_DEPTH] - left[RELATIVE_DEPTH]
            l0, l1 = left[NODE_LEAF], right[NODE_LEAF] - left[NODE_LEAF]
            s0, s1 = left[NODE_STRAND], right[NODE_STRAND] - left[NODE_STRAND]
            c_0, c_1 = left[COLUMN], right[COLUMN] - left[COLUMN]
            f0, f1 = left[FLAT_WHITE], right[FLAT_WHITE] - left[FLAT_WHITE]
            g0, g1 = left[FLAT_GREY], right[FLAT_GREY] - left[FLAT_GREY]
            a0, a1 = left[ANGLE_WHITE], np.float32(turn_between(left[ANGLE_WHITE], right[ANGLE_WHITE]))
            b0, b1 = left[ANGLE_GREY], np.float32(turn_between(left[ANGLE_GREY], right[ANGLE_GREY]))
            shade, stria = left[NODE_SHADE], left[NODE_STRIA]
            shade1, stria1 = right[NODE_SHADE] - shade, right[NODE_STRIA] - stria
            for c in range(c0, stop):
                u = np.float32(c - c0) * inverse
                edge = e0 + u * e1
                if edge <= 0.0:
                    out[r, c] = 0
                    continue
                i = min(int((d0 + u * d1) * np.float32(LUT_STEPS)), last)
                white = profiles[0, i]
                noise = np.float32(noises[2, grain_row, (c + grain_column) & mask])
                bundle = radial = np.float32(0.0)
                leaf, strand = l0 + u * l1, s0 + u * s1
                if white > 0.01:
                    # int() cuts towards 0; the offset keeps every coordinate positive
                    bundle = np.float32(
                        noises[0, int((leaf + 80) * coarse) & mask, int((strand + 80) * coarse) & mask]
                    ) + half * np.float32(noises[1, int((leaf + 80) * fine) & mask, int((strand + 80) * fine) & mask])
                if white < 0.99:
                    column = c_0 + u * c_1
                    radial = profiles[3, i] * (
                        np.float32(noises[0, int((column + 80) * coarse) & mask, z_texel])
                        + half * np.float32(noises[1, int((column + 80) * fine) & mask, z_texel])
                    )
                soft = min(np.float32(0.4) + np.float32(0.6) * edge * steepness, np.float32(1.0))
                if modality == TRANSMITTANCE:
                    grey_level = profiles[1, i] + (stria + u * stria1) * profiles[2, i]
                    grey_level += np.float32(0.10) * radial + np.float32(0.13) * noise
                    white_level = np.float32(186.0) + np.float32(0.42) * bundle + np.float32(0.06) * noise
                    value = (grey_level + white * (white_level - grey_level)) * (shade + u * shade1) * soft
                elif modality == RETARDATION:
                    flat, flat_grey = f0 + u * f1, g0 + u * g1
                    grey_level = (np.float32(0.44) * profiles[1, i] + np.float32(0.20) * radial) * (
                        np.float32(0.25) + np.float32(0.75) * flat_grey
                    ) + np.float32(0.07) * noise
                    white_level = (np.float32(36.0) + np.float32(164.0) * flat) * (
                        np.float32(1.0) + np.float32(0.0042) * bundle
                    ) + np.float32(0.06) * noise
                    value = (grey_level + white * (white_level - grey_level)) * (shade + u * shade1) * soft
                else:
                    if white + np.float32(0.003) * noise > 0.5:
                        # the flatter the fibre lies, the surer its angle
                        value = a0 + u * a1 + (np.float32(0.015) + np.float32(0.14) * (1 - f0 - u * f1)) * noise
                        value += np.float32(0.03) * bundle
                    else:
                        value = b0 + u * b1 + np.float32(0.12) * noise
                    out[r, c] = np.uint8(max(int(math.floor(value + half)) & 255, 1))  # 0 is background
                    continue
                out[r, c] = np.uint8(min(max(value + half, np.float32(1.0)), np.float32(255.0)))
