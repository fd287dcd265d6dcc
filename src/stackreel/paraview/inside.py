"""Run by ParaView's own Python, never imported here: `pvpython inside.py TASK.json ANSWERS`.

It tells what this ParaView is made of, or opens files with the readers named and tells the samples it got at some
places. Every answer is one line of JSON, written before the next file is begun: when ParaView ends in the middle, it
is known where. What the readers print goes to the same place as this program's output, between marks.
"""

# mypy: ignore-errors

import json
import os
import sys
import time

MARK = "\n@stackreel begins %d\n"


def main():
    with open(sys.argv[1]) as file:
        task = json.load(file)
    with open(sys.argv[2], "a") as answers:

        def tell(answer):
            answers.write(json.dumps(answer) + "\n")
            answers.flush()

        if task["do"] == "ask":
            tell(abilities(task["filters"]))
            return
        from paraview import simple  # noqa: F401 - connects to the session that readers live in

        limit_memory(task["memory"])
        for number, job in task["jobs"]:
            os.write(2, (MARK % number).encode())
            tell({"begins": number})
            begun = time.time()
            try:
                chosen = chosen_for(job["file"])
                tell({"begins": number, "chosen": chosen})
                answer = opened(job, chosen)
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            tell(dict(answer, number=number, seconds=time.time() - begun, peak=peak()))


def abilities(filters):
    """What this ParaView is made of."""
    import paraview.simple as simple

    found = {
        "python": ".".join(str(number) for number in sys.version_info[:3]),
        "readers": [
            name
            for name, makers in (
                ("Xdmf2", ("XDMFReader",)),
                ("Xdmf3", ("Xdmf3ReaderS", "Xdmf3Reader")),
                ("VTKHDF", ("VTKHDFReader",)),
            )
            if any(hasattr(simple, maker) for maker in makers)
        ],
        "windows": windows(),
        "mpi": has("vtkmodules.vtkParallelMPI", "vtkMPIController"),
        "rays": has("vtkmodules.vtkRenderingRayTracing", "vtkOSPRayPass"),
        "hdf5": "",
        "filters": [],
    }
    try:
        import numpy

        found["numpy"] = numpy.__version__
    except ImportError:
        found["numpy"] = ""
    found.update(hdf5(filters))
    return found


def has(module, name):
    try:
        return hasattr(__import__(module, fromlist=[name]), name)
    except ImportError:
        return False


def windows():
    """What it can draw into, among EGL, OSMesa, X, Win32 and Cocoa."""
    kinds = {
        "vtkEGLRenderWindow": "EGL",
        "vtkOSOpenGLRenderWindow": "OSMesa",
        "vtkXOpenGLRenderWindow": "X",
        "vtkWin32OpenGLRenderWindow": "Windows",
        "vtkCocoaRenderWindow": "macOS",
    }
    return [kind for name, kind in kinds.items() if has("vtkmodules.vtkRenderingOpenGL2", name)]


def hdf5(filters):
    """The version of the HDF5 inside, and which of the filters it has, plugins among them. Nothing if it is hidden."""
    import ctypes

    for module in ("vtkIOHDF", "vtkIOXdmf2"):
        has("vtkmodules." + module, "")
    try:
        with open("/proc/self/maps") as maps:
            names = sorted({line.split()[-1] for line in maps if "hdf5" in line.lower() and ".so" in line})
    except OSError:
        return {}
    for name in names:
        library = ctypes.CDLL(name)
        for prefix in ("", "vtkhdf5_"):
            if not hasattr(library, prefix + "H5get_libversion"):
                continue
            numbers = [ctypes.c_uint() for _ in range(3)]
            getattr(library, prefix + "H5get_libversion")(*[ctypes.byref(number) for number in numbers])
            available = getattr(library, prefix + "H5Zfilter_avail", lambda number: 0)
            return {
                "hdf5": ".".join(str(number.value) for number in numbers),
                "filters": [number for number in filters if available(number) > 0],
            }
    return {}


def limit_memory(room):
    """Allow this process so many bytes more than it has; more fails as it would on a machine without them."""
    if not room:
        return
    try:
        import resource

        with open("/proc/self/statm") as file:
            has_now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has_now + room, has_now + room))
    except (ImportError, OSError, ValueError):
        pass


def peak():
    """The most memory that this process ever held, in bytes."""
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    except ImportError:
        return 0


