"""Which configurations to try, and which to stop early. Sees names and numbers, never a tensor."""

from cotune.search.course import Course as Course
from cotune.search.gaussian.evidence import normal_scores as normal_scores
from cotune.search.limits import Limits as Limits
from cotune.search.patience import Patience as Patience
from cotune.search.rungs.bracket import Bracket as Bracket
from cotune.search.rungs.exempt import exempting as exempting
from cotune.search.rungs.halving import Rungs as Rungs
from cotune.search.rungs.table import BREEDING as BREEDING
from cotune.search.rungs.table import Breeder as Breeder
from cotune.search.rungs.table import Judge as Judge
from cotune.search.rungs.table import Promoter as Promoter
from cotune.search.rungs.table import make_judge as make_judge
from cotune.search.sampler import Brood as Brood
from cotune.search.sampler import Explorer as Explorer
from cotune.search.sampler import Sampler as Sampler
from cotune.search.sampler import Watcher as Watcher
from cotune.search.samplers.bayesian import best_model as best_model
from cotune.search.several.feasible import Feasible as Feasible
from cotune.search.several.objectives import Objectives as Objectives
from cotune.search.stop.automatic import STOPS as STOPS
from cotune.search.strategies import check_rungs as check_rungs
from cotune.search.strategies import make_sampler as make_sampler
from cotune.search.strategies import strategy as strategy
from cotune.search.structure import GROUP as GROUP
from cotune.search.structure import Groups as Groups
