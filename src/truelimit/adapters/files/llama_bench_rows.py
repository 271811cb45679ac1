"""llama-bench's results, one test a row: objects (json, jsonl, csv) and Markdown tables.

``pp`` at a depth measures only the tokens that come after it (tools/llama-bench/README.md of llama.cpp). A test of
both reading and writing (``-pg``) tells neither rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from truelimit.adapters.files.llama_bench_runs import Row
from truelimit.adapters.files.llama_bench_table import count_of, positive, rate_of, size_of, test_of, whole
from truelimit.domain.measurements import MeasuredMachine, MeasuredModel, MeasuredServer, PointKind
from truelimit.domain.message import said
from truelimit.limits.names import stem
from truelimit.units import Bytes, from_ns

TOOL = "llama-bench"
_TYPE = re.compile(r"(\S+)\s+(\S+)\s+(?:mostly\s+)?(.+)")
_BUILD = re.compile(r"^build:\s*([0-9a-f]{6,40})\s*\((\d{1,7})\)", re.MULTILINE)
_DEVICE = re.compile(r"(?:^\s*Device 0: ([^,\n]+),|GPU name:\s*([^\n]+)|^ggml_vulkan: 0 = ([^(|\n]+))", re.MULTILINE)
_SIZES = (("Medium", "M"), ("Small", "S"), ("Large", "L"))
_MOST_REPEATS = 100
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def object_rows(items: Iterable[Mapping[str, object]]) -> Iterator[Row | str]:
    """Yield a row for each object, or in words why there is none."""
    for item in items:
        read, wrote = whole(item.get("n_prompt")) or 0, whole(item.get("n_gen")) or 0
        seconds = _seconds(item)
        if read and wrote:
            yield said("tests of reading and writing together (-pg) tell neither rate")
        elif not (read or wrote) or not seconds:
            yield said("rows without tokens or times")
        else:
            kind = PointKind.PREFILL if read else PointKind.DECODE
            yield Row(
                TOOL,
                _model(item),
                MeasuredMachine(chip=_chip(item)),
                _server(item),
                _settings(item),
                kind,
                whole(item.get("n_depth")) or 0,
                read or wrote,
                seconds,
                _taken(item.get("test_time")),
            )


def markdown_rows(rows: Iterable[Mapping[str, str]], text: str) -> Iterator[Row | str]:
    """Yield a row for each line of llama-bench's tables; ``text`` is all of the file, for the build and the device."""
    build, device = _BUILD.search(text), _DEVICE.search(text)
    version = f"b{build[2]}" if build else None
    chip = next((part.strip() for part in device.groups() if part), None) if device else None
    for item in rows:
        test, rate = test_of(item.get("test", "")), rate_of(item.get("t/s"))
        if test is None or rate is None or not test.tokens:
            yield said("lines whose test or rate is not understood (such as pp512+tg128)")
            continue
        architecture, quantization = _parts(item.get("model", ""))
        model = MeasuredModel(
            item.get("model", "") or "unnamed",
            architecture,
            count_of(item.get("params")),
            size_of(item.get("size")),
            quantization,
        )
        yield Row(
            TOOL,
            model,
            MeasuredMachine(chip=chip),
            MeasuredServer("llama.cpp", version, backend=item.get("backend") or None),
            _told((name, item.get(key)) for key, name in _COLUMNS.items()),
            PointKind.PREFILL if test.is_prefill else PointKind.DECODE,
            test.depth,
            test.tokens,
            (test.tokens / rate,),
        )


_COLUMNS = {
    "ngl": "ngl",
    "threads": "threads",
    "n_batch": "batch",
    "n_ubatch": "ubatch",
    "type_k": "K",
    "type_v": "V",
    "fa": "flash attention",
    "sm": "split",
    "dev": "devices",
}
_SETTINGS = {
    "n_gpu_layers": "ngl",
    "n_threads": "threads",
    "n_batch": "batch",
    "n_ubatch": "ubatch",
    "type_k": "K",
    "type_v": "V",
    "flash_attn": "flash attention",
    "split_mode": "split",
    "devices": "devices",
    "n_cpu_moe": "experts on the CPU",
}


def _settings(item: Mapping[str, object]) -> tuple[str, ...]:
    return _told((name, item.get(key)) for key, name in _SETTINGS.items())


def _told(items: Iterable[tuple[str, object]]) -> tuple[str, ...]:
    """Settings in words; those that say nothing (automatic, all layers, none) are left out."""
    found = []
    for name, value in items:
        text = str(value).strip()[:60].lower() if value is not None else ""
        text = _SWITCH.get(text, text) if name == "flash attention" else text
        if text and (name, text) not in _PLAIN:
            found.append(f"{name} {text}")
    return tuple(found)


_SWITCH = {"1": "on", "0": "off", "-1": "auto", "true": "on", "false": "off"}
_PLAIN = {
    ("ngl", "-1"),
    ("ngl", "99"),
    ("ngl", "999"),
    ("devices", "auto"),
    ("devices", "none"),
    ("experts on the CPU", "0"),
    ("flash attention", "auto"),
}


def _seconds(item: Mapping[str, object]) -> tuple[float, ...]:
    """The repeats where they are given, else their mean."""
    samples = item.get("samples_ns")
    if isinstance(samples, list) and samples:
        known = [positive(value) for value in samples[:_MOST_REPEATS]]
        if all(known):
            return tuple(from_ns(value) for value in known if value)
    mean = positive(item.get("avg_ns"))
    return (from_ns(mean),) if mean else ()


def _model(item: Mapping[str, object]) -> MeasuredModel:
    architecture, quantization = _parts(_text(item, "model_type"))
    size = whole(item.get("model_size"))
    return MeasuredModel(
        name=stem(_text(item, "model_filename")) or _text(item, "model_type") or "unnamed",
        architecture=architecture,
        parameters=positive(item.get("model_n_params")),
        weights_bytes=Bytes(size) if size else None,
        quantization=quantization,
    )


def _parts(kind: str) -> tuple[str | None, str | None]:
    """``qwen2 7B Q4_K - Medium`` as architecture and quantization (``Q4_K_M``)."""
    match = _TYPE.fullmatch(kind.strip())
    if match is None:
        return None, None
    quantization = match[3].removesuffix(" MoE")
    for word, letter in _SIZES:
        quantization = quantization.replace(f" - {word}", f"_{letter}")
    return match[1], quantization


def _chip(item: Mapping[str, object]) -> str | None:
    on_cpu = _text(item, "backends").upper() in {"CPU", "BLAS", ""}
    return (_text(item, "cpu_info") if on_cpu else _text(item, "gpu_info")) or _text(item, "cpu_info") or None


def _server(item: Mapping[str, object]) -> MeasuredServer:
    build = whole(item.get("build_number"))
    return MeasuredServer("llama.cpp", f"b{build}" if build else None, backend=_text(item, "backends") or None)


def _text(item: Mapping[str, object], key: str) -> str:
    value = item.get(key)
    return value.strip()[:200] if isinstance(value, str) else ""


def _taken(value: object) -> str:
    return value.replace("Z", "+00:00") if isinstance(value, str) and _TIME.fullmatch(value) else ""
