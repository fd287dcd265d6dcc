"""What to show, as values: camera, transfer function, crop, light, titles; and how they change over a movie."""

from stackreel.scene.camera import Camera
from stackreel.scene.light import PRESETS, Light
from stackreel.scene.scene import Scene, Title
from stackreel.scene.transfer import TransferFunction

__all__ = ["PRESETS", "Camera", "Light", "Scene", "Title", "TransferFunction"]
