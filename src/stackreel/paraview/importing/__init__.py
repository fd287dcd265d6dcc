"""From ParaView to a movie file: what a trace, a state, a camera or a colour map says, in the movie file's words.

    from stackreel.paraview.importing import imported
    parts = imported([state])             # states as the readers make them
    parts.scene, parts.places, parts.shots, parts.report

Nothing is left out without a word: what a movie file cannot say is listed with its file, its line and why.
"""

from stackreel.paraview.importing.document import Wanted, imported, movie_text, with_volume
from stackreel.paraview.importing.merging import merged
from stackreel.paraview.importing.report import Left, Parts, Report

__all__ = ["Left", "Parts", "Report", "Wanted", "imported", "merged", "movie_text", "with_volume"]
