"""ParaView's functions by name: what they make, and which of them change nothing that a picture shows."""

from __future__ import annotations

MODULES = frozenset(("paraview", "simple", "servermanager", "pvsimple", "pvs"))

VIEWS = {
    "CreateRenderView": "RenderView", "CreateXYPlotView": "XYChartView", "CreateXYPointPlotView": "XYPointChartView",
    "CreateBarChartView": "XYBarChartView", "CreateComparativeRenderView": "ComparativeRenderView",
    "CreateComparativeXYPlotView": "ComparativeXYPlotView", "Create2DRenderView": "2DRenderView",
    "CreateComparativeBarChartView": "ComparativeBarChartView",
    "CreateParallelCoordinatesChartView": "ParallelCoordinatesChartView",
}  # fmt: skip

MADE = {
    "CameraKeyFrame": "animation_keyframes", "CompositeKeyFrame": "animation_keyframes",
    "KeyFrame": "animation_keyframes", "RampKeyFrame": "animation_keyframes",
    "BooleanKeyFrame": "animation_keyframes", "SinusoidKeyFrame": "animation_keyframes",
    "ExponentialKeyFrame": "animation_keyframes",
    "CameraAnimationCue": "animation", "KeyFrameAnimationCue": "animation", "TimeAnimationCue": "animation",
    "AnimationScene": "animation", "PythonAnimationCue": "animation", "PVLookupTable": "lookup_tables",
    "PiecewiseFunction": "piecewise_functions", "TransferFunction2D": "transfer_2d_functions",
    "CreateLight": "additional_lights", "AddLight": "additional_lights", "Light": "additional_lights",
}  # fmt: skip
"""What a function makes by its name alone → its group."""

TYPES = {"CreateLight": "Light", "AddLight": "Light"}

FILTERS = frozenset(
    """AppendAttributes AppendDatasets Calculator CellCenters CellDatatoPointData CleantoGrid Clip ClipClosedSurface
    Contour Crop Cut DataSetSurface Decimate Delaunay2D Delaunay3D Elevation ExtractBlock ExtractCellsByRegion
    ExtractLevel ExtractSelection ExtractSubset ExtractSurface ExtractVOI FeatureEdges GaussianResampling
    GenerateSurfaceNormals
    Glyph Gradient GradientOfUnstructuredDataSet GroupDatasets Histogram IsoVolume Isosurface MergeBlocks Outline
    PlotOverLine PointDatatoCellData ProbeLocation ProgrammableFilter PythonCalculator Reflect ResampleToImage
    ResampleWithDataset Slice SliceAlongPolyLine SliceWithPlane Smooth StreamTracer SurfaceNormals TableToPoints
    Tetrahedralize Threshold Transform Tube WarpByScalar WarpByVector ImageResample ImageResampling Resample""".split()  # noqa: SIM905
)
"""Filters that take the active source where they are given no input. Not all of them: those that are come upon."""

SHOTS = frozenset(("SaveScreenshot", "SaveAnimation", "WriteImage", "WriteAnimation"))
"""What makes pictures: kept, with all that they are told."""

SILENT = frozenset(
    """_DisableFirstRenderCameraReset AddCameraLink AddSelectionLink AnimateReader AssignViewToLayout AssignLookupTable
    ClearSelection Connect CreateScalarBar CreateWriter Disconnect ExportTransferFunction ExportView ExtendFileSeries
    FetchData GenerateIDScalars GetOpenGLInformation GetParaViewSourceVersion GetParaViewVersion GetSettingsProxy
    GetTimeKeeper HideInteractiveWidgets HideScalarBarIfNotNeeded HideUnusedScalarBars Hide3DWidgets Interact
    LoadDistributedPlugin LoadPlugin LoadPlugins QueryString QuerySelect RemoveCameraLink RemoveLayout RemoveLink
    RemoveViewsAndLayouts RenameLayout RenameProxy RenameSource RenameView ResetProperty ResetSession ReverseConnect
    SaveData SaveExtracts SaveExtractsUsingCatalystOptions SaveState SelectCells SelectPoints SelectSurfaceCells
    SelectSurfacePoints SetActiveConnection Show3DWidgets ShowInteractiveWidgets UpdatePipeline UpdateScalarBars
    UpdateScalarBarsComponentTitle UpdateSteerableParameters WriteAnimationGeometry SetCurrentTree SuiteVersion
    CreateExtractor GetAllSettings GetMaterialLibrary ImportPresets LoadLookupTable GetLookupTableNames Fetch""".split()  # noqa: SIM905
)
"""What changes nothing that a picture shows."""

LAYOUTS = frozenset(("GetLayout", "CreateLayout", "GetLayoutByName", "GetLayouts", "GetViewsInLayout"))

SILENT_METHODS = frozenset(
    """UpdatePipeline UpdatePipelineInformation UpdateVTKObjects UpdateProxy UpdateProperty UpdatePropertyInformation
    SetScalarBarVisibility GoToFirst GoToLast GoToNext GoToPrevious Play Stop UpdateAnimationUsingDataTimeSteps
    SynchronizeCameraProperties MakeRenderWindowInteractor GetRenderWindow GetRenderer GetInteractor SetSize
    GetDataInformation GetPointDataInformation GetCellDataInformation GetDataInformation Modified SetClippingRange
    ResetCameraClippingRange AssignView SplitHorizontal SplitVertical SplitCell SetSplitFraction SwapCells
    RemoveView UpdateScalarBars ListProperties GetRange GetNumberOfPoints GetNumberOfCells RenderAllViews
    SetWindowCenter
    ComputeViewPlaneNormal FileNameChanged UpdateSelfAndAllInputs SetEyeAngle SetFocalDisk SMProxy InvokeCommand
    UpdateDynamicMode SetSelectionColor HideAll""".split()  # noqa: SIM905
)
"""The same of methods."""

CAMERA = {
    "SetPosition": "CameraPosition",
    "SetFocalPoint": "CameraFocalPoint",
    "SetViewUp": "CameraViewUp",
    "SetViewAngle": "CameraViewAngle",
    "SetParallelScale": "CameraParallelScale",
    "SetParallelProjection": "CameraParallelProjection",
}
"""vtkCamera's methods → properties of the view."""

MOVES = frozenset(("Azimuth", "Elevation", "Roll", "Yaw", "Pitch", "Dolly", "Zoom"))
ADJUST = {
    "AdjustAzimuth": "Azimuth",
    "AdjustElevation": "AdjustElevation",
    "AdjustRoll": "Roll",
    "AdjustZoom": "AdjustZoom",
}

ALWAYS_LISTS = frozenset(("FileNames", "KeyFrames", "KeyValues", "Isosurfaces", "SliceOffsetValues"))
"""Lists also when a script gives one thing."""

BUILTINS = frozenset(
    """abs bool dict enumerate exit filter float getattr glob input int isinstance len list map max min object open ord
    print quit range raw_input reduce repr reversed round set setattr sorted str sum super tuple type unicode xrange
    zip chr any all hasattr id iter next vars locals globals eval exec compile format hash __import__
    execfile""".split()  # noqa: SIM905
)
