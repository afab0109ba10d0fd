import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info, threadpool_limits

from swift_hydra_kedro.detection import clustering
from swift_hydra_kedro.detection.clustering import find_clusters


def blobs(n_blobs, rng, size=40, n_features=8):
    """Blobs that lie equally far from each other, on the axes."""
    centres = 20 * np.eye(n_features)[:n_blobs]
    x = np.concatenate([centre + rng.normal(size=(size, n_features)) for centre in centres])
    return x.astype(np.float32), np.repeat(np.arange(n_blobs), size)


@pytest.mark.parametrize("n_blobs", [2, 3, 5, 7])
def test_separate_blobs_are_found(rng, n_blobs):
    x, blob = blobs(n_blobs, rng)
    clusters = find_clusters(x, 10, rng)
    assert len(clusters.centres) == n_blobs
    assert len(set(zip(clusters.assign(x), blob, strict=True))) == n_blobs


def test_identical_rows_are_one_cluster(rng):
    clusters = find_clusters(np.ones((30, 4), np.float32), 10, rng)
    np.testing.assert_allclose(clusters.centres, np.ones((1, 4)))


def test_two_different_rows_are_not_torn_apart(rng):
    assert len(find_clusters(np.array([[0.0, 0.0], [1.0, 1.0]], np.float32), 10, rng).centres) == 1


def test_no_more_clusters_than_asked_for(rng):
    clusters = find_clusters(blobs(7, rng)[0], 4, rng)
    assert len(clusters.centres) <= 4
    assert len(clusters.inertia) == 4


def test_inertia_is_the_squared_distance_to_the_centres_and_falls(rng):
    x, _ = blobs(3, rng)
    clusters = find_clusters(x, 6, rng)
    to_own = x - clusters.centres[clusters.assign(x)]
    assert clusters.inertia[len(clusters.centres) - 1] == pytest.approx((to_own**2).sum(), rel=1e-4)
    assert clusters.inertia[0] == pytest.approx(((x - x.mean(0)) ** 2).sum(), rel=1e-4)
    assert all(np.diff(clusters.inertia) < 0)


def test_rows_go_to_the_nearest_centre(rng):
    x, _ = blobs(3, rng)
    clusters = find_clusters(x, 6, rng)
    distance = np.linalg.norm(x[:, None] - clusters.centres[None], axis=2)
    np.testing.assert_array_equal(clusters.assign(x), distance.argmin(1))


def test_large_tables_are_sampled(rng, monkeypatch):
    x, _ = blobs(3, rng)
    whole = find_clusters(x, 6, rng)
    monkeypatch.setattr(clustering, "MAX_ROWS", 60)
    sampled = find_clusters(x, 6, rng)
    assert sampled.inertia[0] == pytest.approx(whole.inertia[0] / 2, rel=0.1)
    assert len(sampled.centres) == 3


def test_clusters_follow_the_seed():
    x = np.random.default_rng(3).normal(size=(60, 5))
    first, same = (find_clusters(x, 6, np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(first.centres, same.centres)
    assert first.inertia == same.inertia


def test_clusters_are_found_on_one_thread(rng, monkeypatch):
    numbers = []

    class Watched(KMeans):
        def fit(self, x):
            numbers.extend(library["num_threads"] for library in threadpool_info() if library["user_api"] == "openmp")
            return super().fit(x)

    monkeypatch.setattr(clustering, "KMeans", Watched)
    with threadpool_limits(2):
        find_clusters(blobs(3, rng)[0], 3, rng)
    assert set(numbers) == {1}
