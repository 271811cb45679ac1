"""What a bench saw of a server's cache, and of a request that was taken back, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.report.numbers import duration, number

if TYPE_CHECKING:
    from truelimit.bench.behaviour import CacheBehaviour, CancelBehaviour


def cache_words(item: CacheBehaviour) -> str:
    """Return in words what the prompt cache did."""
    changed = (
        ""
        if item.changed_head is None
        else said("; with a new head at most {changed_head}", changed_head=number(item.changed_head))
    )
    if item.reused is None:
        return said("cache: the server does not tell what it took from it{changed}", changed=changed)
    about = said("about ") if item.reused.basis is Basis.DERIVED else ""
    derived = said(" (from the time)") if about else ""
    got = said(
        "{about}{reused} of {prompt} tokens from the cache{derived}",
        about=about,
        reused=number(item.reused.value),
        prompt=number(item.prompt),
        derived=derived,
    )
    return said("cache: the same prompt again took {got}{changed}", got=got, changed=changed)


def cancel_words(item: CancelBehaviour) -> str:
    """Return in words what became of a prompt whose client left."""
    text = said(
        "cancel: left after {after} of a prompt of {prompt} tokens; ",
        after=duration(item.after),
        prompt=number(item.prompt),
    )
    if item.stopped is None:
        text += said("whether the server stopped cannot be told")
    elif item.stopped:
        within = (
            said(" (seen idle within {idle_within})", idle_within=duration(item.idle_within))
            if item.idle_within is not None
            else ""
        )
        text += said("the server stopped{within}", within=within)
    else:
        small = said(" (it is shorter than a usual batch of 2,048, within which no server stops)")
        text += said("the server read on to the end{small}", small=small if item.prompt <= 2048 else "")
    if item.kept is None:
        return text
    about = said("about ") if item.kept.basis is Basis.DERIVED else ""
    return said(
        "{text}; {about}{kept} tokens stayed in the cache for the next attempt",
        text=text,
        about=about,
        kept=number(item.kept.value),
    )
