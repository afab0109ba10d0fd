"""The detectors by name: a new one is an entry here and, where it needs code, a file beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joblib import effective_n_jobs

from swift_hydra_kedro.baselines import swift_hydra
from swift_hydra_kedro.baselines.method import Detector, Factory, on_device, seeded, seedless
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig

if TYPE_CHECKING:  # torch and all: imported when a method is built
    from swift_hydra_kedro.baselines.detectors.mamba import MambaClassifier

HERE = "swift_hydra_kedro.baselines.detectors"
FED = "swift_hydra_no_synthesis"  # what an over-sampler feeds that is named alone


def _catboost(run: RunConfig, config: SwiftHydraConfig) -> Any:
    """As many threads as joblib's context allows, of which CatBoost by itself knows nothing."""
    n_threads = effective_n_jobs(-1)
    settings = {"verbose": 0, "allow_writing_files": False, "thread_count": n_threads}
    return seeded("catboost.CatBoostClassifier", **settings)(run, config)


def _own(build: Factory, checked: str, stages: tuple[str, ...] = swift_hydra.STAGES) -> Detector:
    return Detector(
        build=build,
        family="mixture of experts",
        paper="Swift Hydra, ICLR 2025",
        checked=checked,
        stages=stages,
        supervision="supervised",
        threshold="probability",
    )


def _mamba(run: RunConfig, config: SwiftHydraConfig) -> MambaClassifier:
    from swift_hydra_kedro.baselines.detectors.mamba import MambaClassifier

    return MambaClassifier(detector=config.pretraining.detector.model_dump(), device=run.device, random_state=run.seed)


