"""Judges a rate of reading, and the time that a prompt takes: compute bound, published series, published runs."""

from __future__ import annotations

from dataclasses import replace

from truelimit.claims import runs
from truelimit.claims.ceiling import most, prefill_ceiling
from truelimit.claims.known import AT_LIMIT_NAMED, DECODE_NOISE, PREFILL_NOISE, Known, not_checkable
from truelimit.claims.measured import the_one_run
from truelimit.claims.series import matching
from truelimit.claims.words import duration, estimated, short, times, tokens_per_second
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.claims import Assertion, Claim, Judgement, Quantity, Reading, Verdict
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import PublishedRates


def judge(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a prefill rate; where a prompt is told, on its mean rate over that prompt."""
    claim = known.claim
    if known.subject is None or not known.readings:
        return not_checkable(said("a machine and a model of the tables are needed to judge a prefill rate"))
    subject = known.subject
    pairs = [(reading, prefill_ceiling(reading, subject)) for reading in known.readings]
    limits = [(reading, limit) for reading, limit in pairs if limit is not None]
    calculations = tuple(limit for _, limit in limits[:1])
    same = [run for run in runs.matching(known.runs, subject, known.readings, "prefill") if run.depth == 0]
    found = runs.spread(same)
    top = item.low if item.open else item.high
    if limits and claim.batch == 1:
        bound = float(most(limits)[1].result)
        if top > bound * AT_LIMIT_NAMED and top > (found.fastest if found else 0):
            return _impossible(item, bound, calculations)
    mean = _mean_rate(claim, known)
    if mean is not None:
        return _against_series(item, mean[0], mean[1], calculations)
    estimated = _against_estimate(claim, item, known, calculations)
    if found is None:
        return estimated
    told = _against_runs(item, found, calculations, known.readings[0])
    if len(found.runs) == 1 and estimated.verdict is Verdict.PLAUSIBLE and told.verdict is not Verdict.PLAUSIBLE:
        return replace(estimated, notes=(*estimated.notes, the_one_run(found)))
    return told


def _impossible(item: Assertion, bound: float, calculations: tuple[Calculation, ...]) -> Judgement:
    factor = item.high / bound
    sentence = said(
        "{span} is {factor} times what the matrix units can compute ({bound} tok/s): "
        "a prompt cache answered, or the timer is broken",
        span=tokens_per_second(item),
        factor=times(factor),
        bound=short(bound),
    )
    remedy = (said("a cache that holds the prompt already: then nothing is read, and the rate is none"),)
    return Judgement(Verdict.IMPOSSIBLE, sentence, calculations, (), factor, remedy)


def _mean_rate(claim: Claim, known: Known) -> tuple[Calculation, PublishedRates] | None:
    series = matching(known, known.readings)
    if series is None or not claim.context:
        return None
    fit = series.prefill
    terms = (
        Term("n", claim.context, "tokens", said("the claim"), Basis.SPECIFIED),
        Term("a", fit.a, "s/token", fit.where, fit.basis),
        Term("b", fit.b, "s/token^2", fit.where, fit.basis),
    )
    return calculate("n / (a * n + b * n**2 / 2)", "tok/s", *terms), series


def _noise(deep: bool) -> float:
    return PREFILL_NOISE if deep else DECODE_NOISE


def _against_series(
    item: Assertion, mean: Calculation, series: PublishedRates, calculations: tuple[Calculation, ...]
) -> Judgement:
    rate, tokens = float(mean.result), int(mean.terms[0].value)
    noise = _noise(tokens > series.prefill.deepest)
    verdict, words = Verdict.PLAUSIBLE, said("agrees with")
    if item.low > rate * noise:
        verdict, words = Verdict.CONTRADICTED, said("is {low} times", low=times(item.low / rate))
    elif item.high < rate / noise and not item.open:
        verdict, words = Verdict.UNDERSTATED, said("is {rate} times below", rate=times(rate / item.high))
    sentence = said(
        "{span} {words} the mean over {tokens:,} tokens of a published series, {rate} tok/s",
        span=tokens_per_second(item),
        words=words,
        tokens=tokens,
        rate=short(rate),
    )
    return Judgement(verdict, sentence, (mean, *calculations), (series.source,), notes=_beyond(tokens, series))


def _beyond(tokens: int, series: PublishedRates) -> tuple[str, ...]:
    deepest = series.prefill.deepest
    if tokens <= deepest:
        return ()
    return (
        said(
            "extrapolated {tokens:.1f} times beyond the deepest measured point, {deepest:,} tokens",
            tokens=tokens / deepest,
            deepest=deepest,
        ),
    )


def _against_runs(
    item: Assertion, found: runs.Spread, calculations: tuple[Calculation, ...], reading: Reading
) -> Judgement:
    verdict, words = Verdict.PLAUSIBLE, said("is what published runs reach")
    if item.low > found.fastest * PREFILL_NOISE:
        verdict, words = (
            Verdict.CONTRADICTED,
            said("is {low} times what published runs reach", low=times(item.low / found.fastest)),
        )
    elif item.high < found.slowest / PREFILL_NOISE and not item.open:
        verdict, words = Verdict.UNDERSTATED, said("is below what published runs reach")
    sentence = said(
        "{span} {words}: {found} from an empty context ({shape})",
        span=tokens_per_second(item),
        words=words,
        found=found.text,
        shape=reading.shape.name,
    )
    note = said("a rate falls with the length of the prompt; the claim does not tell the length")
    return Judgement(verdict, sentence, calculations, found.sources, notes=(note,))


def _against_estimate(claim: Claim, item: Assertion, known: Known, calculations: tuple[Calculation, ...]) -> Judgement:
    guess = known.estimate(Quantity.PREFILL, known.readings[0], claim.context or 0) if known.estimate else None
    if guess is None:
        below = said("it is below the compute bound; ") if calculations else ""
        return Judgement(
            Verdict.NOT_CHECKABLE,
            said("{below}no published run of this model on this machine, and no estimate", below=below),
            calculations,
        )
    interval: str = estimated(guess)
    verdict = Verdict.PLAUSIBLE
    if item.low > guess.high:
        verdict, interval = (
            Verdict.NOT_CHECKABLE,
            said("unsupported, though not impossible: {interval}", interval=interval),
        )
    elif item.high < guess.low and not item.open:
        verdict = Verdict.UNDERSTATED
    return Judgement(verdict, tokens_per_second(item) + ": " + interval, (*calculations, guess.usual.calculation))


def judge_time(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on how long a prompt takes to read from an empty cache."""
    claim = known.claim
    mean = _mean_rate(claim, known)
    if mean is None:
        return _time_as_rate(item, known)
    calculation, series = mean
    fit, tokens = series.prefill, int(calculation.terms[0].value)
    seconds = calculate("a * n + b * n**2 / 2", "s", *calculation.terms)
    took, noise = float(seconds.result), _noise(tokens > fit.deepest)
    verdict, words = Verdict.PLAUSIBLE, said("agrees with")
    if item.low > took * noise:
        verdict, words = Verdict.CONTRADICTED, said("is {low} times", low=times(item.low / took))
    elif not item.open and item.high < took / noise:
        verdict, words = Verdict.CONTRADICTED, said("is {took} times below", took=times(took / item.high))
    sentence = said(
        "{span} {words} what a published series gives for {tokens:,} tokens: {took} s",
        span=duration(item),
        words=words,
        tokens=tokens,
        took=short(took),
    )
    return Judgement(verdict, sentence, (seconds,), (series.source,), notes=_beyond(tokens, series))


def _time_as_rate(item: Assertion, known: Known) -> Judgement:
    """Where no series was published: the rate that the time comes to, against the compute bound and the estimate."""
    context = known.claim.context
    if not context or item.low <= 0 or item.open:
        return not_checkable(said("no published series of this model on this machine tells how long a prompt takes"))
    asked = replace(item, quantity=Quantity.PREFILL, low=context / item.high, high=context / item.low)
    found = judge(asked, known)
    return replace(
        found,
        sentence=said(
            "{span} for {context:,} tokens: {sentence}", span=duration(item), context=context, sentence=found.sentence
        ),
    )
