"""Heads and atlases that others made, beside the checkout: as nibabel shows them, or refused with a way out."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from stackreel.errors import SliceError
from stackreel.slices import open_slices

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
VOLUMES = DATA / "volumes"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real data not beside the checkout ({DATA})")

READ = {
    "CIT168toMNI152-2009c_T1w_brain.nii.gz": ("RAS", "uint8", "states no unit"),
    "dsi_mouse_C57BL6_ISO.nii.gz": ("LPS", "uint8", "50 µm × 50 µm × 50 µm"),
    "nibabel_anatomical.nii": ("LAS", "int16", "turned from LAS+"),
    "nibabel_someones_anatomy.nii.gz": ("RAS", "float32", "stored number · 0.352459 + 6.67836"),
    "niivue_AllenHumanAtlas_labels.nii.gz": ("RAS", "uint8", ""),
    "niivue_MR_Gd.nii.gz": ("RAS", "float32", "stands 6.5° off"),
    "niivue_chris_t1.nii.gz": ("RAS", "uint8", ""),
    "niivue_spm152.nii.gz": ("RAS", "float32", "stored number · 0.362956, as float32"),
    "nilearn_mni152_t1_09a.nii.gz": ("RAS", "uint8", "states no unit"),
    "whs_rat_v4_labels.nii.gz": ("RAS", "uint16", ""),
    "../pli/papaya_dti_FA.nii.gz": ("LAS", "float32", "turned from LAS+"),
    "../pli/plimig/Retardation.nii": ("LAS", "float32", "states no orientation"),
}
FILMS = {"nibabel_example4d.nii.gz": 2, "../pli/papaya_dti_V1.nii.gz": 3}


@pytest.mark.parametrize("name", READ)
def test_a_volume_is_what_nibabels_closest_canonical_is(name: str) -> None:
    stored, dtype, said = READ[name]
    image = nibabel.load(VOLUMES / name)
    canonical = nibabel.as_closest_canonical(image.slicer[..., 0] if image.ndim == 4 else image)
    with open_slices(VOLUMES / name) as source:
        depth, rows, _ = source.shape
        assert source.shape == canonical.shape[::-1]
        assert source.dtype == np.dtype(dtype)
        assert source.provenance["orientation_stored"] == stored
        assert any(said in note for note in source.notes) if said else source.notes == ()
        for z in range(0, depth, max(1, depth // 9)):
            expected = np.asarray(canonical.dataobj[..., z]).T.astype(dtype)
            np.testing.assert_array_equal(source.read(z, slice(0, rows)), expected)
            np.testing.assert_array_equal(source.read(z, slice(rows // 3, rows // 2)), expected[rows // 3 : rows // 2])


@pytest.mark.parametrize("name", FILMS)
def test_a_film_asks_which_volume(name: str) -> None:
    with pytest.raises(SliceError, match=rf"holds {FILMS[name]} time points.*--time N"):
        open_slices(VOLUMES / name)
    canonical = nibabel.as_closest_canonical(nibabel.load(VOLUMES / name).slicer[..., 1])
    with open_slices(VOLUMES / name, time=1) as source:
        depth, rows, _ = source.shape
        whole = np.stack([source.read(z, slice(0, rows)) for z in range(depth)])
    np.testing.assert_array_equal(whole, np.asarray(canonical.dataobj).T)


def test_no_file_is_forgotten() -> None:
    tested = {Path(name).name for name in (*READ, *FILMS)}
    assert {p.name for p in DATA.rglob("*.nii*")} == tested
