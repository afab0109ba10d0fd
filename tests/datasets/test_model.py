import pytest
from kedro.io import DataCatalog, DatasetError

from swift_hydra_kedro.data.checkpoint import Checkpoint, save_checkpoint

FIRST, SECOND = (Checkpoint({}, {"format": number}) for number in (1, 2))


def catalog(**settings) -> DataCatalog:
    return DataCatalog.from_config({"model": {"type": "swift_hydra_kedro.datasets.ModelDataset", **settings}})


def test_the_model_of_the_folder_is_loaded_unless_another_is_named(tmp_path):
    catalog(filepath=f"{tmp_path}/own").save("model", FIRST)
    save_checkpoint(tmp_path / "other", SECOND)
    assert catalog(filepath=f"{tmp_path}/own").load("model") == FIRST
    assert catalog(filepath=f"{tmp_path}/own", named=f"{tmp_path}/other").load("model") == SECOND


def test_one_catalog_gives_one_named_model_until_it_is_released(tmp_path):
    save_checkpoint(tmp_path / "other", FIRST)
    found = catalog(filepath=f"{tmp_path}/own", named=f"{tmp_path}/other")
    assert found.load("model") == FIRST
    save_checkpoint(tmp_path / "other", SECOND)
    assert found.load("model") == FIRST
    found.release("model")
    assert found.load("model") == SECOND


def test_a_model_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DatasetError, match="there is no model in"):
        catalog(filepath=f"{tmp_path}/own").load("model")
    with pytest.raises(DatasetError, match="there is no model 'other': no folder of one"):
        catalog(filepath=f"{tmp_path}/own", named="other").load("model")
