"""Volume properties of 3D Slicer, many of them ready-made for CT and MR: its collection (MRML), and single files (.vp).

Both hold piecewise functions as "n, then n numbers": value, opacity, …, and value, r, g, b, …. Each property becomes a
lookup table with that name, its opacities in "Points".
"""

from __future__ import annotations

from pathlib import Path

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Proxy, Setting, State, Unread
from stackreel.paraview.statefiles.xmltree import Node, as_number, walk


def read_mrml(path: Path) -> State:
    """The volume properties in an MRML file. Raises ParaViewError where there is none."""
    proxies: list[Proxy] = []
    unread: list[Unread] = []

    def take(node: Node, _: tuple[Node, ...]) -> None:
        name = node.get("name") or node.get("id")
        settings = _settings(node.get("colorTransfer"), node.get("scalarOpacity"), node.line)
        if settings is None:
            unread.append(Unread(node.line, name, "its colorTransfer or scalarOpacity is not what Slicer writes"))
        else:
            key = f"preset {len(proxies) + len(unread) + 1}"
            proxies.append(Proxy(key, "lookup_tables", "PVLookupTable", name, settings, node.line))

    walk(path, ("VolumeProperty",), take)
    if not proxies:
        raise ParaViewError(f"{path}: is a scene of 3D Slicer without a volume property to take colours from")
    return State(path.name, tuple(proxies), tuple(unread))


def volume_property_of(text: str, name: str) -> State:
    """The one that a .vp file's text holds: nine lines of numbers, the seventh opacity, the ninth colour."""
    lines = [line for line in text.splitlines() if line.strip()]
    settings = _settings(lines[8], lines[6], 0) if len(lines) >= 9 else None
    if settings is None:
        raise ParaViewError(
            f"{name}: holds numbers, but is no volume property of 3D Slicer, and none of ParaView's files either"
        )
    called = name.rpartition(".")[0] or name
    return State(name, (Proxy("preset 1", "lookup_tables", "PVLookupTable", called, settings),))


def _settings(colors: str, opacities: str, line: int) -> dict[str, Setting] | None:
    rgb, alpha = _counted(colors, 4), _counted(opacities, 2)
    if not rgb or alpha is None:
        return None
    points = tuple(v for k in range(0, len(alpha), 2) for v in (*alpha[k : k + 2], 0.5, 0.0))
    found = {"RGBPoints": Setting(rgb, line), "ColorSpace": Setting("RGB", line)}
    return found | {"Points": Setting(points, line)} if points else found


def _counted(text: str, size: int) -> tuple[float, ...] | None:
    """ "4 0 1 255 0.5" → (0, 1, 255, 0.5), in groups of `size`; None where that is not so."""
    values = [as_number(word) for word in text.split()]
    numbers = tuple(value for value in values if isinstance(value, float))
    if not numbers or len(numbers) != len(values) or numbers[0] != len(numbers) - 1 or (len(numbers) - 1) % size:
        return None
    return numbers[1:]
