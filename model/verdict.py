"""Whether a result means anything, in words, for the console and the model card."""

from collections.abc import Callable
from math import sqrt
from typing import TYPE_CHECKING

from model.scores import Z_95
from model.views import VIEWS

if TYPE_CHECKING:
    from model.io.reports.evaluation import Measures

MAX_NAMED = 10  # classes in a sentence
Quote = Callable[[str], str]


def describe_verdict(measures: "Measures", quote: Quote = str, escape: Quote = str) -> str:
    """Return the sentence about a network that is not better than the trivial answer; empty if it is better.

    Args:
        measures: of one dataset.
        quote: how names of classes are written.
        escape: how other texts of the report are.
    """
    trivial = measures.baseline
    if trivial is None or trivial.is_beaten:
        return ""
    rows = escape(trivial.taken_from)
    if measures.is_regression:
        return f"the network is not better than always answering the mean of the {rows}"
    found = f"its accuracy is not better than that of always answering {quote(trivial.answer or '')}, "
    found += f"the most common class of the {rows}"
    if finds_rare_classes(measures):
        found += (
            f"; but averaged over the classes it finds {measures.balanced_accuracy:.0%} of the rows of a class, "
            f"that answer {trivial.balanced_accuracy:.0%}"
        )
    return found


def finds_rare_classes(measures: "Measures") -> bool:
    """Return whether the balanced accuracy is above that of the trivial answer by more than chance explains (95 %)."""
    trivial = measures.baseline
    if measures.balanced_accuracy is None or trivial is None or trivial.balanced_accuracy is None:
        return False
    seen = [(one.recall, one.rows) for one in measures.per_class if one.recall is not None]
    if not seen:
        return False
    # Smoothed as by Agresti and Coull 1998: a class with few rows, all found, is not known to be always found.
    shares = [((recall * rows + 2) / (rows + 4), rows + 4) for recall, rows in seen]
    deviation = sqrt(sum(share * (1 - share) / rows for share, rows in shares)) / len(shares)
    return sum(share for share, _ in shares) / len(shares) - Z_95 * deviation > trivial.balanced_accuracy


def describe_unmeasured(measures: "Measures", quote: Quote = str, _: Quote = str) -> str:
    """Return which classes had no row to be measured on; empty if all had.

    Args:
        measures: of one dataset.
        quote: how names of classes are written.
    """
    names = measures.unmeasured
    if not names:
        return ""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    which = ", ".join(map(quote, names[:MAX_NAMED])) + more
    return f"no row of class {which} was measured: how well the network recognizes it is not known"


def describe_views(measures: "Measures", _: Quote = str, escape: Quote = str) -> str:
    """Return that answers were averaged over several views of an image; empty if they were not.

    Args:
        measures: of one dataset.
        escape: how texts of the report are written.
    """
    name = measures.average_views
    if name is None:
        return ""
    views = VIEWS.get(name) or f"{escape(name)} views"
    return f"each answer is the mean of those to {views} (test-time averaging): to an image alone it may be another one"
