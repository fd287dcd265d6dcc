"""One brain, many resolutions: the volume file, its pyramid and what is known of each brick."""

from stackreel.volume.opening import open_volume
from stackreel.volume.registered import open_registered, registered
from stackreel.volume.volume import KINDS, Histogram, Kind, Level, Summary, Volume

__all__ = ["KINDS", "Histogram", "Kind", "Level", "Summary", "Volume", "open_registered", "open_volume", "registered"]
