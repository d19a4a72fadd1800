"""What stands beside a p: the test that it is of; or why there is none."""

from collections.abc import Sequence

from swa.tables import notes
from swa.tables.reason import Reason

# As a reader who is no statistician may have heard of it; the exact name stands in the sentence and the tables.
TESTS = {
    notes.SIGN_FLIPS_EXACT.code: "sign-flip test",
    notes.SIGN_FLIPS_DRAWN.code: "sign-flip test",
    notes.PAIRED_T.code: "paired t-test",
    notes.PERIODS_OUT.code: "t-test",
    notes.LABELS_EXACT.code: "permutation test",
    notes.LABELS_DRAWN.code: "permutation test",
    notes.LABELS_T.code: "t-test",
    notes.ANCOVA_PRE.code: "analysis of covariance",
    notes.ANCOVA_PRE_ORDER.code: "analysis of covariance",
    notes.ANCOVA_ARMS.code: "analysis of covariance",
    notes.MIXED_MODEL.code: "mixed model",
    notes.MIXED_MODEL_PERIOD.code: "mixed model",
    notes.WELCH.code: "Welch's t-test",
    notes.WELCH_ORDER.code: "Welch's t-test",
    notes.WELCH_ONE_ORDER.code: "t-test",
}
WITHOUT_P = {
    notes.ONE_SUBJECT.code: "with one subject",
    notes.TWO_SUBJECTS.code: "with two subjects",
    notes.ONE_ARM.code: "within one arm",
    notes.ARMS_TOGETHER.code: "over both arms together",
}


def name_of_test(reasons: Sequence[Reason]) -> str:
    """The test behind the p of a row; empty where its method has no name."""
    return next((TESTS[one.code] for one in reasons if one.code in TESTS), "")


def why_no_p(reasons: Sequence[Reason]) -> str:
    """Where there is none, after "no p"; empty where the row does not say it."""
    return next((WITHOUT_P[one.code] for one in reasons if one.code in WITHOUT_P), "")
