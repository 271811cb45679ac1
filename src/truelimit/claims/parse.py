"""Reads a claim: what it speaks of, under which conditions, and the numbers that it states.

Nothing is guessed: names that no table knows and numbers that no reader took are kept and reported.
"""

from __future__ import annotations

import re
from dataclasses import replace

from truelimit.claims import quantities, subjects, unread
from truelimit.claims.scan import Scanner, normal
from truelimit.claims.vocabulary import Vocabulary, find
from truelimit.domain.claims import Assertion, Claim, Quantity
from truelimit.units import Tokens

_SYSTEMS = ("linux", "windows", "macos")
_KV_TYPES = r"\b(?:KV|cache)(?: cache)?(?: in| at| of type)? ?(?P<type>q8_0|q4_0|q5_1|q5_0|q4_1|f16|bf16|fp8)\b"
_RUNS = r"\b(?:runs?|running|fits?|holds?|loads?|handles?|can run)\b"
_TAKES = r"\b(?:takes?|needs?|uses?|requires?|in all|total)\b"
_BACKENDS = r"\b(?:CUDA|ROCm|Vulkan|Metal|MLX|HIP)\b"
_HOSTED = r"\b(?:API|cloud|hosted|tier|provider|per million|Mistral's|Google's)\b|/ ?M\b|\bfree\b"
_FREE = r"\bfree(?:[\s-](?:tier|plan|API|of charge))?\b|\bat no cost\b"


def parse(text: str, vocabulary: Vocabulary) -> Claim:
    """Return a claim as read: names resolved by the vocabulary, numbers in our units. Never raises."""
    words = normal(text)
    scanner = Scanner(words)
    claim = _subject(Claim(text.strip()), scanner, vocabulary)
    claim = replace(claim, misread=unread.misread(scanner))
    stated = _stated(scanner)
    claim = _conditions(claim, scanner)
    contexts = quantities.contexts(scanner, hosted=claim.cloud is not None)
    claim, sized = _sizes(claim, quantities.sizes(scanner), scanner, stated)
    claim, stated = _with_context(claim, [*stated, *sized], contexts, scanner)
    claim, stated = _bandwidth_as_condition(claim, stated)
    claim = replace(claim, misread=(*claim.misread, *unread.other_rates(scanner)))
    stated += _words(claim, scanner, stated)
    return replace(claim, assertions=tuple(stated), unread=scanner.unread())


def _subject(claim: Claim, scanner: Scanner, vocabulary: Vocabulary) -> Claim:
    clouds = find(Scanner(scanner.text), vocabulary.clouds)
    found = subjects.machines(scanner, vocabulary)
    model, parameters, active = subjects.model(scanner, vocabulary)
    for name in clouds:
        scanner.blank(name.start, name.end)
    hosted = clouds and (model is None or scanner.words(_HOSTED))
    backends = tuple(dict.fromkeys(item.lower() for item in re.findall(_BACKENDS, scanner.text, re.IGNORECASE)))
    unknown = () if hosted else found.unknown
    return replace(
        claim,
        machine=found.machine,
        count=found.count,
        other=found.other,
        unknown=unknown,
        model=model,
        parameters=parameters,
        active_parameters=active,
        cloud=clouds[0].id if hosted else None,
        backends=backends,
    )


def _stated(scanner: Scanner) -> list[Assertion]:
    """The numbers whose unit tells what they are."""
    return [
        *quantities.rates(scanner),
        *quantities.bandwidths(scanner),
        *quantities.matrix_rates(scanner),
        *quantities.prices(scanner),
        *quantities.heads(scanner),
        *quantities.ratios(scanner),
    ]


def _conditions(claim: Claim, scanner: Scanner) -> Claim:
    kv = scanner.take(_KV_TYPES)
    return replace(
        claim,
        kv_type=kv[0]["type"].lower() if kv else None,
        quantization=subjects.quantization(scanner),
        batch=subjects.batch(scanner),
        speculation=subjects.speculation(scanner),
        split=subjects.split(scanner),
        sparse=subjects.sparse(scanner),
    )


def _sizes(
    claim: Claim, found: list[quantities.Size], scanner: Scanner, stated: list[Assertion]
) -> tuple[Claim, list[Assertion]]:
    """Tell sizes apart: of the cache, of the weights, of all that is needed, of the memory that holds it."""
    made: list[Assertion] = []
    memory: quantities.Size | None = None
    for index, size in enumerate(found):
        kind = _kind_of_size(claim, size, scanner, found[index + 1 :], bool(stated))
        if kind is Quantity.MEMORY:
            memory = memory or size
        else:
            made.append(_assertion(kind, size))
    if memory is not None:
        told_alone = claim.machine is not None and not _has_model(claim) and not _priced(stated)
        made += [_assertion(Quantity.MEMORY, memory)] if told_alone else []
        claim = replace(claim, memory=memory.as_memory)
    return claim, made