DETECTORS: dict[str, Detector] = {
    FED: _own(
        swift_hydra.variant({"synthesis": {"enabled": False}}),
        "the plain mixture, in double precision",
        ("preparation", "detection"),
    ),
    "swift_hydra": _own(swift_hydra.classifier, "the pipeline's results for the same seed"),
    "swift_hydra_single": Detector(
        build=swift_hydra.single,
        family="network",
        paper="Swift Hydra, ICLR 2025",
        checked="the pipeline's single detector for the same seed",
        stages=("preparation", "pretraining", "synthesis"),
        supervision="supervised",
        threshold="probability",
    ),
    "swift_hydra_transformer": _own(swift_hydra.variant(swift_hydra.TRANSFORMER), "the blocks of what it is made of"),
    "swift_hydra_traditional": _own(swift_hydra.traditional, "the switches that it sets"),
    **{
        f"swift_hydra_kl_{weight}": _own(
            swift_hydra.variant({"pretraining": {"cvae": {"kl_weight": weight}}}), "the weight that its C-VAE has"
        )
        for weight in swift_hydra.KL_WEIGHTS
    },
    "extra_trees": Detector(
        build=seeded("sklearn.ensemble.ExtraTreesClassifier", n_estimators=300, n_jobs=-1),
        family="trees",
        paper="Geurts et al., Machine Learning 2006",
        library="sklearn",
        supervision="supervised",
    ),
    "random_forest": Detector(
        build=seeded("sklearn.ensemble.RandomForestClassifier", n_estimators=300, n_jobs=-1),
        family="trees",
        paper="Breiman, Machine Learning 2001",
        library="sklearn",
        supervision="supervised",
    ),
    "hist_gradient_boosting": Detector(
        build=seeded(
            "sklearn.ensemble.HistGradientBoostingClassifier",
            early_stopping=False,  # it cannot hold out a part of one anomaly
        ),
        family="boosted trees",
        paper="Ke et al., NeurIPS 2017",
        library="sklearn",
        supervision="supervised",
    ),
    "xgboost": Detector(
        build=seeded("xgboost.XGBClassifier", n_estimators=300, learning_rate=0.05),
        family="boosted trees",
        paper="Chen and Guestrin, KDD 2016",
        library="xgboost",
        supervision="supervised",
    ),
    "lightgbm": Detector(
        build=seeded("lightgbm.LGBMClassifier", n_estimators=300, learning_rate=0.05, verbose=-1),
        family="boosted trees",
        paper="Ke et al., NeurIPS 2017",
        library="lightgbm",
        supervision="supervised",
    ),
    "catboost": Detector(
        build=_catboost,
        family="boosted trees",
        paper="Prokhorenkova et al., NeurIPS 2018",
        library="catboost",
        supervision="supervised",
    ),
    "xgbod": Detector(
        build=seeded(f"{HERE}.xgbod.XGBODDetector", verbosity=0),
        family="boosted trees",
        paper="Zhao and Hryniewicki, IJCNN 2018",
        library="pyod",
        needs=("xgboost",),
        supervision="supervised",
        max_rows=5_000,  # of its 41 detectors, eleven are one-class support vector machines
    ),
    "logistic_regression": Detector(
        build=seeded("sklearn.linear_model.LogisticRegression", max_iter=1000),
        family="linear",
        paper="Cox, JRSS B 1958",
        library="sklearn",
        supervision="supervised",
    ),
    "knn_classifier": Detector(
        build=seedless(f"{HERE}.knn.KNNClassifier"),
        family="neighbours",
        paper="Fix and Hodges, 1951",
        library="sklearn",
        supervision="supervised",
        max_rows=50_000,
    ),
    "mlp": Detector(
        build=seeded("sklearn.neural_network.MLPClassifier"),
        family="network",
        paper="Rumelhart et al., Nature 1986",
        library="sklearn",
        supervision="supervised",
        max_rows=100_000,
    ),
    "isolation_forest": Detector(
        build=seeded(f"{HERE}.isolation_forest.IsolationForestDetector", n_estimators=300, n_jobs=-1),
        family="isolation",
        paper="Liu et al., ICDM 2008",
        library="sklearn",
        supervision="unsupervised",
    ),
    # The scores of these two are ranks among the training rows and those scored with them: score a test part at once.
    "ecod": Detector(
        build=seedless("pyod.models.ecod.ECOD"),
        family="distribution",
        paper="Li et al., TKDE 2023",
        library="pyod",
        supervision="unsupervised",
    ),
    "copod": Detector(
        build=seedless("pyod.models.copod.COPOD"),
        family="distribution",
        paper="Li et al., ICDM 2020",
        library="pyod",
        supervision="unsupervised",
    ),
    "cblof": Detector(
        build=seeded(f"{HERE}.cblof.CBLOFDetector"),
        family="clusters",
        paper="He et al., Pattern Recognition Letters 2003",
        library="pyod",
        supervision="unsupervised",
    ),
    "knn": Detector(
        build=seedless(f"{HERE}.knn.KNNDetector"),
        family="neighbours",
        paper="Ramaswamy et al., SIGMOD 2000",
        library="pyod",
        supervision="unsupervised",
        max_rows=50_000,
    ),
    "lof": Detector(
        build=seedless("pyod.models.lof.LOF"),
        family="neighbours",
        paper="Breunig et al., SIGMOD 2000",
        library="pyod",
        supervision="unsupervised",
        max_rows=50_000,
    ),
    "rejex": Detector(
        build=seeded(f"{HERE}.rejex.RejExDetector"),
        family="isolation",
        paper="Perini and Davis, NeurIPS 2023",
        library="pyod",
        supervision="unsupervised",
    ),
    "dte_np": Detector(
        build=seedless(f"{HERE}.dte_np.NonParametricDTE", n_jobs=-1),
        family="neighbours",
        paper="Livernoche et al., ICLR 2024",
        checked="distances from all rows, sorted; the posterior of the noise's variance, integrated",
        supervision="one-class",
        max_rows=50_000,
    ),
    "dte_c": Detector(
        build=on_device(f"{HERE}.dte_c.DiffusionTimeClassifier"),
        family="diffusion",
        paper="Livernoche et al., ICLR 2024",
        checked="the exact posterior of the time, for training rows so few that it can be summed",
        supervision="one-class",
    ),
    "adgym_search": Detector(
        build=on_device(f"{HERE}.adgym_search.ADGymSearch"),
        family="search for a network",
        paper="after Jiang et al., NeurIPS 2023",
        checked="the finalists trained again; losses and networks as plain loops",
        supervision="weakly supervised",
        max_rows=50_000,
    ),
    "ft_transformer": Detector(
        build=on_device(f"{HERE}.ft_transformer.FTTransformerDetector"),
        family="attention",
        paper="Gorishniy et al., NeurIPS 2021",
        library="rtdl_revisiting_models",
        supervision="supervised",
    ),
    "transformer": Detector(
        build=on_device(f"{HERE}.transformer.TransformerDetector"),
        family="attention",
        paper="Vaswani et al., NeurIPS 2017; Swift Hydra, ICLR 2025, table 5",
        checked="attention written out, one head at a time",
        supervision="supervised",
    ),
    "mamba": Detector(
        build=_mamba,
        family="state space",
        paper="Gu and Dao, COLM 2024; Swift Hydra, ICLR 2025, table 5",
        checked="the pipeline's single detector, fitted by hand",
        stages=("pretraining",),
        supervision="supervised",
    ),
    "tabm": Detector(
        build=on_device(f"{HERE}.tabm.TabMDetector"),
        family="network ensemble",
        paper="Gorishniy et al., ICLR 2025",
        library="tabm",
        supervision="supervised",
    ),
    "dev_net": Detector(
        build=on_device(f"{HERE}.dev_net.DevNet"),
        family="deviation loss",
        paper="Pang et al., KDD 2019",
        checked="its loss in closed form; deepod's DevNet on six tables",
        supervision="weakly supervised",
    ),
    "prenet": Detector(
        build=on_device(f"{HERE}.prenet.PReNet"),
        family="relations of pairs",
        paper="Pang et al., KDD 2023",
        checked="scores computed pair by pair; deepod's PReNet on six tables",
        supervision="weakly supervised",
    ),
    "deep_sad": Detector(
        build=on_device(f"{HERE}.deep_sad.DeepSAD"),
        family="distance from a centre",
        paper="Ruff et al., ICLR 2020",
        checked="its loss in closed form; deepod's DeepSAD on six tables",
        supervision="weakly supervised",
    ),
    "feawad": Detector(
        build=on_device(f"{HERE}.feawad.FEAWAD"),
        family="autoencoder's residual",
        paper="Zhou et al., TNNLS 2021",
        checked="its loss in closed form; deepod's FeaWAD on six tables",
        supervision="weakly supervised",
    ),
}
