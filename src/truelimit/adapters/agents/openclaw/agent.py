"""One OpenClaw as its configuration describes it."""

from __future__ import annotations

from truelimit.adapters.agents.openclaw.catalogue import read_catalogue
from truelimit.adapters.agents.openclaw.config import Config, load
from truelimit.adapters.agents.openclaw.generations import Release, release_of
from truelimit.adapters.agents.openclaw.places import Installation
from truelimit.adapters.agents.openclaw.routes import route_of, unusable
from truelimit.adapters.agents.openclaw.used_models import UsedModel, is_examined, used_models
from truelimit.app.ports import Evidence
from truelimit.domain.agent import Agent
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing


def read_agent(place: Installation, *, isolated: bool) -> Evidence:
    """Return the agent of one installation; a configuration that cannot be read is reported and gives no routes."""
    config, missing = _config(place)
    release = release_of(place, config, isolated)
    catalogue = read_catalogue(place)
    models = used_models(config, catalogue, release) if config else ()
    examined = tuple(used for used in models if is_examined(used))
    files = config.files if config else ()
    read_only = place.read_only(files or ((str(place.config_file),) if place.config_file else ()))
    agent = Agent(
        name=place.name,
        version=release.version,
        generation=release.generation,
        config_files=files,
        routes=tuple(route_of(used) for used in examined),
        read_only=read_only,
        notes=_notes(place, config, release, models),
    )
    problems = [problem for used in examined for problem in unusable(used)]
    return Evidence(
        agents=(agent,),
        missing=tuple(dict.fromkeys((*missing, *release.missing, *catalogue.missing, *problems))),
        examined=(*files, *catalogue.files),
    )


def _config(place: Installation) -> tuple[Config | None, tuple[Missing, ...]]:
    if place.config_file is None:
        why = said("{state_dir} holds no openclaw.json (nor one of its older names)", state_dir=place.state_dir)
        return None, (Missing(said("OpenClaw configuration"), why),)
    config, missing = load(place.config_file, place.environment)
    return config, (*missing, *(config.missing if config else ()))


def _notes(
    place: Installation, config: Config | None, release: Release, models: tuple[UsedModel, ...]
) -> tuple[str, ...]:
    notes = list(release.notes)
    if place.legacy:
        notes.append(said("its folder has the older name {state_dir}", state_dir=place.state_dir.name))
    cloud = sorted({used.provider or used.model for used in models if used.in_use and not is_examined(used)})
    if cloud:
        notes.append(said("models of {cloud} are served elsewhere and not examined", cloud=", ".join(cloud)))
    if config is not None and not release.february and config.has("agents", "defaults", "contextTokens"):
        key = config.place("agents", "defaults", "contextTokens")
        notes.append(
            said("{key} is retired and has no effect in this version; set contextTokens of the model instead", key=key)
        )
    return tuple(notes)