def opened(job, chosen):
    """Open a file with a reader, or as File > Open does, and tell the samples at the places asked for."""
    from paraview import simple

    source, name = source_for(job, chosen)
    algorithm = source.GetClientSideObject()
    answer = {"reader": name, "shape": [], "arrays": [], "dtype": "", "places": [], "values": []}
    before = peak()
    if not job["boxes"]:
        source.UpdatePipeline()
        answer["full_extent"] = True
        add_samples(answer, algorithm.GetOutputDataObject(0), job, None)
    else:
        from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline

        algorithm.UpdateInformation()
        extent = algorithm.GetOutputInformation(0).Get(vtkStreamingDemandDrivenPipeline.WHOLE_EXTENT())
        if extent:
            answer["shape"] = [extent[2 * k + 1] - extent[2 * k] + 1 for k in (2, 1, 0)]
        for z0, z1, y0, y1, x0, x1 in job["boxes"]:
            algorithm.UpdateExtent([x0, x1 - 1, y0, y1 - 1, z0, z1 - 1])
            add_samples(answer, algorithm.GetOutputDataObject(0), job, (z0, z1, y0, y1, x0, x1))
    answer["took"] = max(0, peak() - before)
    simple.Delete(source)
    return answer


def chosen_for(file):
    """The reader that File > Open takes; "" when it knows none."""
    from paraview import servermanager

    factory = servermanager.vtkSMProxyManager.GetProxyManager().GetReaderFactory()
    if factory.GetNumberOfRegisteredPrototypes() == 0:
        factory.UpdateAvailableReaders()
    if not factory.CanReadFile(file, servermanager.ActiveConnection.Session):
        return ""
    name = factory.GetReaderName()
    known = {"XdmfReader": "Xdmf2", "Xdmf3ReaderS": "Xdmf3", "Xdmf3ReaderT": "Xdmf3", "HDFReader": "VTKHDF"}
    return known.get(name, name)


def source_for(job, chosen):
    """The reader with the file, and what it is called."""
    from paraview import simple

    file, kind = job["file"], job["reader"]
    if kind == "Xdmf2":
        return simple.XDMFReader(FileNames=[file]), kind
    if kind == "Xdmf3":
        return getattr(simple, "Xdmf3ReaderS", getattr(simple, "Xdmf3Reader", None))(FileName=[file]), kind
    if kind == "VTKHDF" and chosen != kind:  # its contents may be right where the ending is not ParaView's
        return simple.VTKHDFReader(FileName=[file]), kind
    if not chosen:
        raise RuntimeError("no reader for this file")
    return simple.OpenDataFile(file), chosen


def add_samples(answer, data, job, box):
    """What the data hold at the places of the job, those inside the box if there is one."""
    from paraview.vtk.util.numpy_support import vtk_to_numpy

    image = first_image(data)
    if image is None:
        return
    points, cells = image.GetPointData(), image.GetCellData()
    of_cells = cells.GetNumberOfArrays() > 0 and points.GetNumberOfArrays() == 0
    points = cells if of_cells else points
    answer["arrays"] = [points.GetArrayName(k) for k in range(points.GetNumberOfArrays())]
    dims = image.GetDimensions() if hasattr(image, "GetDimensions") else (image.GetNumberOfPoints(), 1, 1)
    if of_cells:
        dims = [max(1, n - 1) for n in dims]
    shape = tuple(dims[::-1])
    if box is None:
        answer["shape"] = list(shape)
        answer["bounds"] = list(image.GetBounds())
    array = (points.GetArray(job["array"]) if job["array"] else None) or points.GetArray(0)
    if array is None:
        return
    values = vtk_to_numpy(array)
    answer["dtype"] = values.dtype.name
    components = values.shape[1:]
    if len(values) != shape[0] * shape[1] * shape[2]:
        return
    values = values.reshape(shape + components)
    corner = (0, 0, 0) if box is None else box[0::2]
    for z, y, x in job["places"]:
        at = (z - corner[0], y - corner[1], x - corner[2])
        if all(0 <= at[k] < shape[k] for k in range(3)):
            answer["places"].append([z, y, x])
            answer["values"].append(values[at].tolist())


def first_image(data):
    """The first grid among the blocks of what a reader gives; None when there is none."""
    if data is None or not data.IsA("vtkCompositeDataSet"):
        return data
    walk = data.NewIterator()
    walk.InitTraversal()
    return None if walk.IsDoneWithTraversal() else walk.GetCurrentDataObject()


if __name__ == "__main__":
    main()
