"""Tune a network for a table: breast tumours, 569 rows, 30 numbers each, malignant or benign.

python examples/01_tune_a_table.py
"""

from sklearn.datasets import load_breast_cancer

import cotune

cancer = load_breast_cancer()
labels = cancer.target_names[cancer.target]

study = cotune.tune((cancer.data, labels), target="tumour", time_limit="6s", quiet=False)

best = study.show()["best"]
print(
    f"trial {best['trial']}: validation accuracy {best['score']:.3f}, test accuracy {best['test_score']:.3f}"
)
for row in study.leaderboard()[:3]:
    print(row["rank"], f"{row['score']:.3f}", row["params"])
print("what the model says of the first tumour:", study.best.predict(cancer.data[:1])[0])
print("the whole story:", study.report)
