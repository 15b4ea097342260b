"""Validation: which rows judge."""

from cotune.catalogue.derive import DATA, technique

KIND = "validation"

HOLDOUT = {"method": "holdout"}

OF_COLUMNS = tuple(kind for kind in DATA if kind != "graph")
"""Data whose rows may have a column for the split."""

VALIDATION_ROWS = (
    technique(
        KIND, "hold_out", HOLDOUT, {"method": "kfold"}, parameters=["validation", "test"],
        reference="Highleyman 1962", summary="a fraction of the rows judges; of classes the same share each",
    ),
    technique(
        KIND, "k_fold", {"method": "kfold", "folds": 5}, HOLDOUT, parameters=["folds"],
        reference="Stone 1974", summary="each of k parts judges once, a network trained on the others",
    ),
    technique(
        KIND, "stratified", {"method": "stratified", "folds": 5}, HOLDOUT, parameters=["folds"],
        reference="Kohavi 1995", summary="k folds, each with every class, or range of values, in its share",
    ),
    technique(
        KIND, "leave_one_out", {"method": "leave_one_out"}, HOLDOUT,
        reference="Lachenbruch & Mickey 1968", summary="each row judges once",
    ),
    technique(
        KIND, "repeated", {"method": "kfold", "repeats": 2}, {"repeats": 1}, parameters=["folds", "repeats"],
        reference="Burman 1989", summary="folds are drawn several times",
    ),
    technique(
        KIND, "group", {"method": "group"}, HOLDOUT, parameters=["folds"], asks=("group",), data=OF_COLUMNS,
        reference="scikit-learn: GroupKFold", summary="rows with an equal value of a column stay in one fold",
    ),
    technique(
        KIND, "time", {"method": "time"}, HOLDOUT, parameters=["folds"], asks=("time",), data=OF_COLUMNS,
        reference="Tashman 2000", summary="later rows judge networks trained on earlier ones",
    ),
)  # fmt: skip
