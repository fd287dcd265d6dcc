"""A movie as a function of time: `timeline.at(seconds)` is the scene at that moment and depends on nothing earlier.

Shots follow one another. Each remembers the scene that it opens with, so that the moment 40 s into a movie costs as
little as its first. Frame k is the scene at k / fps: a movie whose end equals its beginning loops without a
doubled frame.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from stackreel.errors import MovieFileError
from stackreel.scene.easing import ease
from stackreel.scene.moves import Move
from stackreel.scene.scene import Scene, Title

_TINY = 1e-9
"""Seconds; times this close count as equal, so that sums such as 0.1 + 0.2 do not lose a frame."""


@dataclass(frozen=True, slots=True)
class Span:
    """A move and when it happens, in seconds from the shot's beginning."""

    move: Move
    start: float
    seconds: float
    ease: str = "in-out"

    def scene_at(self, opening: Scene, seconds: float) -> Scene:
        return self.move(opening, ease(self.ease, (seconds - self.start) / self.seconds))


@dataclass(frozen=True, slots=True)
class TitleSpan:
    """A title and when it shows, in seconds from the shot's beginning; it fades in and out within that time."""

    title: Title
    start: float
    seconds: float
    fade: float

    def at(self, seconds: float) -> Title | None:
        """The title, faded as it is then; None when it does not show."""
        into, left = seconds - self.start, self.start + self.seconds - seconds
        if into < -_TINY or left < -_TINY:
            return None
        fade = min(self.fade, 0.5 * self.seconds)
        opacity = 1.0 if fade <= 0.0 else min(max(min(into, left) / fade, 0.0), 1.0)
        return replace(self.title, opacity=self.title.opacity * opacity) if opacity > 0.0 else None


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot, ready to be asked.

    start, seconds : when it begins in the movie, and how long it lasts
    opening        : the scene that it begins with, titles apart
    """

    name: str
    start: float
    seconds: float
    opening: Scene
    spans: tuple[Span, ...] = ()
    titles: tuple[TitleSpan, ...] = ()

    @property
    def end(self) -> float:
        return self.start + self.seconds

    @property
    def closing(self) -> Scene:
        """What the next shot opens with."""
        return self._moved(self.seconds)

    def _moved(self, seconds: float) -> Scene:
        scene = self.opening
        for span in self.spans:
            scene = span.scene_at(scene, seconds)
        return scene

    def at(self, seconds: float) -> Scene:
        """The scene so many seconds into the shot."""
        titles = tuple(t for t in (span.at(seconds) for span in self.titles) if t is not None)
        return replace(self._moved(seconds), titles=titles)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole movie.

    shots : in order, without gaps
    fps   : frames in a second
    size  : (width, height) of the picture in pixels
    """

    shots: tuple[Shot, ...]
    fps: int
    size: tuple[int, int] = (1920, 1080)

    @property
    def seconds(self) -> float:
        return round(self.shots[-1].end, 9)

    @property
    def frames(self) -> int:
        """How many frames the movie has; at least one."""
        return max(1, round(self.seconds * self.fps))

    def time_of(self, frame: int) -> float:
        """When frame k shows, in seconds: k / fps. MovieFileError outside 0..frames-1."""
        if not 0 <= frame < self.frames:
            raise MovieFileError(f"there is no frame {frame}; the movie has frames 0 to {self.frames - 1}")
        return min(frame / self.fps, self.seconds)

    def shot_at(self, seconds: float) -> Shot:
        """The shot at that moment; where one ends and the next begins, the next."""
        if not -_TINY <= seconds <= self.seconds + _TINY:
            raise MovieFileError(f"{seconds:g} s lies outside the movie, which runs from 0 to {self.seconds:g} s")
        i = bisect_right([shot.start for shot in self.shots], seconds + _TINY) - 1
        return self.shots[max(i, 0)]

    def at(self, seconds: float) -> Scene:
        """The scene at that moment. Pure: the same moment gives the same scene, whatever was asked before."""
        shot = self.shot_at(seconds)
        return shot.at(min(max(seconds - shot.start, 0.0), shot.seconds))

    def __iter__(self) -> Iterator[Scene]:
        """Every frame's scene, in order."""
        return (self.at(self.time_of(k)) for k in range(self.frames))
