"""What the figures were taken on, and how much of its memory was used."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Return processor, cores and interpreter."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    models = {line.partition(": ")[2] for line in lines if line.startswith("model name")}
    model = ", ".join(sorted(models)) or platform.processor() or platform.machine()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {python}"


def memory_mb() -> dict[str, float]:
    """Return how much memory this process has now, and has had at most.

    What `getrusage` tells is at least what the process had that started this one.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    told = dict(line.split(":", 1) for line in lines)
    names = {"resident_mb": "VmRSS", "peak_mb": "VmHWM"}
    return {name: int(told[field].split()[0]) / 1024 for name, field in names.items()}