def _assertion(kind: Quantity, size: quantities.Size) -> Assertion:
    return Assertion(kind, size.bytes, size.bytes, size.found.text, size.found.open)


def _kind_of_size(
    claim: Claim, size: quantities.Size, scanner: Scanner, later: list[quantities.Size], stated: bool
) -> Quantity:
    before, after = size.found.before.lower(), size.found.after.lower()
    if re.search(r"\b(?:kv|cache)\b[^,;]*$", before) or re.match(r" ?(?:of )?(?:kv|cache)\b", after):
        return Quantity.KV_CACHE
    if re.search(r"\b(?:weights?|file|download)\b[^,;]*$", before) or re.match(r" ?(?:of )?(?:weights|file)", after):
        return Quantity.WEIGHTS
    if _has_model(claim) and later and re.match(r" ?(?:of|out of|on|in)\b", after):
        return Quantity.FITS
    if _has_model(claim) and claim.machine is None and not stated and not re.search(r"\b(?:in|on|with|of) $", before):
        return Quantity.FITS if scanner.words(_TAKES) and claim.context else Quantity.WEIGHTS
    return Quantity.MEMORY


def _has_model(claim: Claim) -> bool:
    return claim.model is not None or claim.parameters is not None


def _priced(stated: list[Assertion]) -> bool:
    return any(item.quantity is Quantity.PRICE for item in stated)


def _with_context(
    claim: Claim, stated: list[Assertion], contexts: list[Assertion], scanner: Scanner
) -> tuple[Claim, list[Assertion]]:
    """A context is a condition of a rate, a size or a fit; alone it is what the claim states."""
    reading = [item for item in quantities.durations(scanner) if contexts or claim.machine]
    stated = [*stated, *reading]
    if not contexts:
        return claim, stated
    context = Tokens(round(contexts[0].high))
    claim = replace(claim, context=context, context_told=_told_with_k(claim, contexts[0]))
    conditional = any(
        item.quantity not in {Quantity.KV_HEADS, Quantity.INPUT_PRICE, Quantity.OUTPUT_PRICE} for item in stated
    )
    held = claim.machine is not None or claim.memory is not None
    if conditional or (held and scanner.words(_RUNS)):
        return claim, stated
    asserted = [] if re.search(r"prompt|depth|@", contexts[0].text, re.IGNORECASE) else [contexts[0]]
    return claim, [*stated, *asserted]


def _told_with_k(claim: Claim, context: Assertion) -> str:
    """The words of a context with a k or M that counts 1,024; empty where it has none, or a provider counts."""
    found = re.findall(r"\d[\d,.]*[km](?!\w)", context.text, re.IGNORECASE)
    return found[-1] if found and claim.cloud is None else ""


def _bandwidth_as_condition(claim: Claim, stated: list[Assertion]) -> tuple[Claim, list[Assertion]]:
    """Where no machine is named, a bandwidth beside a rate describes the machine."""
    rated = any(item.quantity is Quantity.DECODE for item in stated)
    told = [item for item in stated if item.quantity is Quantity.BANDWIDTH]
    if claim.machine is None and rated and told:
        kept = [item for item in stated if item.quantity is not Quantity.BANDWIDTH]
        return replace(claim, bandwidth=told[0].high, unknown=()), kept
    return claim, stated


def _words(claim: Claim, scanner: Scanner, stated: list[Assertion]) -> list[Assertion]:
    """What is claimed without a number: that it runs, an operating system, a free tier."""
    made: list[Assertion] = []
    if claim.cloud is not None and scanner.words(_FREE):
        made.append(Assertion(Quantity.FREE, 0, 0, "free"))
    system = next((name for name in _SYSTEMS if scanner.words(rf"\b{name}\b")), None)
    if system and claim.machine is not None and not _has_model(claim) and not stated:
        only = "only" if scanner.words(r"\bonly\b") else ""
        made.append(Assertion(Quantity.SYSTEM, 0, 0, f"{system} {only}".strip(), kind=f"{system} {only}".strip()))
    held = claim.machine is not None or claim.memory is not None
    if not stated and not made and _has_model(claim) and held:
        made.append(Assertion(Quantity.FITS, 0, 0, "runs"))
    return made
