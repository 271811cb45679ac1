"""Which keys a generation of OpenClaw accepts: both refuse to start on a key that they do not know."""

from __future__ import annotations

from truelimit.adapters.agents.openclaw.generations import FEBRUARY, SEPTEMBER
from truelimit.domain.agent import ConfigPath

# Both versions know these of an OpenAI-style server's ways; each refuses any other name there.
_COMPAT = (
    *("supportsStore", "supportsDeveloperRole", "supportsReasoningEffort", "supportsUsageInStreaming"),
    *("supportsStrictMode", "maxTokensField", "thinkingFormat", "requiresToolResultName"),
    *("requiresAssistantAfterToolResult", "requiresThinkingAsText"),
)


def _below(parent: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{parent}.{name}" for name in names)


# "*" stands for one key or index, "**" at the end for anything below (a free bag, a list).
_BOTH = (
    "models.mode",
    "models.providers.*.baseUrl",
    "models.providers.*.apiKey",
    "models.providers.*.auth",
    "models.providers.*.api",
    "models.providers.*.headers.**",
    "models.providers.*.authHeader",
    "models.providers.*.models",
    "models.providers.*.models.*",
    "models.providers.*.models.*.id",
    "models.providers.*.models.*.name",
    "models.providers.*.models.*.api",
    "models.providers.*.models.*.reasoning",
    "models.providers.*.models.*.input.**",
    "models.providers.*.models.*.cost",
    *_below("models.providers.*.models.*.cost", "input", "output", "cacheRead", "cacheWrite"),
    "models.providers.*.models.*.contextWindow",
    "models.providers.*.models.*.maxTokens",
    "models.providers.*.models.*.headers.**",
    *_below("models.providers.*.models.*.compat", *_COMPAT),
    "agents.defaults.model",
    "agents.defaults.model.primary",
    "agents.defaults.model.fallbacks.**",
    "agents.defaults.models.*",
    "agents.defaults.models.*.alias",
    "agents.defaults.models.*.params.**",
    "agents.defaults.timeoutSeconds",
    "agents.defaults.bootstrapMaxChars",
    "agents.defaults.bootstrapTotalMaxChars",
    "agents.defaults.compaction.mode",
    *_below("agents.defaults.compaction.memoryFlush", "enabled", "softThresholdTokens"),
)
_ONLY = {
    FEBRUARY: (
        "agents.defaults.contextTokens",
        "agents.defaults.compaction.reserveTokensFloor",
        "agents.defaults.compaction.maxHistoryShare",
        "agents.list.*.model",
        "agents.list.*.model.primary",
        "agents.list.*.model.fallbacks.**",
    ),
    SEPTEMBER: (
        "models.providers.*.timeoutSeconds",
        "models.providers.*.maxTokens",
        "models.providers.*.params.**",
        "models.providers.*.injectNumCtxForOpenAICompat",
        *_below("models.providers.*.localService", "command", "cwd", "healthUrl", "readyTimeoutMs", "idleStopMs"),
        "models.providers.*.localService.args.**",
        "models.providers.*.localService.env.**",
        "models.providers.*.models.*.baseUrl",
        "models.providers.*.models.*.contextTokens",
        "models.providers.*.models.*.params.**",
        "agents.defaults.params.**",
        "agents.defaults.compaction.enabled",
        "agents.defaults.compaction.provider",
        "agents.defaults.compaction.model",
        "agents.defaults.compaction.thinkingLevel",
        "agents.defaults.compaction.timeoutSeconds",
        "agents.defaults.compaction.keepRecentTokens",
        "agents.defaults.compaction.recentTurnsPreserve",
        *_below("agents.defaults.compaction.qualityGuard", "enabled", "maxRetries"),
        "agents.defaults.compaction.midTurnPrecheck.enabled",
        "agents.entries.*.model",
        "agents.entries.*.model.primary",
        "agents.entries.*.model.fallbacks.**",
        "agents.entries.*.models.*",
        "agents.entries.*.models.*.params.**",
        "agents.entries.*.params.**",
    ),
}


def accepts(generation: str, path: ConfigPath) -> bool:
    """Return whether that generation is known to accept the key; False for a key that is not known here.

    Source: the schemas of 2026.2.17 (zod, strict) and 2026.9.6 (``openclaw config schema``).
    """
    return any(_matches(pattern.split("."), path) for pattern in (*_BOTH, *_ONLY.get(generation, ())))


def _matches(pattern: list[str], path: ConfigPath) -> bool:
    if pattern[-1] == "**":
        pattern, path = pattern[:-1], path[: len(pattern) - 1]
    return len(pattern) == len(path) and all(part in ("*", key) for part, key in zip(pattern, path, strict=True))
