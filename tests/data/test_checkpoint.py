from pathlib import Path

import numpy as np
import pytest

from swift_hydra_kedro.data import checkpoint
from swift_hydra_kedro.data.checkpoint import Checkpoint, is_checkpoint, load_checkpoint, save_checkpoint

STATE = {"clip": 10.0, "mean": [0.1, 1 / 3], "names": ["a", "b"], "none": None}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.arange(12.0)[::2],
        np.array(3.5),
        np.zeros((0, 4), np.int64),
        np.array([True, False]),
    ],
    ids=["transposed", "strided", "scalar", "empty", "bool"],
)
def test_arrays_and_state_come_back_as_they_were(tmp_path, array):
    save_checkpoint(tmp_path / "deep/model", Checkpoint({"w": array}, STATE))
    loaded = load_checkpoint(tmp_path / "deep/model")
    np.testing.assert_array_equal(loaded.tensors["w"], array)
    assert (loaded.tensors["w"].dtype, loaded.tensors["w"].shape) == (array.dtype, array.shape)
    assert loaded.state == STATE


def test_no_tensors_at_all(tmp_path):
    save_checkpoint(tmp_path / "model", Checkpoint(state=STATE))
    assert load_checkpoint(tmp_path / "model") == Checkpoint({}, STATE)


def test_saving_replaces_the_whole_folder(tmp_path):
    save_checkpoint(tmp_path / "model", Checkpoint({"old": np.ones(2)}, {}))
    (tmp_path / "model/stale").touch()
    save_checkpoint(tmp_path / "model", Checkpoint({"new": np.ones(3)}, {}))
    assert list(load_checkpoint(tmp_path / "model").tensors) == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["state.json", "tensors.safetensors"]


@pytest.mark.parametrize(("state", "error"), [({"x": float("nan")}, ValueError), ({"x": object()}, TypeError)])
def test_failed_save_keeps_the_old_checkpoint(tmp_path, state, error):
    save_checkpoint(tmp_path / "model", Checkpoint(state=STATE))
    with pytest.raises(error):
        save_checkpoint(tmp_path / "model", Checkpoint(state=state))
    assert load_checkpoint(tmp_path / "model").state == STATE
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_interrupted_save_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "model", Checkpoint(state=STATE))

    def interrupt(tensors, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "model", Checkpoint(state={}))
    assert load_checkpoint(tmp_path / "model").state == STATE


def test_incomplete_folder_is_no_checkpoint(tmp_path):
    save_checkpoint(tmp_path / "model", Checkpoint(state=STATE))
    assert is_checkpoint(tmp_path / "model")
    (tmp_path / "model/state.json").unlink()
    assert not is_checkpoint(tmp_path / "model")
    with pytest.raises(FileNotFoundError, match=r"would hold tensors\.safetensors and state\.json"):
        load_checkpoint(tmp_path / "model")


def test_an_older_checkpoint_is_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "model", Checkpoint({"old": np.ones(2)}, {}))
    rename = Path.rename

    def fail(source, target):
        if source.name == "new":
            raise OSError("no space")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(tmp_path / "model", Checkpoint({"new": np.ones(3)}, {}))
    assert list(load_checkpoint(tmp_path / "model").tensors) == ["old"]
