"""The report's pictures, as PNG data URIs: nothing is loaded from anywhere."""

import base64
import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from wvl_models.loop.report.facts import ReportFacts, TurnSuccess
from wvl_models.loop.run import Run

BLUE, RED, GREY = "#2563a8", "#c0392b", "#888888"


def success_picture(success: tuple[TurnSuccess, ...]) -> str:
    """True success per turn with its interval."""
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    turns = [row.turn for row in success]
    values = np.array([row.rate.value for row in success]) * 100
    low = values - np.array([row.rate.low for row in success]) * 100
    high = np.array([row.rate.high for row in success]) * 100 - values
    axes.errorbar(turns, values, yerr=[low, high], fmt="o-", color=BLUE, capsize=4)
    axes.set(
        xlabel="turn (0: after SFT)",
        ylabel="true success, %",
        xticks=turns,
        ylim=(0, max(100 * max(row.rate.high for row in success) + 5, 20)),
    )
    axes.grid(alpha=0.3)
    return _as_uri(figure)


def curve_picture(curves: list[tuple[str, list[tuple[int, float]]]], ylabel: str) -> str:
    """Curves over training steps."""
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for name, points in curves:
        if points:
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, label=name, linewidth=1.2)
    axes.set(xlabel="step", ylabel=ylabel)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(fontsize=8)
    return _as_uri(figure)


def imagination_picture(run: Run, name: str) -> str:
    """Real frames above imagined ones, and both rewards over time."""
    with np.load(run.folder / name, allow_pickle=False) as stored:
        parts = {key: stored[key] for key in stored.files}
    num = len(parts["real"])
    figure = plt.figure(figsize=(11, 2.5 * num), layout="constrained")
    grid = figure.add_gridspec(2 * num, 2, width_ratios=[4, 1])
    for row in range(num):
        for offset, kind in enumerate(("real", "imagined")):
            axes = figure.add_subplot(grid[2 * row + offset, 0])
            axes.imshow(np.concatenate(list(parts[kind][row]), axis=1), interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.set_ylabel(kind, fontsize=8)
        axes = figure.add_subplot(grid[2 * row : 2 * row + 2, 1])
        axes.plot(parts["real_rewards"][row], color=GREY, drawstyle="steps-post", label="real")
        axes.plot(parts["imagined_rewards"][row], color=RED, label="imagined")
        axes.axhline(0.9, color=GREY, linewidth=0.6, linestyle="--")
        axes.set(ylim=(-0.2, 1.3), xlabel="step", ylabel="reward")
        axes.legend(fontsize=6, loc="upper left")
    return _as_uri(figure)


def timing_picture(facts: ReportFacts) -> str:
    """Wall time per stage."""
    names, seconds = list(facts.timings_s), list(facts.timings_s.values())
    figure, axes = plt.subplots(figsize=(6, 0.25 * len(names) + 0.8), layout="constrained")
    axes.barh(names, seconds, color=BLUE)
    axes.invert_yaxis()
    axes.set(xlabel="seconds")
    return _as_uri(figure)


def _as_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
