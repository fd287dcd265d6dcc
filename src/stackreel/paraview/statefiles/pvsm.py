"""State files (.pvsm): every proxy of a ParaView session, how it is set, and what people called it.

    <ParaView>
      <ServerManagerState version="5.11.0">
        <Proxy group="filters" type="Clip" id="7">
          <Property name="ClipFunction"><Proxy value="8"/>…       another proxy
          <Property name="Invert"><Element index="0" value="1"/>…
        <ProxyCollection name="sources"><Item id="7" name="Clip1"/>…

Proxies inside of others, such as a clip's plane, stand by themselves and are referred to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Proxy, Ref, Setting, State, Unread
from stackreel.paraview.statefiles.properties import python_name, settings_of
from stackreel.paraview.statefiles.xmltree import Node, walk

_PIECES = ("Proxy", "ProxyCollection", "CustomProxyDefinitions", "Links")
_TRANSFER = ("lookup_tables", "piecewise_functions", "transfer_2d_functions")
_REGISTERED = re.compile(r"(?:\d+\.)?(?:Separate_\d+_)?(.+)\.(?:PVLookupTable|PiecewiseFunction|TransferFunction2D)")
_TIES = ("PropertyLink", "ProxyLink")


def read_pvsm(path: Path, root: str) -> State:
    """The state in a file whose root is known. Raises ParaViewError where there is none."""
    found = _Found()
    walk(path, _PIECES, found.take)
    if not found.proxies:
        raise ParaViewError(
            f"{path}: is XML with the root <{root}>, but holds no ParaView state, camera or colour map; "
            "in ParaView, File > Save State writes one"
        )
    return found.state(path.name)


def array_name(registered: str) -> str:
    """The array of a transfer function that is registered under such a name: "5.PLI.PVLookupTable" → "PLI"."""
    match = _REGISTERED.fullmatch(registered)
    return match[1] if match else registered


@dataclass
class _Found:
    """What has been come upon so far."""

    version: str = ""
    proxies: dict[str, Proxy] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)  # names that only the GUI knows
    unread: list[Unread] = field(default_factory=list)

    def take(self, node: Node, around: tuple[Node, ...]) -> None:
        if not around or around[-1].tag != "ServerManagerState":
            return
        self.version = self.version or around[-1].get("version")
        if node.tag == "Proxy":
            self.add(node)
        elif node.tag == "ProxyCollection":
            names = self.helpers if node.get("name").startswith("pq_helper_proxies") else self.names
            for item in node.all("Item"):
                names.setdefault(item.get("id"), item.get("name"))
        elif node.tag == "CustomProxyDefinitions":
            for one in node.children:
                reason = "a custom filter; what is inside of it is not looked at"
                self.unread.append(Unread(one.line, one.get("name") or one.tag, reason))
        else:
            for one in node.children:
                if one.tag in _TIES:
                    reason = "a link between properties; the values that were saved are taken, and do not move together"
                    self.unread.append(Unread(one.line, one.get("name") or one.tag, reason))

    def add(self, node: Node) -> None:
        key, kind = node.get("id"), f"{node.get('group')}/{node.get('type')}"
        if not key or not node.get("type"):
            self.unread.append(Unread(node.line, kind, "has no number or no type"))
        elif key in self.proxies:
            self.unread.append(Unread(node.line, kind, f"is a second proxy with the number {key}"))
        else:
            settings = settings_of(node)
            views = [item.get("view") for layout in node.all("Layout") for item in layout.all("Item")]
            if shown := tuple(Ref(view) for view in views if view not in ("", "0")):
                settings["Layout"] = Setting(shown, node.line)
            self.proxies[key] = Proxy(key, node.get("group"), node.get("type"), "", settings, node.line)

    def state(self, name: str) -> State:
        proxies = []
        for proxy in self.proxies.values():
            called = self.names.get(proxy.key) or self.helpers.get(proxy.key, "")
            if proxy.group in _TRANSFER:
                called = array_name(called)
            proxies.append(replace(proxy, name=called, settings=self._animated(proxy)))
            self._complain_of_missing_keys(proxy, called)
        return State(name, tuple(proxies), tuple(self.unread), self.version)

    def _complain_of_missing_keys(self, cue: Proxy, called: str) -> None:
        """A script's key frames are left out when it saves a state; the GUI saves them."""
        keys = cue.get("KeyFrames")
        if not isinstance(keys, tuple):
            return
        missing = sum(isinstance(ref, Ref) and ref.key not in self.proxies for ref in keys)
        if missing:
            reason = f"{missing} of its {len(keys)} key frames are not in the file; save the state in the GUI"
            self.unread.append(Unread(cue.line_of("KeyFrames"), called or cue.type, reason))

    def _animated(self, proxy: Proxy) -> dict[str, Setting]:
        """The settings, with the property that an animation cue moves under its name in Python."""
        settings, moved = dict(proxy.settings), proxy.get("AnimatedPropertyName")
        target = proxy.get("AnimatedProxy")
        if isinstance(moved, str) and isinstance(target, Ref) and target.key in self.proxies:
            name = python_name(self.proxies[target.key].type, moved)
            settings["AnimatedPropertyName"] = replace(settings["AnimatedPropertyName"], value=name)
        return settings
