"""Steps of all subjects: those that are kept are not done again, and one that fails is told and stops no other."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from swa.study.problems import Problem
from swa.study.run.batch import Workers
from swa.study.run.faults import describe_fault, leave_fault
from swa.study.subject import SubjectTask

Result = TypeVar("Result")


def run_unless_kept(
    workers: Workers,
    function: Callable[[SubjectTask], Result],
    tasks: Sequence[SubjectTask],
    find: Callable[[SubjectTask], tuple[Result | None, str]],
    damaged: list[str],
) -> list[tuple[int, Result | BaseException]]:
    """Outcome of each task, in their order; kept ones are told here, so that only the others wake a worker.

    Parameters
    ----------
    workers, function, tasks
        As for `Workers.run`.
    find : callable
        The kept outcome of a task, else None, and what is damaged.
    damaged : list of str
        Gets what is done again because it is damaged.
    """
    outcomes: dict[int, Result | BaseException] = {}
    for position, task in enumerate(tasks):
        try:
            kept, damage = find(task)
        except Exception:  # whatever cannot be told of a step: it is done again, where a fault is told
            continue
        if kept is not None:
            outcomes[position] = kept
        elif damage:
            damaged.append(f"{damage}; it was made again")
    waiting = [position for position in range(len(tasks)) if position not in outcomes]
    for number, outcome in workers.run(function, [tasks[position] for position in waiting]):
        outcomes[waiting[number]] = outcome
    return sorted(outcomes.items(), key=lambda item: item[0])


def broken_subject(task: SubjectTask, error: BaseException) -> Problem:
    """What became of a subject whose nights could not be combined."""
    problem = f"the nights of {task.subject} could not be brought together ({describe_fault(error)})."
    remedy = leave_fault(task.results, task.settings, "the nights of a subject could not be brought together", error)
    return Problem(subject=task.subject, step="subject", problem=problem, remedy=remedy)


def missing_choices(task: SubjectTask, error: BaseException) -> Problem:
    """What became of a subject whose nights could not be taken under other choices."""
    problem = f"the stored nights of {task.subject} could not be taken under other choices ({describe_fault(error)})"
    problem += "; those rows of specifications.tsv rest on the other subjects."
    remedy = leave_fault(task.results, task.settings, "a subject could not be taken under other choices", error)
    return Problem(
        subject=task.subject, step="specifications", problem=problem, remedy=f"The contrasts are whole. {remedy}"
    )
