"""The store: one SQLite file per study, the only truth; everything else in the directory is derived."""

from cotune.records.boundary import Boundary as Boundary
from cotune.records.store import Store as Store
from cotune.records.view import StudyView as StudyView
from cotune.records.view import read_view as read_view
from cotune.records.view import write_leaderboard as write_leaderboard
