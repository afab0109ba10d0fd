import numpy as np
import pytest
import torch
from torch import nn

from swift_hydra_kedro.baselines.detectors.adgym_network import (
    ARCHITECTURES,
    INITIALISERS,
    MLP,
    Autoencoder,
    FTTransformer,
    ResNet,
    ScoreNetwork,
)

CHOICES = {"hidden": (6, 4), "activation": "relu", "dropout": 0.1, "initialisation": "default"}


def rows(n=5, n_features=3):
    return torch.randn(n, n_features, generator=torch.Generator().manual_seed(0))


def linear(layer, x):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def relu(x):
    return np.maximum(x, 0)


def test_an_mlp_is_its_matrix_products():
    body, x = MLP(3, (6, 4), nn.ReLU, 0.1).eval(), rows()
    expected = relu(linear(body[3], relu(linear(body[0], x.numpy()))))
    np.testing.assert_allclose(body(x).detach(), expected, rtol=1e-5, atol=1e-6)


def test_an_autoencoder_shows_its_code_and_where_and_how_far_it_is_off():
    body, x = Autoencoder(3, (6, 4), nn.ReLU, 0.1).eval(), rows()
    code, direction, norm = body(x).detach().split([4, 3, 1], dim=1)
    decoded = linear(body.decoder[1], relu(linear(body.decoder[0][0], code.numpy())))
    np.testing.assert_allclose(decoded + (direction * norm).numpy(), x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(direction.norm(dim=1), 1, rtol=1e-5)


def test_a_residual_network_whose_blocks_say_nothing_is_its_first_layer():
    body, x = ResNet(3, (6, 4), nn.ReLU, 0.1).eval(), rows()
    for block in body.blocks:
        nn.init.zeros_(block[4].weight)
        nn.init.zeros_(block[4].bias)
    np.testing.assert_allclose(body(x).detach(), relu(linear(body.first, x.numpy())), rtol=1e-4, atol=1e-5)


def test_a_transformer_has_no_order_of_features():
    body, x = FTTransformer(3, (6, 4), nn.ReLU, 0.1).eval(), rows()
    before, order = body(x).detach(), [2, 0, 1]
    body.weight.data = body.weight.data[order]
    body.bias.data[1:] = body.bias.data[1:][order]
    np.testing.assert_allclose(body(x[:, order]).detach(), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_row_is_scored_by_itself(architecture):
    network, x = ScoreNetwork(3, architecture=architecture, **CHOICES).eval(), rows()
    alone = torch.cat([network(row[None])[0] for row in x])
    np.testing.assert_allclose(network(x)[0].detach(), alone.detach(), rtol=1e-4, atol=1e-6)


def test_only_an_autoencoder_has_reconstruction_errors():
    errors = {name: ScoreNetwork(3, architecture=name, **CHOICES).eval()(rows())[1].detach() for name in ARCHITECTURES}
    assert [name for name, error in errors.items() if error.any()] == ["autoencoder"]


def test_the_error_is_the_mean_square_of_the_residual():
    network, x = ScoreNetwork(3, architecture="autoencoder", **CHOICES).eval(), rows()
    residual = x - network.body.decoder(network.body.encoder(x))
    np.testing.assert_allclose(network(x)[1].detach(), residual.detach().square().mean(1), rtol=1e-5)


@pytest.mark.parametrize(
    ("initialisation", "deviation"),
    [
        ("xavier_uniform", (2 / (400 + 100)) ** 0.5),
        ("xavier_normal", (2 / (400 + 100)) ** 0.5),
        ("kaiming_uniform", (2 / 400) ** 0.5),
        ("kaiming_normal", (2 / 400) ** 0.5),
        ("default", (1 / 3 / 400) ** 0.5),
    ],
)
def test_weights_begin_with_the_spread_of_their_initialiser(initialisation, deviation):
    choices = CHOICES | {"hidden": (100,), "initialisation": initialisation}
    weight = ScoreNetwork(400, architecture="mlp", **choices).body[0].weight
    assert float(weight.detach().std()) == pytest.approx(deviation, rel=0.05)
    assert initialisation in INITIALISERS
