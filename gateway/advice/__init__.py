"""The right channel and its deadline: a pure function over dated cases (config/ramq/advice.toml).

from gateway.advice import Known, Question, advise
advise(Question("dentist", date(2017, 12, 1), today=date(2018, 5, 1), first_billed="old", old_software="no"), known)
"""

from gateway.advice.cases import Cases
from gateway.advice.counsel import Advice, Due, Known, Mark, advise
from gateway.advice.question import PROFESSIONS, Question

__all__ = ["PROFESSIONS", "Advice", "Cases", "Due", "Known", "Mark", "Question", "advise"]
