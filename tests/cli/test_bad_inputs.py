"""Bad inputs at the command line: exit code 2, one message with place and remedy, and nothing left behind."""

import json
import shlex
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from study.tiny import FAST_WORDS, command, csv, table, tune

Build = Callable[[Path], object]
"""Puts the fault into the folder, which holds t.csv and the finished study `done`."""


@dataclass(frozen=True)
class Bad:
    name: str
    words: str
    """The command line; run inside the folder."""
    says: tuple[str, ...]
    """What the message must contain: the place and the remedy."""
    build: Build = lambda _: None


TUNE = "tune bad.csv --target y"
GOOD = "tune t.csv --target y"
LEFT_OUT = f"{GOOD} --set method=leave_one_out"
"""`GOOD` plus one bad word."""


def file(content: str | bytes, name: str = "bad.csv") -> Build:
    """A file with this content."""
    return lambda folder: (folder / name).write_bytes(
        content.encode() if isinstance(content, str) else content
    )


def lines(*rows: str, good: int = 40, header: str = "a,y") -> Build:
    """A CSV of `good` fine rows, then these."""
    fine = [f"{i / 10},{'no' if i % 2 else 'yes'}" for i in range(good)]
    return file("\n".join([header, *fine, *rows]) + "\n")


def store(*statements: str, study: str = "done") -> Build:
    """SQL run on the store of a study."""

    def build(folder: Path) -> None:
        connection = sqlite3.connect(folder / study / "study.sqlite")
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return build


JUNK = b"SQLite junk" * 999

UNFINISHED = "DELETE FROM meta WHERE key = 'finished'"


def both(*builds: Build) -> Build:
    """One fault after the other."""
    return lambda folder: [build(folder) for build in builds]


