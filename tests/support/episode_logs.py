"""Lines of server logs as they were recorded or read in the source: Ollama before and from 0.30, llama-server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from support.episode_home import at

_START, _LOAD = at(-7200), at(0.1)
_ENV = (
    "OLLAMA_CONTEXT_LENGTH:{context} OLLAMA_DEBUG:INFO OLLAMA_FLASH_ATTENTION:{flash} OLLAMA_GPU_OVERHEAD:0 "
    "OLLAMA_HOST:http://127.0.0.1:11434 OLLAMA_KEEP_ALIVE:5m0s OLLAMA_KV_CACHE_TYPE:{kv} OLLAMA_LOAD_TIMEOUT:5m0s "
    "OLLAMA_MAX_LOADED_MODELS:0 OLLAMA_MAX_QUEUE:512 OLLAMA_MODELS:/Users/dev/.ollama/models "
    "OLLAMA_NUM_PARALLEL:{parallel} OLLAMA_ORIGINS:[http://localhost] OLLAMA_SCHED_SPREAD:false"
)


def slog(moment: datetime, msg: str, rest: str = "", level: str = "INFO", source: str = "server.go:1") -> str:
    """Return a line of Ollama's own log."""
    zone = "Z" if moment.utcoffset() == timedelta(0) else moment.isoformat()[-6:]
    time = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}{zone}"
    message = msg if " " not in msg and "=" not in msg else f'"{msg}"'
    return f"time={time} level={level} source={source} msg={message} {rest}".rstrip()


def gin(end: datetime, status: int, duration: str, path: str = "/v1/chat/completions") -> str:
    """Return an access line; ``duration`` is Go's (``5m2s``)."""
    when = end.strftime("%Y/%m/%d - %H:%M:%S")
    return f'[GIN] {when} | {status} | {duration:>13} |       127.0.0.1 | POST     "{path}"'


def start(
    version: str = "0.16.2",
    *,
    total: str = "48.0 GiB",
    system: str = "64.0 GiB",
    chip: str = "Apple M2 Ultra",
    library: str = "Metal",
    context: int = 0,
    tier: int | None = 262_144,
    parallel: int = 1,
    kv: str = "",
    flash: str = "false",
    when: datetime = _START,
) -> list[str]:
    """Return the lines of a start of Ollama: environment, version, device, default context."""
    env = _ENV.format(context=context, parallel=parallel, kv=kv, flash=flash)
    discrete = "iGPU" if library == "cpu" else "discrete"
    lines = [
        slog(when, "server config", f'env="map[{env}]"', source="routes.go:1636"),
        slog(when, f"Listening on 127.0.0.1:11434 (version {version})", source="routes.go:1689"),
        slog(
            when,
            "inference compute",
            f'id=0 library={library} compute=0.0 name={library} description="{chip}" libdirs="" driver=0.0 pci_id="" '
            f'type={discrete} total="{total}" available="{total}"',
            source="types.go:42",
        ),
    ]
    if tier is not None:
        rest = f'total_vram="{total}" default_num_ctx={tier}'
        lines.append(slog(when, "vram-based default context", rest, source="routes.go:1739"))
    lines.append(
        slog(when, "system memory", f'total="{system}" free="{system}" free_swap="0 B"', source="sched.go:463")
    )
    return lines


def load_b(
    blob: str,
    context: int = 131_072,
    *,
    when: datetime = _LOAD,
    seconds: float = 6.5,
    parallel: int = 1,
    kv: str = "",
    flash: str = "Enabled",
) -> list[str]:
    """Return the lines of a load in Ollama's own runner (0.11.5 to 0.24)."""
    model = f"/Users/dev/.ollama/models/blobs/{blob}"
    cmd = (
        f'cmd="/Applications/Ollama.app/Contents/Resources/ollama runner --ollama-engine --model {model} --port 53121"'
    )
    request = (
        f"{{Operation:commit LoraPath:[] Parallel:{parallel} BatchSize:512 FlashAttention:{flash} "
        f"KvSize:{context * parallel} KvCacheType:{kv} NumThreads:16 GPULayers:49[ID:0 Layers:49(0..48)] "
        "MultiUserCache:false ProjectorPath: MainGPU:0 UseMmap:false}"
    )
    return [
        slog(when, "starting runner", cmd, source="server.go:429"),
        slog(at(0.02, when), "load", f'request="{request}"', source="runner.go:1278"),
        slog(at(seconds, when), f"llama runner started in {seconds:.2f} seconds", source="server.go:1388"),
    ]


