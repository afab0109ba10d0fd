import numpy as np
import pytest
from kedro.io import DataCatalog, DatasetError

from swift_hydra_kedro.data.checkpoint import Checkpoint


def catalog(tmp_path) -> DataCatalog:
    entry = {
        "type": "swift_hydra_kedro.datasets.CheckpointDataset",
        "filepath": f"{tmp_path}/models/detector",
        "metadata": {"kedro-viz": {"layer": "models"}},
    }
    return DataCatalog.from_config({"detector": entry})


def test_checkpoint_goes_through_the_catalog(tmp_path):
    checkpoint = Checkpoint({"weight": np.arange(6.0).reshape(2, 3)}, {"depth": 2})
    assert not catalog(tmp_path).exists("detector")
    catalog(tmp_path).save("detector", checkpoint)
    assert catalog(tmp_path).exists("detector")
    loaded = catalog(tmp_path).load("detector")
    np.testing.assert_array_equal(loaded.tensors["weight"], checkpoint.tensors["weight"])
    assert loaded.state == {"depth": 2}


def test_loading_before_saving_says_what_is_missing(tmp_path):
    with pytest.raises(DatasetError, match="there is no model in"):
        catalog(tmp_path).load("detector")
