import numpy as np
import pytest

from swift_hydra_kedro.data.npz import read_npz

X, Y = np.arange(6, dtype=np.int16).reshape(3, 2), np.array([0, 1, 0])


def test_reads_arrays_in_their_own_type(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, fraud=Y)
    features, label = read_npz(tmp_path / "a.npz", "fraud")
    assert features.dtype == np.int16
    np.testing.assert_array_equal(features, X)
    np.testing.assert_array_equal(label, Y)


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was executed",)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": X, "label": Y}, r"no array 'y'; it holds \['X', 'label'\]"),
        ({"X": np.array([[Bomb()]], dtype=object), "y": Y[:1]}, "'X' was not unpickled"),
        ({"X": X, "y": np.array([Bomb()] * 3, dtype=object)}, "'y' was not unpickled"),
        ({"X": X.ravel(), "y": Y}, r"X has shape \(6,\)"),
        ({"X": X, "y": Y[:2]}, r"y \(2,\); they must be \(N, P\) and \(N,\)"),
    ],
)
def test_unfit_content_is_a_clear_error(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_npz(tmp_path / "a.npz")


def test_other_and_damaged_files_are_clear_errors(tmp_path):
    path = tmp_path / "a.npz"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match=r"a\.npz is no npz file"):
        read_npz(path)
    np.savez_compressed(path, X=np.random.default_rng(0).normal(size=(100, 9)), y=np.zeros(100))
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-100])
    with pytest.raises(ValueError, match="only part of one"):
        read_npz(path)
    data[1000:1010] = bytes(10)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="'X' is damaged"):
        read_npz(path)