def load_c(
    blob: str,
    context: int = 131_072,
    *,
    when: datetime = _LOAD,
    seconds: float = 6.5,
    parallel: int = 1,
    template: str = "go_template",
    more: str = "--flash-attn auto",
) -> list[str]:
    """Return the lines of a load in llama-server under Ollama (from 0.30)."""
    model = f"/Users/dev/.ollama/models/blobs/{blob}"
    cmd = (
        f'cmd="/usr/local/lib/ollama/llama-server --model {model} --host 127.0.0.1 --port 50123 '
        f'-c {context * parallel} -np {parallel} {more} --log-verbosity 4"'
    )
    return [
        slog(when, "template selection", f"model=x selected={template} reason=test", source="images.go:381"),
        slog(when, "starting llama-server", cmd, source="llama_server.go:433"),
        f"srv    load_model: loading model '{model}'",
        f"llama_context: n_seq_max             = {parallel}",
        f"llama_context: n_ctx                 = {context * parallel}",
        f"llama_context: n_ctx_seq             = {context}",
        "llama_context: n_batch               = 2048",
        "llama_context: n_ubatch              = 2048",
        "resolve_fused_ops: Flash Attention enabled",
        f"srv    load_model: initializing, n_slots = {parallel}, n_ctx_slot = {context}, kv_unified = 'false'",
        "srv    load_model: prompt cache is enabled, size limit: 8192 MiB",
        slog(at(seconds, when), f"llama-server started in {seconds:.2f} seconds", source="llama_server.go:900"),
    ]


def truncating(moment: datetime, prompt: int, limit: int, source: str = "runner.go:187") -> str:
    """Return the warning of a silent cut."""
    rest = f"limit={limit} prompt={prompt} keep=4 new={limit}"
    return slog(moment, "truncating input prompt", rest, "WARN", source)


def reading(
    task: int,
    prompt: int,
    seconds: Iterable[tuple[int, float]],
    *,
    context: int,
    cached: int = 0,
    total: tuple[int, float] | None = None,
    answer: tuple[int, float] | None = None,
    prefix: Iterator[str] | None = None,
) -> list[str]:
    """Return llama-server's lines for one prompt: (tokens in place, seconds) per batch, then the totals."""
    slot = f"slot   operator(): id  0 | task {task} |"
    timing = f"slot print_timing: id  0 | task {task} |"
    lines = [
        f"slot launch_slot_: id  0 | task {task} | processing task, is_child = 0",
        f"{slot} new prompt, n_ctx_slot = {context}, n_keep = 0, task.n_tokens = {prompt}",
        f"{slot} cached n_tokens = {cached}, memory_seq_rm [{cached}, end)",
    ]
    for tokens, lasted in seconds:
        rate = (tokens - cached) / lasted
        lines.append(
            f"{timing} prompt processing, n_tokens = {tokens:6d}, progress = {tokens / prompt:.2f}, "
            f"t = {lasted:6.2f} s / {rate:.2f} tokens per second"
        )
    if total is not None:
        count, lasted = total
        lines.append(
            f"{timing} prompt eval time = {lasted * 1000:10.2f} ms / {count:5d} tokens "
            f"({lasted * 1000 / count:8.2f} ms per token, {count / lasted:8.2f} tokens per second)"
        )
    if answer is not None:
        count, lasted = answer
        lines.append(
            f"{timing}        eval time = {lasted * 1000:10.2f} ms / {count:5d} tokens "
            f"({lasted * 1000 / count:8.2f} ms per token, {count / lasted:8.2f} tokens per second)"
        )
        lines.append(
            f"slot      release: id  0 | task {task} | stop processing: n_tokens = {prompt + count}, truncated = 0"
        )
    return lines


def cancelled(task: int, tokens: int) -> list[str]:
    """Return llama-server's lines when the client has gone."""
    return [
        f"srv          stop: cancel task, id_task = {task}",
        f"slot      release: id  0 | task {task} | stop processing: n_tokens = {tokens}, truncated = 0",
    ]


def curve(a: float, b: float, prompt: int, *, cached: int = 0, batch: int = 2048) -> list[tuple[int, float]]:
    """Return (tokens in place, seconds since the start) per batch of an engine with T(n) = a*n + b*n^2/2."""

    def taken(tokens: int) -> float:
        return a * tokens + b * tokens**2 / 2

    ends = [*range(cached + batch, prompt, batch), prompt]
    return [(tokens, taken(tokens) - taken(cached)) for tokens in ends]


def timed(lines: Iterable[str], begin: float = 0.0, step: float = 0.001) -> list[str]:
    """Return llama-server's own form: each line behind ``minutes.seconds.ms.us LEVEL``, counting from its start."""
    made = []
    for number, line in enumerate(lines):
        micro = round((begin + number * step) * 1e6)
        minutes, rest = divmod(micro, 60_000_000)
        made.append(f"{minutes}.{rest // 1_000_000:02d}.{rest // 1000 % 1000:03d}.{rest % 1000:03d} I {line}")
    return made