def excel(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bad.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")


def other_database(folder: Path) -> None:
    (folder / "other").mkdir()
    connection = sqlite3.connect(folder / "other" / "study.sqlite")
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()


def pipeline(change: Callable[[dict], object]) -> Build:
    """Change the description of the best model."""

    def build(folder: Path) -> None:
        path = folder / "done" / "best" / "pipeline.json"
        tree = json.loads(path.read_text())
        change(tree)
        path.write_text(json.dumps(tree))

    return build


def cut(name: str, keep: int) -> Build:
    """Keep only the first bytes of a file."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:keep])


def new_rows(change: Callable) -> Build:
    """new.csv: rows to predict, changed."""
    return lambda folder: change(table(rows=5)).write_csv(folder / "new.csv")


def remove(name: str) -> Build:
    return lambda folder: (folder / name).unlink()


DATA = [
    Bad("missing file", "tune nowhere.csv --target y", ("there is no file nowhere.csv",)),
    Bad("misspelt file", "tune tt.csv --target y", ("there is no file tt.csv", "did you mean 't.csv'")),
    Bad("missing folder", "tune far/t.csv --target y", ("no file far/t.csv", "no directory far")),
    Bad("no data named", "tune --target y", ("there is no data", "name a file")),
    Bad("no target named", "tune t.csv", ("target must be named", "--target")),
    Bad("an address", "tune https://example.org/t.csv --target y", ("address", "download it first")),
    Bad("empty file", TUNE, ("bad.csv", "empty"), file("")),
    Bad("blank file", TUNE, ("bad.csv",), file("\n\n\n")),
    Bad("header only", TUNE, ("bad.csv", "rows"), file("a,y\n")),
    Bad("no such column", "tune t.csv --target colur", ("'colur'", "did you mean 'colour'")),
    Bad("no header line", TUNE, ("no target column 'y'", "column names"), file("1,2\n3,4\n" * 20)),
    Bad("constant target", TUNE, ("'y'", "must vary", "another column"), file("a,y\n" + "1,x\n2,x\n" * 20)),
    Bad("one class with one row", TUNE, ("'maybe'", "at least 2 rows", "merge"), lines("1,maybe")),
    Bad("all targets missing", TUNE, ("'y'", "40", "another column"), file("a,y\n" + "1,\n2,\n" * 20)),
    Bad("all-missing column", TUNE, ("a", "usable"), file("a,y\n" + ",no\n,yes\n" * 20)),
    Bad("ragged row", TUNE, ("line 42", "3", "2"), lines("1,yes,7")),
    Bad("short row", TUNE, ("line 42",), lines("1")),
    Bad("a word among numbers", TUNE, ("a", "line 42", "'n/k'"), lines("n/k,yes")),
    Bad("infinite value", TUNE, ("a", "line 42", "inf"), lines("inf,yes")),
    Bad("number too large", TUNE, ("a", "line 42", "1e400"), lines("1e400,yes")),
    Bad("duplicate columns", TUNE, ("'a'", "rename"), lines(header="a,a", good=20)),
    Bad("latin-1 encoding", TUNE, ("UTF-8", "line"), 
        file(("a,y\n" + "1,Zürich\n2,Genf\n" * 20).encode("latin-1"))),
    Bad("utf-16 encoding", TUNE, ("UTF-8",), file(("a,y\n" + "1,no\n2,yes\n" * 20).encode("utf-16"))),
    Bad("binary junk", TUNE, ("bad.csv",), file(bytes(range(256)) * 20)),
    Bad("open quote", TUNE, ("quote",), lines('"1,yes')),
    Bad("a directory", "tune done --target y", ("done is a directory", "name a file")),
    Bad("a pickle", "tune bad.pkl --target y", ("never unpickles",), file(b"\x80\x04N.", "bad.pkl")),
    Bad("a zip", "tune bad.zip --target y", ("unpack it first",), file(b"PK\x03\x04", "bad.zip")),
    Bad("a sheet", "tune bad.xlsx --target y", ("bad.xlsx", "export the sheet as CSV"), excel),
    Bad("not Parquet", "tune bad.parquet --target y", ("bad.parquet", "Parquet"), file("a,y\n", "bad.parquet")),
    Bad("one row", TUNE, ("at least 10 rows", "more rows"), file("a,y\n1,no\n")),
    Bad("nine rows", TUNE, ("at least 10 rows", "9"), lines(good=9)),
    Bad("more classes than rows", TUNE, ("'y'", "classes", "another column"),
        file("a,y\n" + "".join(f"{i},id{i}\n" for i in range(40)))),
    Bad("only an identifier", TUNE, ("at least one column", "kind"),
        file("a,y\n" + "".join(f"id-{i},{'no' if i % 2 else 'yes'}\n" for i in range(40)))),
    Bad("binary with three classes", f"{TUNE} --task binary", ("2 classes", "3", "task=multiclass"),
        lines("1,so", "2,so")),
    Bad("words as regression", f"{GOOD} --task regression", ("'y'", "line 2", "task=multiclass")),
    Bad("group column missing", f"{GOOD} --set method=group --set group=sit", ("'sit'", "did you mean 'site'")),
    Bad("group not named", f"{GOOD} --set method=group", ("group column", "--set group=")),
    Bad("time not named", f"{GOOD} --set method=time", ("time column", "--set time=")),
    Bad("group is the target", f"{GOOD} --set method=group --set group=y", ("must not be the target", "'y'")),
    Bad("time is no date", f"{GOOD} --set method=time --set time=colour", ("colour", "line 2")),
    Bad("too few groups", f"{GOOD} --set method=group --set group=colour", ("groups", "3", "lower folds")),
    Bad("kind of no column", f"{GOOD} --set 'columns={{colr: numeric}}'", ("'colr'", "did you mean 'colour'")),
    Bad("unknown kind", f"{GOOD} --set 'columns={{colour: word}}'", ("data.columns", "'categorical'", "'word'")),
    Bad("wrong kind", f"{GOOD} --set 'columns={{colour: numeric}}'", ("colour", "line 2")),
    Bad("cv above rows", f"{GOOD} --cv 500", ("folds=500", "96 rows", "lower folds")),
    Bad("leave-one-out of many", "tune many.csv --target y --set method=leave_one_out", ("2000", "kfold"),
        lambda folder: csv(folder, rows=2600, name="many.csv")),
    Bad("test fraction too small", f"{GOOD} --set test=0.001", ("test=0.001", "another fraction")),
]  # fmt: skip

REQUEST = [
    Bad("unknown task", f"{GOOD} --task bnary", ("data.task", "'bnary'", "did you mean 'binary'")),
    Bad("unknown metric", f"{GOOD} --metric acuracy", ("search.metric", "did you mean 'accuracy'")),
    Bad("metric of another task", f"{GOOD} --metric rmse", ("rmse", "binary", "accuracy")),
    Bad("unknown metric beside", f"{GOOD} --set 'also=[acuracy]'", ("search.also", "did you mean 'accuracy'")),
    Bad("no list of metrics", f"{GOOD} --set also=roc_auc", ("search.also", "[roc_auc]")),
    Bad("metric beside of another task", f"{GOOD} --set 'also=[mcc, mape]'", ("search.also mape", "binary", "pr_auc")),
    Bad("metric beside of too few rows", f"{LEFT_OUT} --set 'also=[brier, mcc]'",
        ("search.also: mcc", "1 validation row")),
    Bad("metric of too few rows", f"{LEFT_OUT} --metric roc_auc", ("search.metric: roc_auc", "choose among", "brier")),
    Bad("metric beside of one class a fold",
        "tune sorted.csv --target y --set method=time --set time=a --set 'also=[pr_auc]'",
        ("search.also: pr_auc", "two classes", "log_loss"),
        lambda folder: table().sort("y").with_columns(a=pl.int_range(120)).write_csv(folder / "sorted.csv")),
    Bad("loss of another task", f"{GOOD} --set loss=mse", ("training.loss mse", "binary", "cross_entropy")),
    Bad("a choice of loss of another task", f"{GOOD} --set 'loss=[cross_entropy, mae]'", ("mae", "binary")),
    Bad("unknown key", f"{GOOD} --set dropuot=0.1", ("'dropuot'", "did you mean 'dropout'")),
    Bad("unknown dotted key", f"{GOOD} --set training.droput=0.1", ("'training.droput'", "did you mean")),
    Bad("key in the wrong section", f"{GOOD} --set network.lr=0.1", ("'network.lr'", "did you mean")),
    Bad("low above high", f"{GOOD} --set 'lr={{low: 0.1, high: 0.01}}'", ("training.lr", "low <= high", "swap")),
    Bad("log from zero", f"{GOOD} --set 'lr={{low: 0, high: 1, log: true}}'", ("training.lr", "low > 0", "raise low")),
    Bad("range without high", f"{GOOD} --set 'lr={{low: 0.1}}'", ("training.lr", "both low and high")),
    Bad("range with a typo", f"{GOOD} --set 'lr={{low: 0.1, hihg: 1}}'", ("'hihg'", "did you mean 'high'")),
    Bad("log and step", f"{GOOD} --set 'width={{low: 1, high: 9, log: true, step: 2}}'", ("network.width", "drop one")),
    Bad("step of zero", f"{GOOD} --set 'width={{low: 1, high: 9, step: 0}}'", ("network.width", "step")),
    Bad("range over names", f"{GOOD} --set 'activation={{low: 0, high: 1}}'", ("network.activation", "list")),
    Bad("no choices", f"{GOOD} --set 'width=[]'", ("network.width", "at least one")),
    Bad("the same choice twice", f"{GOOD} --set 'width=[8, 8]'", ("network.width", "differ")),
    Bad("prior outside the range", f"{GOOD} --set 'lr={{low: 0.1, high: 1, prior: 3}}'",
        ("training.lr", "prior", "0.1, 1", "3")),
    Bad("prior is no choice", f"{GOOD} --set 'width={{choices: [8, 16], prior: 9}}'", ("network.width", "prior", "9")),
    Bad("confidence in nothing", f"{GOOD} --set 'lr={{low: 0.1, high: 1, confidence: high}}'",
        ("training.lr", "prior:")),
    Bad("unknown confidence", f"{GOOD} --set 'lr={{low: 0.1, high: 1, prior: 1, confidence: hihg}}'",
        ("confidence", "did you mean 'high'")),
    Bad("choices with a typo", f"{GOOD} --set 'width={{choices: [8, 16], orderd: true}}'", ("did you mean 'ordered'",)),
    Bad("order that is a number", f"{GOOD} --set 'width={{choices: [8, 16], ordered: 2}}'",
        ("ordered", "true or false")),
    Bad("constraint on nothing known", f"{GOOD} --set 'constraints=[\"widht < 9\"]'",
        ("search.constraints", "'widht'", "did you mean 'width'")),
    Bad("constraint that is a number", f"{GOOD} --set 'constraints=[\"width * depth\"]'",
        ("true or false", "compare it")),
    Bad("constraint that is code", f"{GOOD} --set 'constraints=[\"__import__(1) < width\"]'",
        ("may not call", "it may")),
    Bad("constraint that is no expression", f"{GOOD} --set 'constraints=[\"width <\"]'", ("no expression", "512")),
    Bad("constraint that nothing meets", f"{GOOD} --set 'constraints=[\"width < 1\"]'", ("width < 1", "loosen it")),
    Bad("constraint of a word with a number", f"{GOOD} --set 'constraints=[\"activation < 1\"]'", ("activation is",)),
    Bad("learn from nothing", f"{GOOD} --from doen", ("--from", "no directory doen", "done")),
    Bad("learn from what has nothing in common",
        f"{GOOD} --from done --set preset=fast --set dropout=0.1 --set lr=0.1 --set weight_decay=0.1 --set "
        "label_smoothing=0.1 --set width=8 --set 'init=[he, glorot]'", ("--from", "nothing in common", "init")),
    Bad("unknown activation", f"{GOOD} --set activation=rleu", ("network.activation", "did you mean 'relu'")),
    Bad("dropout of one", f"{GOOD} --set dropout=1", ("network.dropout", "[0, 1)", "1")),
    Bad("negative lr", f"{GOOD} --set lr=-1", ("training.lr", "-1")),
    Bad("lr is a word", f"{GOOD} --set lr=fast", ("training.lr", "a number", "'fast'")),
    Bad("lr is nan", f"{GOOD} --set lr=.nan", ("training.lr", "a number")),
    Bad("half a unit", f"{GOOD} --set width=8.5", ("network.width", "whole number", "8.5")),
    Bad("yes as width", f"{GOOD} --set width=true", ("network.width", "whole number")),
    Bad("word as switch", f"{GOOD} --set residual=maybe", ("network.residual", "true or false")),
    Bad("no equals sign", f"{GOOD} --set lr", ("key=value", "'lr'")),
    Bad("value is no YAML", f"{GOOD} --set 'lr={{low: 1'", ("lr", "YAML")),
    Bad("unknown strategy", f"{GOOD} --search randm", ("search.strategy", "did you mean 'random'")),
    Bad("unknown rungs", f"{GOOD} --set rungs=ashe", ("search.rungs", "'ashe'", "asha")),
    Bad("rungs by nothing", f"{GOOD} --set rung_by=seeds", ("search.rung_by", "'seeds'", "folds")),
    Bad("rungs by one fold", f"{GOOD} --set rung_by=folds", ("search.rung_by folds", "two folds", "--cv 5")),
    Bad("rungs by few rows", f"{GOOD} --set rung_by=rows", ("search.rung_by rows", "180 training rows", "epochs")),
    Bad("rungs by folds and none", f"{GOOD} --cv 3 --set rung_by=folds --set rungs=false",
        ("search.rung_by folds", "search.rungs none stops no trial", "rungs: asha")),
    Bad("rungs by folds and by curves", f"{GOOD} --cv 3 --set rung_by=folds --set rungs=extrapolate",
        ("search.rungs extrapolate", "rung_by: epochs")),
    Bad("negative reruns", f"{GOOD} --set confirm=-1", ("search.confirm", "-1")),
    Bad("reruns that take all", f"{GOOD} --set lane_epochs=50 --set confirm=2 --epochs 4",
        ("search.confirm 2", "40 lane-epochs", "fewer seeds")),
    Bad("grid over a range", f"{GOOD} --search grid", ("grid", "dropout", "step", "search.strategy: auto")),
    Bad("unknown objective", f"{GOOD} --objectives siez", ("search.objectives", "'siez'", "did you mean 'size'")),
    Bad("objectives and fresh seeds", f"{GOOD} --objectives size --set confirm=2", ("search.confirm", "objectives")),
    Bad("objectives and pauses", f"{GOOD} --objectives size --set pause=true", ("search.pause", "objectives")),
    Bad("objectives by folds", f"{GOOD} --cv 3 --objectives size --set rung_by=folds", ("search.rung_by", "leave one")),
    Bad("objective of another task", f"{GOOD} --objectives size,rmse",
        ("search.objectives rmse", "binary", "log_loss")),
    Bad("objectives where rows are made", "tune t.csv --task generation --objectives size",
        ("search.objectives", "make rows", "leave it out")),
    Bad("limit where rows are made", "tune t.csv --task generation --at-most size=100",
        ("search.at_most", "make rows", "leave it out")),
    Bad("limit of nothing known", f"{GOOD} --at-most weight=100", ("search.at_most", "'weight'", "'size'")),
    Bad("limit without a number", f"{GOOD} --at-most size", ("search.at_most", "name=number", "'size'")),
    Bad("limit is a word", f"{GOOD} --at-most size=small", ("search.at_most", "number", "'small'")),
    Bad("limit of zero", f"{GOOD} --at-most size=0", ("search.at_most", "greater than 0")),
    Bad("limit that no network keeps", f"{GOOD} --at-most size=50",
        ("search.at_most", "size at most 50", "the smallest", "raise the limit", "width")),
    Bad("latency that no network keeps", f"{GOOD} --at-most latency=1e-5",
        ("search.at_most", "latency at most 1e-05", "raise the limit")),
    Bad("pbt with other rungs", f"{GOOD} --search pbt --set rungs=asha", ("pbt", "asha", "leave rungs at auto")),
    Bad("rungs of pbt without it", f"{GOOD} --search random --set rungs=pbt", ("random", "leave rungs at auto")),
    Bad(
        "pbt with nothing to change",
        f"{GOOD} --search pbt --set lr=0.01 --set weight_decay=0 --set dropout=0 --set label_smoothing=0",
        ("fusable", "such as lr", "another strategy"),
    ),
    Bad("brute force over a range", f"{GOOD} --search brute-force",
        ("brute force", "dropout", "step", "search.strategy: auto")),
    Bad("evolution misspelt", f"{GOOD} --search evolutoin", ("search.strategy", "did you mean 'evolution'")),
    Bad("unknown way to stop", f"{GOOD} --stop soon", ("search.stop", "'soon'", "never", "auto")),
    Bad("one fold", f"{GOOD} --cv 1", ("split.folds", "2", "1")),
    Bad("negative trials", f"{GOOD} --trials -3", ("search.trials", "-3")),
    Bad("no epochs", f"{GOOD} --epochs 0", ("training.epochs", "0")),
    Bad("unit of nothing", f"{GOOD} --time-limit 5x", ("search.time_limit", "5m", "'5x'")),
    Bad("no time", f"{GOOD} --time-limit 0", ("search.time_limit", "greater than 0")),
    Bad("endless time", f"{GOOD} --time-limit inf", ("search.time_limit", "inf")),
    Bad("negative seed", f"{GOOD} --seed -1", ("search.seed", "-1")),
    Bad("test of everything", f"{GOOD} --set test=1", ("split.test", "less than 1")),
    Bad("two faults at once", f"{GOOD} --set lr=fast --set wdith=3", ("2 faults", "training.lr", "'wdith'")),
    Bad("no recipe there", f"{GOOD} --recipe nowhere.yaml", ("no recipe at nowhere.yaml", "--print-recipe")),
    Bad("recipe is a directory", f"{GOOD} --recipe done", ("done is a directory", "YAML file")),
    Bad("recipe is no YAML", f"{GOOD} --recipe r.yaml", ("r.yaml", "not YAML", "line 1"), file("a: [1", "r.yaml")),
    Bad("recipe is a list", f"{GOOD} --recipe r.yaml", ("r.yaml", "mapping", "list"), file("- 1\n", "r.yaml")),
    Bad("recipe is binary", f"{GOOD} --recipe r.yaml", ("r.yaml",), file(b"\xff\xfe\x00\x01", "r.yaml")),
    Bad("unknown section", f"{GOOD} --recipe r.yaml", ("'trainig'", "did you mean 'training'"),
        file("trainig: {lr: 1}\n", "r.yaml")),
    Bad("key without its section", f"{GOOD} --recipe r.yaml", ("'lr'", "'training'"), file("lr: 1\n", "r.yaml")),
    Bad("section is a number", f"{GOOD} --recipe r.yaml", ("training", "mapping"), file("training: 3\n", "r.yaml")),
    Bad("unknown key in a recipe", f"{GOOD} --recipe r.yaml", ("training.lrr", "did you mean 'lr'"),
        file("training: {lrr: 1}\n", "r.yaml")),
]  # fmt: skip

PLACE = [
    Bad("out is a file", f"{GOOD} --out note.txt", ("note.txt", "--out"), file("hello", "note.txt")),
    Bad("out below a file", f"{GOOD} --out note.txt/x", ("note.txt/x", "--out"), file("hello", "note.txt")),
    Bad("out cannot be made", f"{GOOD} --out /proc/cotune/x", ("/proc/cotune/x", "--out")),
    Bad("out holds other files", f"{GOOD} --out mine", ("mine", "other files", "another --out"),
        both(lambda folder: (folder / "mine").mkdir(), file("hello", "mine/note.txt"))),
    Bad("out holds a study", f"{GOOD} --out done", ("done", "already", "cotune resume done")),
    Bad("demo below a file", "demo --out note.txt/x", ("note.txt", "--out"), file("hello", "note.txt")),
    *(
        Bad(f"{words.split()[0]} of nothing", words.format("doen"), ("doen", "done"))
        for words in ("resume {}", "leaderboard {}", "show {}", "pareto {}", "explain {} 1", "report {}",
                      "predict {} t.csv", "ablate {}")
    ),
    Bad("show a plain directory", "show mine", ("mine is no study", "study.sqlite"), lambda f: (f / "mine").mkdir()),
    Bad("show a file", "show t.csv", ("t.csv is a file", "directory of a study")),
    *(
        Bad(f"{words.split()[0]} of a damaged store", words, ("study.sqlite",), file(JUNK, "done/study.sqlite"))
        for words in ("resume done", "leaderboard done", "show done", "explain done 1", "report done", "ablate done")
    ),
    Bad("empty store", "show done", ("study.sqlite",), file(b"", "done/study.sqlite")),
    Bad("cut store", "leaderboard done", ("study.sqlite",), cut("done/study.sqlite", 9000)),
    Bad("another program's database", "show other", ("study.sqlite", "study store"), other_database),
    Bad("store of a later format", "show done", ("format 99", "upgrade"),
        store("UPDATE meta SET value = '99' WHERE key = 'format'")),
    Bad("store without its facts", "show done", ("study.sqlite",), store("DELETE FROM meta WHERE key = 'task'")),
    Bad("store with broken JSON", "show done", ("study.sqlite", "damaged"),
        store("UPDATE meta SET value = '{' WHERE key = 'task'")),
    Bad("unknown trial", "explain done 99", ("no trial 99", "0 to 3", "cotune leaderboard")),
    Bad("negative trial", "explain done -- -1", ("no trial -1", "0 to 3")),
    Bad("data changed", "resume done", ("t.csv", "changed", "old file back"),
        both(store(UNFINISHED), lambda folder: csv(folder, rows=119))),
    Bad("data vanished", "resume done", ("t.csv", "not there", "--data"), both(store(UNFINISHED), remove("t.csv"))),
    Bad("ablate before the end", "ablate done", ("done", "not ended", "cotune resume done"), store(UNFINISHED)),
    Bad("pick without a front", "predict done t.csv --pick knee", ("one objective", "--objectives size")),
    Bad("ablate with one seed", "ablate done --seeds 1", ("seeds", "at least 2", "1")),
    Bad("ablate an unknown kind", "ablate done --kind optimiser", ("'optimiser'", "did you mean 'optimizer'")),
    Bad("ablate in no time", "ablate done --time-limit 0", ("search.time_limit", "greater than 0")),
    Bad("ablate changed data", "ablate done", ("t.csv", "changed", "old file back"), lambda f: csv(f, rows=119)),
    Bad("ablate vanished data", "ablate done", ("t.csv", "not there", "cotune ablate done --data"), remove("t.csv")),
    Bad("resume with a narrower range", "resume done --set lr=0.5", ("training.lr", "only grow", "--from")),
    Bad("resume with another metric", "resume done --set metric=mcc", ("search.metric", "cannot change", "new study")),
    Bad("resume with another split", "resume done --set test=0.5", ("split.test", "cannot change")),
    Bad("resume with fewer trials", "resume done --trials 2", ("search.trials", "raised", "2")),
    Bad("resume with nothing left to do", "resume done --set width=[8,16]", ("all 4 trials", "--trials 8")),
    Bad("resume without its facts", "resume done", ("study.sqlite",),
        store(UNFINISHED, "DELETE FROM meta WHERE key = 'resolved'")),
]  # fmt: skip

PREDICT = [
    Bad("predict a missing file", "predict done tt.csv", ("no file tt.csv", "did you mean 't.csv'")),
    Bad("predict a missing column", "predict done new.csv", ("'colour'",), new_rows(lambda t: t.drop("colour"))),
    Bad("predict a renamed column", "predict done new.csv", ("'colour'", "did you mean"),
        new_rows(lambda t: t.rename({"colour": "color"}))),
    Bad("predict an unreadable cell", "predict done new.csv", ("a", "'tall'"),
        new_rows(lambda t: t.with_columns(a=pl.lit("tall")))),
    Bad("predict an empty file", "predict done new.csv", ("new.csv", "empty"), file("", "new.csv")),
    Bad("predict a ragged file", "predict done new.csv", ("line 3",), file("a,b\n1,2\n1,2,3\n", "new.csv")),
    Bad("predict into no directory", "predict done t.csv -o far/p.csv", ("far/p.csv", "-o")),
    Bad("predict over its own rows", "predict done t.csv -o t.csv", ("t.csv", "overwrite", "another")),
    Bad("predict into a directory", "predict done t.csv -o done", ("done", "-o")),
    Bad("no model", "predict done t.csv", ("best", "model.safetensors"), remove("done/best/model.safetensors")),
    Bad("no description", "predict done t.csv", ("best", "pipeline.json"), remove("done/best/pipeline.json")),
    Bad("cut weights", "predict done t.csv", ("best", "damaged"), cut("done/best/model.safetensors", 100)),
    Bad("empty weights", "predict done t.csv", ("best", "damaged"), file(b"", "done/best/model.safetensors")),
    Bad("cut description", "predict done t.csv", ("best", "damaged"), cut("done/best/pipeline.json", 100)),
    Bad("description is a list", "predict done t.csv", ("best", "damaged"), file("[]", "done/best/pipeline.json")),
    Bad("description lacks a part", "predict done t.csv", ("damaged", "networks"),
        pipeline(lambda t: t.pop("networks"))),
    Bad("no network in it", "predict done t.csv", ("damaged",), pipeline(lambda t: t.update(networks=[]))),
    Bad("another width", "predict done t.csv", ("shape",),
        pipeline(lambda t: t["networks"][0]["shape"].update(width=9))),
    Bad("unknown task in it", "predict done t.csv", ("damaged",), pipeline(lambda t: t.update(task="ranking"))),
    Bad("unknown activation in it", "predict done t.csv", ("best", "damaged"),
        pipeline(lambda t: t["networks"][0].update(activation="wobble"))),
    Bad("pipeline lacks a part", "predict done t.csv", ("best", "damaged"),
        pipeline(lambda t: t["networks"][0].update(pipeline={}))),
    Bad("model of a later format", "predict done t.csv", ("format 99", "upgrade"),
        pipeline(lambda t: t.update(format=99))),
    Bad("format is a word", "predict done t.csv", ("damaged",), pipeline(lambda t: t.update(format="new"))),
]  # fmt: skip

ROWS = [*DATA, *REQUEST, *PLACE, *PREDICT]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with t.csv and the finished study `done`."""
    folder = tmp_path_factory.mktemp("bad")
    tune(csv(folder), folder / "done")
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template, the working directory of the test."""
    home = tmp_path / "home"
    shutil.copytree(template, home)
    # The study remembers where its data lies: in the copy, not in the template.
    store(f"UPDATE meta SET value = replace(value, '{template}', '{home}')")(home)
    monkeypatch.chdir(home)
    return home


def tree(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes, but for the lock and SQLite's own helpers inside a study."""
    found = {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"/" for p in folder.rglob("*")}
    return {name: data for name, data in found.items() if not name.endswith(("/lock", "-wal", "-shm"))}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_bad_input_is_one_message_with_place_and_remedy(row: Bad, folder: Path) -> None:
    row.build(folder)
    before = tree(folder)
    said = command(*shlex.split(row.words))
    assert said.code == 2, said
    assert said.out == ""
    message = said.err[said.err.index("error: ") :]
    assert "\nerror: " in "\n" + said.err
    assert "Traceback" not in said.err
    for words in row.says:
        assert words in message
    assert tree(folder) == before, "a refused request leaves nothing behind"


def test_there_are_at_least_sixty_rows_of_different_names() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 60


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("tune", "t.csv", "--target", "y", "--trials", "many"),
        ("tune", "t.csv", "--no-such-option"),
        ("explain", "done", "seven"),
        ("predict", "done"),
    ],
    ids=" ".join,
)
def test_a_usage_error_is_exit_2_with_a_hint(words: tuple[str, ...], folder: Path) -> None:
    before = tree(folder)
    said = command(*words)
    assert said.code == 2
    assert "Error: " in said.err
    assert "--help" in said.err
    assert "Traceback" not in said.err
    assert tree(folder) == before


@pytest.mark.parametrize(
    "words",
    [f"{GOOD} --set dropuot=0.1", "predict done tt.csv"],
)
def test_the_installed_command_says_the_same(words: str, folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from cotune.cli import main; main()", *shlex.split(words)],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "error: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr == command(*shlex.split(words)).err


@pytest.mark.usefixtures("folder")
def test_after_a_refusal_the_mended_request_runs_in_the_same_place() -> None:
    assert command(*shlex.split(f"{GOOD} --out fresh --search grid"), *FAST_WORDS).code == 2
    assert command(*shlex.split(f"{GOOD} --out fresh --search random"), *FAST_WORDS).code == 0
