"""A small folder of photographs with its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs of scikit-learn's, made small: one to train on, one to validate on."""
    folder = tmp_path_factory.mktemp("photos")
    for name, image in zip(("china.png", "flower.png"), load_sample_images().images, strict=True):
        Image.fromarray(image).resize((96, 64)).save(folder / name)
    (folder / "photographs.csv").write_text(
        "file,use,author,licence,package,path\n"
        "china.png,training,danielbuechele,CC-BY-2.0,scikit-learn,\n"
        "flower.png,validation,vultilion,CC-BY-2.0,scikit-learn,\n",
        encoding="utf-8",
    )
    return folder
