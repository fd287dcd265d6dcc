"""Reading what never changes, and writing beside it, said so that the compiler may do many at a time.

A loop that looks values up in one array and writes to another one is not vectorised, because the two might overlap.
`take` reads what never changes, `pair` two neighbours of it at once; `get` and `put` read and write the rest, and the
compiler is told that these never touch what is taken. The caller promises it. Indices are unsigned, unchecked.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core.cgutils import gep_inbounds
from numba.extending import intrinsic


def _read_only(builder):
    module = builder.module
    domain = module.add_metadata(["stackreel.kernels.memory"])
    return module.add_metadata([module.add_metadata(["stackreel.kernels.memory.read-only", domain])])


def _pointer(context, builder, array_type, array, index):
    return gep_inbounds(builder, context.make_array(array_type)(context, builder, array).data, index)


def _one(promise):
    """An intrinsic array[index] of a flat array, with what the compiler is promised about it."""

    def read(typing, array, index):
        def code(context, builder, signature, arguments):
            value = builder.load(_pointer(context, builder, array, *arguments))
            value.set_metadata(promise, _read_only(builder))
            return value

        return array.dtype(array, types.uint64), code

    return intrinsic(read)


def _several(count):
    """An intrinsic: so many neighbours of a flat array that is only read, from array[index] on, each as float32."""

    def read(typing, array, index):
        kind = array.dtype
        bits = max(32, count * kind.bitwidth)

        def code(context, builder, signature, arguments):
            whole, float32, found = ir.IntType(bits), ir.FloatType(), []
            place = builder.bitcast(_pointer(context, builder, array, *arguments), whole.as_pointer())
            together = builder.load(place, align=1)
            together.set_metadata("alias.scope", _read_only(builder))
            for n in range(count):
                if isinstance(kind, types.Float):
                    part = builder.trunc(builder.lshr(together, whole(n * 32)), ir.IntType(32))
                    found.append(builder.bitcast(part, float32))
                else:
                    up = builder.shl(together, whole(bits - (n + 1) * kind.bitwidth))
                    shift = builder.ashr if kind.signed else builder.lshr
                    found.append(builder.sitofp(shift(up, whole(bits - kind.bitwidth)), float32))
            return context.make_tuple(builder, signature.return_type, found)

        return types.UniTuple(types.float32, count)(array, types.uint64), code

    return intrinsic(read)


take = _one("alias.scope")
"""take(array, index): array[index] of a flat array that is only read."""

get = _one("noalias")
"""get(array, index): array[index] of a flat array that is also written."""

pair = _several(2)
"""pair(array, index): array[index] and array[index + 1] as float32; reads up to three bytes beyond them."""

two_pairs = _several(4)
"""two_pairs(array, index): array[index] to array[index + 3] as float32."""


@intrinsic
def put(typing, array, index, value):
    """array[index] = value, in a flat array that `take` and `pair` never read in the same loop."""

    def code(context, builder, signature, arguments):
        store = builder.store(arguments[2], _pointer(context, builder, array, *arguments[:2]))
        store.set_metadata("noalias", _read_only(builder))
        return context.get_dummy_value()

    return types.void(array, types.uint64, array.dtype), code


@intrinsic
def float_of(typing, bits):
    """The float32 that such a uint32 holds."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), code


@intrinsic
def bits_of(typing, value):
    """The bits of a float32, as uint32."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.uint32(types.float32), code


@intrinsic
def three_of(typing, bits):
    """The upper 11, the next 11 and the lowest 10 bits of a uint32, each as float32.

    Written here, because Numba's own integers grow to 64 bits, which halves what is done at a time.
    """

    def code(context, builder, signature, arguments):
        word, found = ir.IntType(32), []
        for shift, count in ((21, 11), (10, 11), (0, 10)):
            part = builder.and_(builder.lshr(arguments[0], word(shift)), word((1 << count) - 1))
            found.append(builder.sitofp(part, ir.FloatType()))
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(types.float32, 3)(types.uint32), code
