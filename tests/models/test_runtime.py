import random
import threading
from functools import partial

import numpy as np
import pytest
import torch

from swift_hydra_kedro.models.runtime import WIDE, choose_device, in_threads, narrow_threads, stage_generators

CPU = torch.device("cpu")


def drawn(seed, stage):
    generators = stage_generators(seed, stage, CPU)
    return generators.numpy.random(4).tolist(), torch.rand(4, generator=generators.torch).tolist()


def test_a_stage_draws_the_same_whatever_ran_before():
    alone = drawn(0, "experts")
    for stage in ("pretraining", "gate"):
        drawn(0, stage)
    assert drawn(0, "experts") == alone


def test_other_seeds_and_stages_draw_other_numbers():
    draws = [drawn(seed, stage) for seed in (0, 1, 2**31 - 1) for stage in ("experts", "gate")]
    for source in (0, 1):
        assert len({tuple(draw[source]) for draw in draws}) == 6


def test_numbers_are_fixed_across_processes_and_versions():
    numpy_drawn, torch_drawn = drawn(0, "experts")
    np.testing.assert_allclose(numpy_drawn[:2], [0.6145419207514726, 0.0679808246724678])
    np.testing.assert_allclose(torch_drawn[:2], [0.45002, 0.5127659], rtol=1e-6)


def test_global_states_are_neither_read_nor_changed():
    expected = drawn(3, "gate")
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert drawn(3, "gate") == expected
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]


@pytest.mark.parametrize(
    ("asked", "available", "expected"),
    [("auto", False, "cpu"), ("auto", True, "cuda"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_auto_takes_cuda_where_it_is(monkeypatch, asked, available, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_device(asked).type == expected


def test_an_unknown_device_is_an_error():
    with pytest.raises(ValueError, match="device 'gpu' must be 'auto', 'cpu' or 'cuda'"):
        choose_device("gpu")


def test_missing_cuda_is_an_error_where_it_was_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="finds no CUDA device: use 'auto' or 'cpu'"):
        choose_device("cuda")


@pytest.fixture
def three_threads(set_num_threads):
    set_num_threads(3)


@pytest.mark.usefixtures("three_threads")
def test_calls_that_overlap_leave_torch_as_it_was():
    inside, go_on = threading.Barrier(3), threading.Event()

    def call(waits):
        with narrow_threads(1):
            inside.wait()
            go_on.wait() if waits else None
        with narrow_threads(1):  # again, from a thread that may be through before the other
            pass

    threads = [threading.Thread(target=call, args=(waits,)) for waits in (False, True)]
    for thread in threads:
        thread.start()
    inside.wait()
    threads[0].join()
    go_on.set()
    threads[1].join()
    found = []
    new = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    new.start()
    new.join()
    assert found == [3]
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_calls_within_calls_stay_on_one_thread():
    with narrow_threads(1):
        with narrow_threads(1):
            pass
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(("n_features", "expected"), [(1, 1), (WIDE, 1), (WIDE + 1, 3)])
def test_narrow_tables_train_on_one_thread(n_features, expected):
    with narrow_threads(n_features):
        assert torch.get_num_threads() == expected


@pytest.mark.usefixtures("three_threads")
def test_number_of_threads_is_as_before_after_training():
    with narrow_threads(5):
        pass
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_number_of_threads_is_as_before_after_a_failed_training():
    with pytest.raises(KeyboardInterrupt), narrow_threads(5):
        raise KeyboardInterrupt
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_tasks_run_side_by_side_each_on_one_thread_and_answer_in_order():
    meeting = threading.Barrier(3, timeout=10)

    def task(number, stop):
        meeting.wait()  # broken unless all three run at once
        return number, torch.get_num_threads(), stop.is_set()

    assert in_threads([partial(task, number) for number in range(3)], CPU) == [(n, 1, False) for n in range(3)]
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_when_a_task_fails_the_others_are_told_and_its_error_is_raised():
    told = []

    def waits(stop):
        told.append(stop.wait(10))

    def fails(stop):
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError, match="no"):
        in_threads([waits, fails, waits], CPU)
    assert told == [True, True]


def test_no_tasks_give_no_answers():
    assert in_threads([], CPU) == []
