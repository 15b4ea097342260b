"""Which configurations to try, and which to stop early. Sees names and numbers, never a tensor."""

from cotune.search.gaussian.evidence import normal_scores as normal_scores
from cotune.search.limits import Limits as Limits
from cotune.search.patience import Patience as Patience
from cotune.search.rungs.halving import Rungs as Rungs
from cotune.search.rungs.table import Judge as Judge
from cotune.search.rungs.table import make_judge as make_judge
from cotune.search.sampler import Sampler as Sampler
from cotune.search.samplers.bayesian import best_model as best_model
from cotune.search.stop.automatic import STOPS as STOPS
from cotune.search.strategies import make_sampler as make_sampler
from cotune.search.strategies import strategy as strategy
from cotune.search.structure import GROUP as GROUP
