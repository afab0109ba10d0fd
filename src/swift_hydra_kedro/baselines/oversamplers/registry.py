"""The over-samplers by name: a new one is an entry here and, where it needs code, a file beside."""

from __future__ import annotations

from swift_hydra_kedro.baselines import swift_hydra
from swift_hydra_kedro.baselines.method import Oversampler, on_device, seeded

HERE = "swift_hydra_kedro.baselines.oversamplers"

OVERSAMPLERS: dict[str, Oversampler] = {
    "auto_smote": Oversampler(
        build=seeded(f"{HERE}.auto_smote.AutoSMOTE", ratios=(1.0, 0.75, 0.5, 0.25, 0.0)),
        family="interpolation, learned",
        paper="Zha et al., CIKM 2022",
        checked="segments, torch's log-probabilities, optima planted in the reward",
    ),
    "oversampling_gan": Oversampler(
        build=on_device(f"{HERE}.oversampling_gan.OversamplingGAN"),
        family="generative",
        paper="Nazari and Branco, LIDTA 2021",
        checked="losses in closed form, moments of a normal class",
    ),
    "mixann": Oversampler(
        build=seeded(f"{HERE}.mixann.MixAnN"),
        family="mix-up by a learned policy",
        paper="Lai et al., CIKM 2023",
        checked="equations by hand, retrained scikit-learn classifiers, a bandit with a known optimum",
    ),
    "smote": Oversampler(
        build=seeded(f"{HERE}.smote.FewShotSMOTE"),
        family="interpolation",
        paper="Chawla et al., JAIR 2002",
        library="imblearn",
    ),
    "borderline_smote": Oversampler(
        build=seeded(f"{HERE}.smote.FewShotBorderlineSMOTE"),
        family="interpolation",
        paper="Han et al., ICIC 2005",
        library="imblearn",
    ),
    "adasyn": Oversampler(
        build=seeded(f"{HERE}.smote.FewShotADASYN"),
        family="interpolation",
        paper="He et al., IJCNN 2008",
        library="imblearn",
    ),
    "svm_smote": Oversampler(
        build=seeded(f"{HERE}.smote.FewShotSVMSMOTE"),
        family="interpolation",
        paper="Nguyen et al., IJKESDP 2011",
        library="imblearn",
    ),
    "cbo": Oversampler(
        build=seeded(f"{HERE}.cbo.CBO"),
        family="interpolation in clusters",
        paper="Xu et al., Information Sciences 2021",
        checked="a search of every pair of anomalies in every cluster",
    ),
    "random_averaging": Oversampler(
        build=seeded(f"{HERE}.random_averaging.RandomAveraging"),
        family="interpolation",
        paper="Lai et al., CIKM 2023",
        checked="the means of all pairs of anomalies",
    ),
    "mix_boost": Oversampler(
        build=seeded(f"{HERE}.mix_boost.MixBoost"),
        family="mixing of classes",
        paper="Kabra et al., ICDM 2020",
        checked="all pairs of rows; entropies by hand",
    ),
    "swift_hydra_sampler": Oversampler(
        build=swift_hydra.sampler,
        family="RL-guided C-VAE",
        paper="Swift Hydra, ICLR 2025",
        checked="the synthetic anomalies that SwiftHydraClassifier keeps for the same seed",
        stages=("preparation", "pretraining", "synthesis"),
    ),
    "vae_geometry": Oversampler(
        build=seeded(f"{HERE}.vae_geometry.VAEGeometry"),
        family="generative",
        paper="Chadebec et al., TPAMI 2023",
        library="pythae",
    ),
}
