import pytest

from swift_hydra_kedro.data.atomic import whole_or_nothing


def test_the_file_is_there_when_all_is_written(tmp_path):
    with whole_or_nothing(tmp_path / "a") as part:
        part.write_text("1")
        assert not (tmp_path / "a").exists()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "1")]


def test_a_failure_leaves_what_was_there_before(tmp_path):
    (tmp_path / "a").write_text("before")
    with pytest.raises(OSError, match="full"), whole_or_nothing(tmp_path / "a") as part:
        part.write_text("half")
        raise OSError("the disk is full")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "before")]
