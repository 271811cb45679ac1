"""The audit of claims: reads each, gathers what is known of it, judges it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from truelimit.app.cloud import CloudTable, names
from truelimit.claims import readings
from truelimit.claims.estimate import estimator
from truelimit.claims.judge import judge
from truelimit.claims.known import Known
from truelimit.claims.parse import parse
from truelimit.domain.claims import Audited, Claim, Verdict
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.claims.vocabulary import Vocabulary
    from truelimit.domain.claims import PublishedRun, Reading, StatedClaim, Subject, Withdrawal
    from truelimit.domain.cloud import CloudModel
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.rates import PublishedRates
    from truelimit.perf.rates import Calibration
    from truelimit.units import Bytes


class Shelf(Protocol):
    """What the tables must offer to the audit."""

    def vocabulary(self, clouds: Mapping[str, str]) -> Vocabulary:
        """Return the names that claims may use."""
        ...

    def subject(self, name: str, count: int, memory: Bytes | None) -> Subject | None:
        """Return a machine by the id that the vocabulary gives, or None."""
        ...

    def header(self, name: str) -> ModelHeader | None:
        """Return the header of a model by the id that the vocabulary gives, or None."""
        ...

    def of_size(self, parameters: float, active: float | None) -> tuple[ModelHeader, ...]:
        """Return the models that a size stands for: in parameters, and active ones where the claim tells them."""
        ...

    def runs(self) -> tuple[PublishedRun, ...]:
        """Return the published runs."""
        ...

    def series(self) -> tuple[PublishedRates, ...]:
        """Return the published series of rates against depth."""
        ...

    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """Return what is not sold any more."""
        ...

    def calibration(self) -> Calibration:
        """Return the factors of the estimates."""
        ...


def mentions(stated: Iterable[StatedClaim], models: Iterable[CloudModel]) -> bool:
    """Whether a claim may speak of a provider's model: only then is the package of prices needed."""
    every = {name.split("-")[0].split()[0] for model in models for name in names(model)}
    return any(word in item.text.lower() for item in stated for word in every)


def audit(stated: Iterable[StatedClaim], shelf: Shelf, clouds: CloudTable, today: date) -> Iterator[Audited]:
    """Yield each claim with its verdict, in their order. ``today`` decides what is outdated."""
    providers = _providers(clouds)
    vocabulary = shelf.vocabulary({name: name for name in providers})
    for item in stated:
        yield _safely(item, lambda claim: _known(claim, shelf, providers, today), vocabulary)


def _safely(item: StatedClaim, gather: Callable[[Claim], Known], vocabulary: Vocabulary) -> Audited:
    """One claim with its verdict. A fault on it is told as its reason, so that the others are judged all the same.

    What a broken table raises (a ValueError) concerns every claim and goes on.
    """
    claim = Claim(item.text)
    try:
        claim = parse(item.text, vocabulary)
        return judge(item, gather(claim))
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        why = said("a fault of truelimit while judging it: {name}", name=type(error).__name__)
        return Audited(item, claim, Verdict.NOT_CHECKABLE, why)


def _known(claim: Claim, shelf: Shelf, providers: Mapping[str, CloudModel], today: date) -> Known:
    """What is known about a claim."""
    subject = _subject(shelf, claim)
    cloud = providers.get(claim.cloud) if claim.cloud else None
    return Known(
        claim,
        today,
        subject,
        shelf.subject(claim.other, 1, None) if claim.other else None,
        tuple(_readings(shelf, claim)),
        shelf.runs(),
        shelf.series(),
        cloud,
        () if cloud is None else _family(cloud, providers.values()),
        shelf.withdrawn(),
        estimator(claim, subject, shelf.calibration(), shelf.series()) if subject else None,
    )


def _subject(shelf: Shelf, claim: Claim) -> Subject | None:
    return shelf.subject(claim.machine, claim.count, claim.memory) if claim.machine else None


def _family(model: CloudModel, others: Iterable[CloudModel]) -> tuple[CloudModel, ...]:
    """The provider's other models of the same name (Devstral), each once; a name like the provider's own tells none."""
    name = _first_word(model)
    if name == model.provider.lower():
        return ()
    kin = {item.id: item for item in others if item.provider == model.provider and _first_word(item) == name}
    return tuple(item for item in kin.values() if item.id != model.id)


def _first_word(model: CloudModel) -> str:
    return model.name.lower().split()[0]


def _providers(clouds: CloudTable) -> dict[str, CloudModel]:
    """The providers' models by each of their names; only those of the overlay, whose names nothing else shares."""
    found: dict[str, CloudModel] = {}
    for item in clouds.chosen:
        for name in names(item):
            found.setdefault(name, item)
    return found


def _readings(shelf: Shelf, claim: Claim) -> Iterator[Reading]:
    """How the model of the claim may be understood: one of the table, or a size, dense and sparse."""
    header = shelf.header(claim.model) if claim.model else None
    if header is not None:
        yield from readings.of_model(claim, header)
        return
    if claim.parameters is None:
        return
    known = shelf.of_size(claim.parameters, claim.active_parameters)
    found = list(chain.from_iterable(readings.of_model(claim, item, named=False) for item in known))
    found = [item for item in found if claim.sparse in {None, readings.is_sparse(item.shape)}]
    yield from found
    told_sparse = claim.sparse or claim.active_parameters is not None
    if not (found and told_sparse) and all(readings.is_sparse(item.shape) for item in found):
        yield from readings.of_size(claim)
