import pytest
from kedro.io import DataCatalog, DatasetError

from swift_hydra_kedro.benchmark.store import CellStore

ENTRY = {"type": "swift_hydra_kedro.datasets.CellStoreDataset"}


def test_the_store_of_the_folder_is_given_and_nothing_made(tmp_path):
    catalog = DataCatalog.from_config({"cells": ENTRY | {"filepath": str(tmp_path / "cells")}})
    assert catalog.load("cells") == CellStore(tmp_path / "cells")
    assert list(tmp_path.iterdir()) == []


def test_cells_cannot_be_saved_together(tmp_path):
    catalog = DataCatalog.from_config({"cells": ENTRY | {"filepath": str(tmp_path / "cells")}})
    with pytest.raises(DatasetError, match="each is written by the store"):
        catalog.save("cells", [])
