"""The whole stage: training pairs alone, each rejection in the ledger, the same bytes with any cache."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from stages.augment import paraphrases
from stages.augment.__main__ import main, training_pairs
from stages.augment.interface import AugmentParams
from stages.augment.lexical_variants import METHODS
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.params import load_section
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.reviews import VARIANTS
from stages.lib.schemas.splits import Fingerprints, Splits
from tests.augment.rows import fingerprints, pairs
from tests.augment.translators import only_here, tiny_marian

TERMS = {
    "Loss of fat tissue in a localized area": "Destruction of subcutaneous fat in a limited region of the body.",
    "Short 2nd finger": "The index finger is shorter than it should be.",
    "Facial clefts": "A cleft of the face, at birth.",
    "Night blindness": "Poor sight in the dark.",
    "Hypercalcaemia": "Too much calcium in the blood.",
    "Hyperkalemia": "Too much potassium in the blood.",
    "Excessive hair of the face": "Hair grows where it should not, on the cheeks and the chin.",
}


def configure(**changes):
    yaml = YAML()
    params = yaml.load(Path("params.yaml").read_text("utf-8"))
    params["augment"].update(changes)
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def write_verdicts(*verdicts):
    """Write (parent, variant, yes or no)."""
    Path("data/review").mkdir(parents=True, exist_ok=True)
    lines = [f"{parent},{pair},{verdict},," for parent, pair, verdict in verdicts]
    text = "\n".join([",".join(VARIANTS), *lines]) + "\n"
    Path("data/review/variants.csv").write_text(text, "utf-8")


def write_inputs(frame, splits, texts):
    """Write the inputs of the stage: the split of each pair, and the texts of the documents."""
    write_verdicts()
    rows = pd.DataFrame(
        {
            "id": [*frame["pair_id"], *frame["doc_id"]],
            "component_id": [*frame["doc_id"]] * 2,
            "split": splits * 2,
        }
    ).astype("str")
    passages = pd.DataFrame(
        {
            "passage_id": frame["doc_id"] + "-0000",
            "doc_id": frame["doc_id"],
            "position": 0,
            "text": texts,
        }
    ).astype(Passages.empty().dtypes.to_dict())
    held_out = frame["anchor"][[split in ("validation", "test") for split in splits]]
    tables.write(frame, Path("data/pair/pairs.parquet"), Pairs)
    tables.write(passages, Path("data/pair/passages.parquet"), Passages)
    tables.write(rows.drop_duplicates("id"), Path("data/split/splits.parquet"), Splits)
    tables.write(fingerprints(*held_out), Path("data/split/fingerprints.parquet"), Fingerprints)
    Path("data/glossary").mkdir()
    Path("data/glossary/abbreviations.csv").write_text("short,long\nECG,electrocardiogram\n")
    Path("data/glossary/spelling.csv").write_text(
        "us,uk\ntumor,tumour\nanemia,anaemia\ncolor,colour\n"
    )


def read_outputs():
    rows = tables.read(Path("data/augment/pairs.parquet"), Pairs)
    ledger = tables.read(Path("data/augment/ledger.parquet"), Ledger)
    return rows, ledger, read_details(Path("metrics/details/augment.json"))


def test_the_stage_trains_on_training_pairs_alone(project):
    frame = pairs(
        *[(f"tumor {index}", str(index)) for index in range(20)], ("anemia", "v"), ("color", "t")
    )
    ids = list(frame["pair_id"])
    write_inputs(frame, ["train"] * 20 + ["validation", "test"], "A text.")
    main()
    rows, ledger, metrics = read_outputs()
    assert set(ids[:20]) < set(rows["pair_id"])
    assert not set(ids[20:]) & set(rows["pair_id"])
    assert {key: value for key, value in metrics.items() if value} == {
        "rows_in": 20,
        "rows_out": 22,
        "added.spelling": 20,
        "accepted.spelling": 2,
        "passed_share.spelling": 1.0,
        "dropped.over_share": 18,
    }
    assert {f"{kind}.{method}" for kind in ("added", "accepted") for method in METHODS} < set(
        metrics
    )
    assert {f"dropped.{reason}" for reason in paraphrases.REASONS} < set(metrics)
    assert ledger["action"].value_counts().to_dict() == {"add": 20, "drop": 18}


@pytest.mark.slow
def test_typing_errors_are_for_training_anchors_alone(project):
    configure(keyboard=True, max_share=1.0)
    frame = pairs(("broken kettle", "a"), ("kettle with 12 cups", "b"), ("toaster", "t"))
    write_inputs(frame, ["train", "train", "test"], "A text.")
    main()
    rows, _, metrics = read_outputs()
    mistyped = rows[rows["source"] == "augment.keyboard"]["anchor"]
    assert metrics["accepted.keyboard"] == len(mistyped) == 2
    assert not any("toaster" in anchor or anchor in set(frame["anchor"]) for anchor in mistyped)
    assert all("12" in anchor for anchor in mistyped if "with" in anchor)


def test_a_pair_without_a_split_stops_the_stage():
    frame = pairs(("tumor", "a"))
    with pytest.raises(UserError, match=f"pair {frame['pair_id'][0]} .* has no split"):
        training_pairs(frame, Splits.empty())


@only_here
@pytest.mark.slow
def test_bytes_of_back_translations_do_not_depend_on_the_cache(project, monkeypatch):
    configure(back_translation="bergamot", max_share=1.0)
    monkeypatch.setenv("PAIRSMITH_CACHE", str(project / "cache"))
    frame = pairs(*[(term, str(index)) for index, term in enumerate(TERMS)], ("Loss of hair", "v"))
    write_inputs(
        frame, ["train"] * len(TERMS) + ["validation"], [*TERMS.values(), "Hair falls out."]
    )
    main()
    rows, ledger, metrics = read_outputs()
    added = ledger.query("reason == 'back_translation'")
    assert len(added) == metrics["added.back_translation"] == len(TERMS)
    reason_of_variant = (
        ledger.query("action == 'drop'")
        .set_index("row_id")["reason"]
        .reindex(added["row_id"])
        .fillna("")
    )
    anchors = frame.set_index("pair_id")["anchor"]
    translations = dict(
        zip(
            anchors[added["partner_id"]],
            zip(added["after"], reason_of_variant, strict=True),
            strict=True,
        )
    )
    # Labelled by a person: the first says the same, the others name something else.
    assert translations["Loss of fat tissue in a localized area"] == (
        "Loss of adipose tissue in a localized area",
        "",
    )
    assert translations["Facial clefts"] == ("The Facial Slots", "word")
    assert translations["Hypercalcaemia"] == ("Hyperkalemia", "word")
    assert translations["Hyperkalemia"] == ("Hyperkalemia", "copied")
    accepted = set(rows["anchor"]) - set(frame["anchor"])
    assert accepted == {text for text, reason in translations.values() if not reason}
    assert 0.0 < metrics["passed_share.back_translation"] < 1.0

    outputs = [Path(f"data/augment/{name}.parquet") for name in ("pairs", "ledger")]
    cold = [path.read_bytes() for path in outputs]
    main()
    assert [path.read_bytes() for path in outputs] == cold
    shutil.rmtree(project / "cache")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    main()
    assert [path.read_bytes() for path in outputs] == cold


@pytest.mark.slow
def test_the_output_of_random_weights_is_rejected(project, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(project / "cache"))
    folders = [
        str(tiny_marian(project / name, seed))
        for seed, name in enumerate(("there", "back"), start=1)
    ]
    configure(
        back_translation="marian",
        marian_models=folders,
        abbreviations=False,
        spelling=False,
        max_share=1.0,
    )
    frame = pairs(*[(term, str(index)) for index, term in enumerate(TERMS)])
    write_inputs(frame, ["train"] * len(TERMS), list(TERMS.values()))
    main()
    rows, ledger, metrics = read_outputs()
    assert set(rows["pair_id"]) == set(frame["pair_id"])
    added = ledger.query("action == 'add'")
    assert len(added) == metrics["added.back_translation"] > 0
    assert metrics["passed_share.back_translation"] == 0.0
    assert set(added["row_id"]) == set(ledger.query("action == 'drop'")["row_id"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"back_translation": "marian"}, "two folders"),
        ({"marian_models": ["a", "b"]}, "two folders"),
        ({"min_cosine": 0.9, "max_cosine": 0.8}, "min_cosine is above max_cosine"),
        ({"min_chrf": 1.0}, "min_chrf is above max_chrf"),
        ({"back_translation": "deepl"}, "augment.back_translation"),
        ({"max_rank_loss": -1}, "augment.max_rank_loss"),
    ],
)
def test_parameters_without_a_meaning_are_errors(project, changes, message):
    configure(**changes)
    with pytest.raises(UserError, match=message):
        load_section(AugmentParams)
