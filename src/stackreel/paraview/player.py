"""Run by pvpython or pvbatch, never imported here: draws the frames that it is told, one after the other.

    pvpython player.py stage.py WIDTH HEIGHT FOLDER

Every line that comes in is a task as JSON: {"state": …, "picture": a file in FOLDER, "transparent": bool}; see `stage`.
For each, one line goes out: MARK and JSON, {"samples": [low, high], "seconds": …} or {"error": …, "kind": …}. It ends
when no more lines come. Started in several processes (pvbatch --sym), the first one reads and answers, and all draw.
"""

# mypy: ignore-errors
# ruff: noqa: UP031, SIM115 - ParaView 5.11 has a Python of its own, 3.8 or later

import importlib.util
import json
import os
import shutil
import sys
import time

MARK = "@stackreel "


def main():
    """Draw until there is no more to draw. Returns whether several processes did."""
    from paraview import servermanager

    crew = Crew()
    tasks = open(0, encoding="utf-8", closefd=False)  # ParaView's own sys.stdin reads words, not lines
    stage = load(sys.argv[1]).Stage((int(sys.argv[2]), int(sys.argv[3])))
    if crew.first:
        manager = servermanager.vtkSMProxyManager
        version = "%d.%d.%d" % (manager.GetVersionMajor(), manager.GetVersionMinor(), manager.GetVersionPatch())
        answer({"ready": version, "processes": crew.count})
    while True:
        line = crew.told(tasks.readline() if crew.first else "")
        if not line.strip():
            return crew.count > 1
        task = json.loads(line)
        begun = time.time()
        try:
            stage.show(task["state"])
            pixels = stage.pixels(task["transparent"])
            if crew.first:
                with open(task["picture"], "wb") as file:
                    file.write(pixels)
                answer({"samples": stage.samples, "seconds": time.time() - begun})
        except Exception as error:
            if crew.first:
                answer({"error": str(error), "kind": type(error).__name__})


def answer(value):
    os.write(1, ("\n" + MARK + json.dumps(value) + "\n").encode("utf-8"))


def load(path):
    """A module by its file."""
    spec = importlib.util.spec_from_file_location("stage", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Crew:
    """The processes that draw together; often only this one."""

    def __init__(self):
        from paraview.modules.vtkRemotingCore import vtkProcessModule

        self._controller = vtkProcessModule.GetProcessModule().GetGlobalController()
        self.count = self._controller.GetNumberOfProcesses() if self._controller else 1
        self.first = self.count == 1 or self._controller.GetLocalProcessId() == 0

    def told(self, line):
        """The line that the first process got, in every process."""
        if self.count == 1:
            return line
        import vtk

        said = line.encode("utf-8")
        length = vtk.vtkIntArray()
        length.InsertNextValue(len(said))
        self._controller.Broadcast(length, 0)
        letters = vtk.vtkUnsignedCharArray()
        letters.SetNumberOfValues(length.GetValue(0))
        if self.first:
            memoryview(letters).cast("B")[:] = said
        if length.GetValue(0):
            self._controller.Broadcast(letters, 0)
        return bytes(memoryview(letters).cast("B")).decode("utf-8") if length.GetValue(0) else ""


if __name__ == "__main__":
    together = main()
    sys.stdout.flush()
    shutil.rmtree(sys.argv[4], ignore_errors=True)  # whoever wanted the pictures may be gone
    if not together:
        os._exit(0)  # everything is written, and ParaView's own end may crash when its display goes with it
