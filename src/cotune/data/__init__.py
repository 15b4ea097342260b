"""Tables and images: read, told apart by column kind, split, and prepared as numbers."""

from cotune.data.dataset import Column as Column
from cotune.data.dataset import Dataset as Dataset
from cotune.data.dataset import describe_columns as describe_columns
from cotune.data.images.rows import Images as Images
from cotune.data.loading import load as load
from cotune.data.prepare.features import Features as Features
from cotune.data.prepare.fitting import Fitted as Fitted
from cotune.data.prepare.fitting import fit as fit
from cotune.data.prepare.pipeline import Pipeline as Pipeline
from cotune.data.prepare.settings import chooses_rows as chooses_rows
from cotune.data.prepare.whole import prepared as prepared
from cotune.data.room import Room as Room
from cotune.data.split import Fold as Fold
from cotune.data.split import Splits as Splits
from cotune.data.split import split as split
from cotune.data.tables.sources import read_frame as read_frame
