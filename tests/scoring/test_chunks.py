"""A chunk's rows are counted, and a model is named after what it is."""

from swift_hydra_kedro.data.checkpoint import name_of
from swift_hydra_kedro.data.stream import Chunk
from swift_hydra_kedro.scoring.chunks import ChunkScorer

from ..budgets import WIDE
from ..mixed_table import fitted_classifier


def test_rows_are_counted_whether_scored_or_rejected_and_broken_lines_are_not(model, rows):
    rows = rows.astype({"size": object})
    rows.loc[[3, 40], "size"] = "?"
    scored = ChunkScorer.of(model, (), None)(Chunk(0, rows, ["a line of two fields"]))
    assert (len(scored.scores), len(scored.rejects), scored.n_rows) == (58, 3, 60)


def test_the_name_of_a_model_changes_with_the_model(scorer, model):
    other = fitted_classifier(threshold=0.4, detection=WIDE).scorer_.to_checkpoint()
    assert name_of(model) == name_of(scorer.to_checkpoint()) != name_of(other)
