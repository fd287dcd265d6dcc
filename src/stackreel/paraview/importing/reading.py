"""Small questions to a state: what a property means where it may be said in two ways, and what stands behind what."""

from __future__ import annotations

from collections.abc import Iterator

from stackreel.paraview.proxies import Proxy, Ref, State, Value

TYPES = {"Cut": "Slice", "ExtractGrid": "ExtractSubset", "GenericClip": "Clip", "GenericCut": "Slice"}
"""A state file's names of filters → those that people know."""


def type_of(proxy: Proxy) -> str:
    return TYPES.get(proxy.type, proxy.type)


def is_on(proxy: Proxy, name: str, otherwise: bool = False) -> bool:
    """Whether a switch is on; `otherwise` where it was not set."""
    value = proxy.get(name)
    return otherwise if not isinstance(value, float) else value != 0.0


def word(proxy: Proxy, *names: str) -> str:
    """A property's text; "" where it has none."""
    value = proxy.get(*names)
    while isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else ""


def number(proxy: Proxy, name: str, otherwise: float) -> float:
    found = proxy.numbers(name)
    return found[0] if found else otherwise


def three(proxy: Proxy, *names: str) -> tuple[float, float, float] | None:
    """Three numbers; None where there are not exactly so many."""
    found = proxy.numbers(*names)
    return (found[0], found[1], found[2]) if found is not None and len(found) == 3 else None


def inner(state: State, proxy: Proxy, *names: str) -> Proxy | None:
    """The proxy inside another one, whether it stands by itself or its settings have both names."""
    for name in names:
        behind = state.behind(proxy, name)
        if behind is not None:
            return behind
        start = f"{name}."
        own = {key[len(start) :]: value for key, value in proxy.settings.items() if key.startswith(start)}
        said = word(proxy, name)
        if own or said:
            line = min((s.line for s in own.values()), default=proxy.line_of(name))
            return Proxy(f"{proxy.key}.{name}", "implicit_functions", said, "", own, line)
    return None


def refs(value: Value) -> Iterator[str]:
    """The keys of all proxies in a value."""
    if isinstance(value, Ref):
        yield value.key
    elif isinstance(value, tuple):
        for one in value:
            yield from refs(one)


def array_of(proxy: Proxy) -> str:
    """The array that a representation is coloured by; "" where it has one colour, or that is not known."""
    value = proxy.get("ColorArrayName")
    name = value if not isinstance(value, tuple) else value[1] if len(value) > 1 else ""
    return name if isinstance(name, str) else ""


def upstream(state: State, proxy: Proxy | None) -> Iterator[Proxy]:
    """What data go through on their way to a representation or a filter: the nearest first."""
    seen: set[str] = set()
    here = None if proxy is None else state.behind(proxy, "Input")
    while here is not None and here.key not in seen:
        seen.add(here.key)
        yield here
        here = state.behind(here, "Input")


def is_shown(proxy: Proxy) -> bool:
    return is_on(proxy, "Visibility", True)


def called(proxy: Proxy) -> str:
    """What to call it in a message."""
    return proxy.name or proxy.key
