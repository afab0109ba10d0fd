import pytest

from swift_hydra_kedro.data.checkpoint import Checkpoint, save_checkpoint
from swift_hydra_kedro.serving.training_state import load_training


def test_a_model_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"warm_start: there is no model '.*nothing'"):
        load_training(str(tmp_path / "nothing"))


def test_a_model_that_holds_nothing_to_go_on_from_is_told(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {data: data/checkpoint}}\n")
    save_checkpoint(tmp_path / "data/checkpoint", Checkpoint({}, {"format": 1}))
    with pytest.raises(ValueError, match="holds nothing to go on from"):
        load_training(str(tmp_path))


def test_another_librarys_model_is_told(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {}}\n")
    with pytest.raises(ValueError, match=r"warm_start: .* is not one of this package's models"):
        load_training(str(tmp_path))
