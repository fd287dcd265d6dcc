"""The phantom's sections: from slowly varying anatomy to sharp pixels.

Two stages. `nodes` asks the anatomy at every m-th pixel of a band and turns it into what a pixel needs: how deep it
lies below the pia, how far through the cortex, where it sits among the fibres, which way those run. `pixels` draws
straight lines between the nodes and adds what is sharp: the edge, the laminae, the single bundles. Every value depends
on the position of its pixel alone, never on where a band begins, so bands can be cut at will.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.phantom_anatomy import (
    BEYOND,
    CALCARINE,
    CUT,
    FIBRE_X,
    FIBRE_Y,
    FIBRE_Z,
    FIELDS,
    HULL,
    LEAF,
    RIBBON,
    SHADE,
    SHEET,
    STRAND,
    STRIA,
    VENTRICLE,
    pial_depth,
)

TRANSMITTANCE, RETARDATION, DIRECTION = 0, 1, 2

# What a node stores. Angles are in 256ths of half a turn, as in the direction image.
EDGE, RELATIVE_DEPTH, NODE_LEAF, NODE_STRAND, COLUMN, NODE_SHADE, NODE_STRIA = range(7)
FLAT_WHITE, ANGLE_WHITE, FLAT_GREY, ANGLE_GREY = range(7, 11)
NODE_FIELDS = 11

TEXTURE = 1024  # texels along each side of a texture
FAR_OUTSIDE = -1.5  # mm below the hull where nothing can be tissue
LUT_STEPS = 128  # entries of the laminar profiles per cortical thickness


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
                    out[r, c] = np.uint8(max(int(math.floor(value + half)) & 255, 1))  # noqa: RUF046 (a float to Numba); 0 is background
                    continue
                out[r, c] = np.uint8(min(max(value + half, np.float32(1.0)), np.float32(255.0)))
