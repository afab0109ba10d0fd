import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rtdl_revisiting_models import FTTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.ft_transformer import FTTransformerDetector, NumericFTTransformer
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.runtime import stage_generators

CPU = torch.device("cpu")


@parametrize_with_checks(
    [FTTransformerDetector(n_blocks=1, max_steps=20, batch_size=16, learning_rate=1e-2, device="cpu", random_state=0)]
)
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def table(n_features=3):
    x = np.random.default_rng(0).normal(size=(40, n_features)).astype(np.float32)
    return x, (np.arange(40) < 4).astype(int)


def test_two_steps_are_those_of_the_library_used_by_hand():
    x, y = table()
    rows, label = torch.as_tensor(x), torch.as_tensor(y, dtype=torch.float32)
    generator = stage_generators(5, "FTTransformerDetector", CPU).torch
    with seeded_init(generator):
        network = FTTransformer(n_cont_features=3, cat_cardinalities=[], d_out=1, **FTTransformer.get_default_kwargs(2))
        optimiser = torch.optim.AdamW(network.make_parameter_groups(), lr=1e-2, weight_decay=10)  # not of biases
        for batch in batches(label, 2, 16, True, generator):
            optimiser.zero_grad()
            logits = network(rows[batch], None)
            F.binary_cross_entropy_with_logits(logits, label[batch].unsqueeze(1)).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
    network.eval()
    expected = torch.sigmoid(network(rows, None)).flatten().detach()
    detector = FTTransformerDetector(max_steps=2, batch_size=16, learning_rate=1e-2, weight_decay=10, random_state=5)
    detector.set_params(device="cpu").fit(x, y)
    np.testing.assert_allclose(detector.decision_function(x) + detector.offset_, expected, rtol=1e-5)


def test_features_have_no_order_but_their_embeddings():
    network = NumericFTTransformer(
        n_cont_features=5, cat_cardinalities=[], d_out=1, **FTTransformer.get_default_kwargs(2)
    ).eval()
    x, order = torch.randn(7, 5), torch.tensor([3, 0, 4, 1, 2])
    before = network(x)
    for weights in network.cont_embeddings.parameters():
        weights.data = weights[order]
    torch.testing.assert_close(network(x[:, order]), before)


@pytest.mark.parametrize("n_features", [127, 128])
def test_attention_is_compressed_in_wide_tables_alone(n_features):
    detector = FTTransformerDetector(max_steps=1, batch_size=2, device="cpu", random_state=0).fit(*table(n_features))
    compression = detector.network_.backbone.blocks[0]["attention"].key_compression
    assert (compression is None) == (n_features == 127)
    if compression is not None:
        assert compression.weight.shape == (64, 129)
    assert np.isfinite(detector.decision_function(table(n_features)[0])).all()


def test_rows_far_out_and_constant_columns_have_finite_scores():
    x, y = table()
    x[:, 1] = 0
    x[0, 0] = 1e5
    detector = FTTransformerDetector(max_steps=10, batch_size=16, device="cpu", random_state=0).fit(x, y)
    assert np.isfinite(detector.decision_function(np.vstack([x, -1e5 * np.ones((1, 3))]))).all()


def test_too_many_blocks_are_refused():
    with pytest.raises(ValueError, match="n_blocks"):
        FTTransformerDetector(n_blocks=7, device="cpu").fit(*table())
