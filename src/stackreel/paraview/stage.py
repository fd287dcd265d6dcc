"""A movie's frames, drawn by ParaView: this file runs inside of pvpython or pvbatch, and needs nothing but them.

    stage = Stage((1280, 720))
    stage.show(state)                # everything of one frame; cheap where only the camera has changed
    stage.save("frame.png")

`state` is plain JSON, and says all of one frame; nothing of earlier frames remains. Points, directions and lengths are
those of the world that the files for ParaView have, as (x, y, z); colours are display colours, 0..1:

    {
      "data": {
        "file":   "/data/brain.L1of3.hdf",      what to open
        "kind":   "vtkhdf",                     or "xdmf"
        "array":  "brain",                      the point array in it
        "extent": [x0, x1, y0, y1, z0, z1]      samples to take, both ends counted, from 0; null takes all
      },
      "camera": {"position": [x, y, z], "focal_point": [x, y, z], "view_up": [x, y, z], "view_angle": degrees},
      "color":   [[value, r, g, b], ...],       piecewise linear, constant beyond its ends
      "opacity": [[value, opacity], ...],
      "opacity_unit": length,                   over which these opacities hold
      "blend": "composite",                     or "maximum", "minimum", "average"
      "crop": [[x0, x1], [y0, y1], [z0, z1]],   only this box is shown; null shows all
      "clip": [{"origin": [x, y, z], "normal": [x, y, z]}, ...],     the side that the normal points to is kept
      "slices": [{
        "origin": [x, y, z], "normal": [x, y, z],
        "opacity": 0..1,
        "color": [[value, r, g, b], ...],       null: the volume's
        "masked": false,                        true: nothing where the volume's opacity is 0
        "cropped": true,                        false: the slice spans the whole volume
        "cut": false,                           true: of the volume, nothing is shown where the normal points to
        "outline": [r, g, b],                   null: none
        "line": fraction of the picture's height
      }, ...],
      "light": null,                            unlit; or weights of a light at the camera:
               {"ambient": a, "diffuse": d, "specular": s, "specular_power": p}
      "background": {"top": [r, g, b], "bottom": [r, g, b]},
      "titles": [{"text": ..., "place": "lower left", "size": of a line, as a fraction of the picture's height,
                  "color": [r, g, b], "opacity": 0..1}, ...]
    }

"opacity" and "color" hold one point or more, by rising value. "crop", "clip", "slices", "light", "titles" may be left
out. Works with ParaView 5.11 and later.
"""


class Stage:
    """A render view of ParaView with a volume in it, and what belongs to that.

    size : (width, height) of the picture in pixels
    """

    def __init__(self, size):
        self.size = tuple(size)

    def show(self, state):
        """Make the view show what the state says; what is as it was is left alone."""
        raise NotImplementedError

    def save(self, path, transparent=False):
        """Write the picture as PNG; transparent: with an alpha channel, and without the background."""
        raise NotImplementedError
