from kedro.io import DataCatalog

from swift_hydra_kedro.benchmark.store import CellStore

ENTRY = {"type": "swift_hydra_kedro.datasets.CellStoreDataset"}


def test_the_store_of_the_folder_is_given_and_nothing_made(tmp_path):
    catalog = DataCatalog.from_config({"cells": ENTRY | {"filepath": str(tmp_path / "cells")}})
    assert catalog.load("cells") == CellStore(tmp_path / "cells")
    assert list(tmp_path.iterdir()) == []


def test_another_store_is_gathered_in_one_file(tmp_path):
    catalog = DataCatalog.from_config({"archive": ENTRY | {"filepath": str(tmp_path / "archive")}})
    catalog.save("archive", CellStore(tmp_path / "cells"))
    assert [file.name for file in (tmp_path / "archive").iterdir()] == ["cells.parquet"]
    assert catalog.load("archive").read().empty
