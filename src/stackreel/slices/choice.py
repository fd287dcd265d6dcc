"""Which part of a source that holds several stacks: one channel, one time point, one of its resolutions.

A volume is one stack of grey sections; a file from a microscope may hold ten of them. Nothing is chosen silently:
where there are several channels or time points, the message lists them and asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stackreel.errors import SliceError

_LISTED = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """What --channel, --time and --level said; None where nothing was said.

    channel : a number from 0, or a name as the file writes it
    time    : a number from 0
    level   : of a source with several resolutions; 0 is the finest
    """

    channel: str | None = None
    time: int | None = None
    level: int | None = None

    def refuse(self, where: str, **why: str) -> None:
        """SliceError when something was chosen that the source does not have: refuse(where, level="one resolution")."""
        for option, held in why.items():
            value = getattr(self, option)
            if value is not None:
                raise SliceError(f"{where} holds {held}; leave --{option} {value} out")

    def pick_channel(self, count: int, names: Sequence[str], where: str, advice: str = "") -> int:
        """The number of the channel; SliceError, with all that there are, when it is not clear which.

        names  : of the channels, as many as are known
        advice : a sentence for whoever did not expect channels
        """
        listed = _listed(count, names)
        if self.channel is None:
            if count > 1:
                raise SliceError(
                    f"{where} holds {count} channels: {listed}; a volume is made of one: "
                    f"choose it with --channel N{' or --channel NAME' if any(names) else ''}{advice}"
                )
            return 0
        wanted = self.channel.strip()
        named = [i for i, name in enumerate(names) if name == wanted] or [
            i for i, name in enumerate(names) if name.casefold() == wanted.casefold()
        ]
        found = {*named, *([int(wanted)] if wanted.isdecimal() and int(wanted) < count else [])}
        if len(found) == 1:
            return found.pop()
        if found:
            numbers = " and ".join(map(str, sorted(found)))
            raise SliceError(f"{where}: --channel {wanted} may mean channels {numbers}; it holds {listed}")
        raise SliceError(f"{where} has no channel {wanted}; it holds {listed}, numbered from 0")

    def pick_time(self, count: int, where: str, advice: str = "") -> int:
        """The number of the time point; SliceError when it is not clear which."""
        if self.time is None:
            if count > 1:
                raise SliceError(
                    f"{where} holds {count} time points, 0 to {count - 1}; a volume is made of one: "
                    f"choose it with --time N{advice}"
                )
            return 0
        if not 0 <= self.time < count:
            held = f"{count} time points, 0 to {count - 1}" if count > 1 else "one time point, 0"
            raise SliceError(f"{where} has no time point {self.time}; it holds {held}")
        return self.time

    def pick_level(self, levels: Mapping[int, str], where: str) -> int:
        """The number of the resolution, the finest unless stated; levels: number → how large, in words."""
        finest = min(levels)
        if self.level is None:
            return finest
        if self.level not in levels:
            held = ", ".join(f"{number} ({size})" for number, size in sorted(levels.items()))
            raise SliceError(f"{where} has no level {self.level}; it holds {held}")
        return self.level


def _listed(count: int, names: Sequence[str]) -> str:
    """0 (DAPI), 1 (GFP), 2: channels as a person may choose them."""
    shown = [f"{i} ({names[i]})" if i < len(names) and names[i] else str(i) for i in range(min(count, _LISTED))]
    return ", ".join(shown) + (f", … {count - 1}" if count > _LISTED else "")
