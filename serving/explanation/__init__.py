"""Why a model answered as it did: which words, columns or parts of a picture carried the score.

It only predicts: the instance is answered again and again with parts left out. So it is the same for every model and
whatever runs it. The gateway and batch scoring use it.
"""

from serving.explanation.explaining import METHODS, Method, Question, explain
from serving.explanation.explanation import Explained, Explanation
from serving.explanation.parts import least_budget
from serving.explanation.targets import has_usual_target

__all__ = ["METHODS", "Explained", "Explanation", "Method", "Question", "explain", "has_usual_target", "least_budget"]
