"""Batch size: how many rows make a step."""

from cotune.catalogue.derive import technique

KIND = "batch"

BATCH_ROWS = (
    technique(
        KIND, "fixed", {"batch_size": 64}, {"batch_size": "auto"}, parameters=["batch_size"],
        reference="Masters & Luschi 2018", summary="so many rows a step",
    ),
    technique(
        KIND, "full", {"batch_size": "full"}, {"batch_size": "auto"},
        reference="Cauchy 1847", summary="all training rows of the fold make one step",
    ),
    technique(
        KIND, "growing", {"batch_growth": 8.0}, {"batch_growth": 1.0}, parameters=["batch_growth"],
        reference="Smith et al. 2018", summary="the batch doubles at equal distances",
    ),
    technique(
        KIND, "structural", {}, {}, command="cotune tune DATA --target COL --set 'batch_size=[32, 64, 128]'",
        parameters=["batch_size"], reference="Bengio 2012",
        summary="searched like any parameter; lanes of equal batch size train together",
    ),
)  # fmt: skip
