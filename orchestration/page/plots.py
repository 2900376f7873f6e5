"""Trends as drawings: SVG that stands inside the page, with its texts as text.

Nothing here is imported until a page is made, for the library takes its time. A drawing is narrow, so that it can be
read on a phone at its own size; colour never says anything alone.
"""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from orchestration.page.markup import text
from orchestration.page.series import Movement, Rate, Standing
from orchestration.page.words import day_of_axis

# Inches of 72 points: as wide as a phone.
SIZE = (5.0, 2.9)
INK, GRID = "#1b2733", "#d9dee3"
BLUE, ORANGE, GREEN = "#1f5f99", "#b4540a", "#2f7d4f"
# Of currencies, in their order; what is over goes without a line of its own.
LINES = ((ORANGE, (0, (5, 2))), ("#6b4a9e", (0, (1, 1.5))), ("#2f7d4f", (0, (6, 2, 1, 2))))

# More days than this make bars too thin for outlines.
DENSE = 40

SETTINGS = {
    # Text stays text: small, searchable, in the page's own font.
    "svg.fonttype": "none",
    # The same figures give the same bytes.
    "svg.hashsalt": "tieout",
    "text.parse_math": False,
    "font.size": 11,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "hatch.linewidth": 0.8,
}
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def match_rate(rows: Sequence[Rate], money: dict[str, Sequence[Rate]], *, name: str, alt: str) -> str:
    """Match rates in per cent: of rows one strong line, of money one line a currency."""

    def draw(axes: Axes) -> None:
        for (currency, rates), (colour, dashes) in zip(money.items(), LINES, strict=False):
            axes.plot(
                *_points(rates), color=colour, linestyle=dashes, linewidth=1.5, label=plain(f"Money in {currency}")
            )
        mark = "o" if len(rows) <= 31 else ""
        axes.plot(*_points(rows), color=BLUE, linewidth=2.4, marker=mark, markersize=3.5, label="Rows")
        lowest = min(rate.hundredths for rates in (rows, *money.values()) for rate in rates) // 100
        axes.set_ylim((lowest - 2) // 5 * 5 if lowest >= 50 else 0, 101 if lowest < 80 else 100.4)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))

    return _drawn(draw, [rate.day for rate in rows], name, alt)


def movement(movements: Sequence[Movement], *, name: str, alt: str) -> str:
    """Exceptions opened (up) and closed (down), the self-cleared ones apart."""

    def draw(axes: Axes) -> None:
        days = [each.day for each in movements]
        width = 0.8 if len(days) > 1 and (days[-1] - days[0]).days > 8 else 0.5
        closed, cleared = [-each.closed for each in movements], [-each.self_cleared for each in movements]
        axes.bar(days, [each.opened for each in movements], width, color=ORANGE, label="Opened")
        axes.bar(days, closed, width, color=BLUE, label="Closed by people or rules")
        # Light with a hatch: told from the others without colour. Of many days the bars are too thin for lines.
        look = {"facecolor": "#bfe0cb", "label": "Cleared by themselves"}
        if (days[-1] - days[0]).days <= DENSE:
            look |= {"edgecolor": GREEN, "hatch": "////"}
        some = [index for index, height in enumerate(cleared) if height] or [0]
        axes.bar(
            [days[index] for index in some],
            [cleared[index] for index in some],
            width,
            bottom=[closed[index] for index in some],
            **look,
        )
        axes.axhline(0, color=INK, linewidth=0.8)
        _counts(axes)

    return _drawn(draw, [each.day for each in movements], name, alt)


def open_count(standings: Sequence[Standing], *, name: str, alt: str) -> str:
    """Exceptions that were open when the day ended."""

    def draw(axes: Axes) -> None:
        days, counts = [each.day for each in standings], [each.open_count for each in standings]
        # The last day has its width too.
        days, counts = [*days, days[-1] + timedelta(days=1)], [*counts, counts[-1]]
        axes.fill_between(days, counts, step="post", color=BLUE, alpha=0.15, linewidth=0)
        axes.step(days, counts, where="post", color=BLUE, linewidth=2.2)
        axes.set_ylim(0, max(1, *counts) * 1.15)
        axes.annotate(
            f"{counts[-1]:,}", (days[-1], counts[-1]), (-3, 4), textcoords="offset points", ha="right", weight="bold"
        )
        _counts(axes)

    return _drawn(draw, [each.day for each in standings], name, alt, legend=False)


def plain(label: str) -> str:
    """A label without characters that the library's own font lacks, by which it measures."""
    return re.sub(r"[^\x20-\x7e]", "?", label)


def _points(rates: Iterable[Rate]) -> tuple[list[date], list[float]]:
    """For drawing only: no number of the page is made of these."""
    found = list(rates)
    return [rate.day for rate in found], [rate.hundredths / 100 for rate in found]


def _day(value: float, last: date) -> str:
    """The label of a tick; none behind the last day."""
    day = num2date(value)
    return day_of_axis(day) if day.date() <= last else ""


def _counts(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))


def _drawn(draw: Callable[[Axes], None], days: Sequence[date], name: str, alt: str, *, legend: bool = True) -> str:
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=SIZE)
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        draw(axes)
        axes.grid(axis="y", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(AutoDateLocator(minticks=2, maxticks=6, interval_multiples=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _day(value, max(days))))
        if len(set(days)) <= 6:
            axes.set_xticks(sorted(set(days)))
        if legend:
            handles, labels = axes.get_legend_handles_labels()
            order = sorted(range(len(labels)), key=lambda index: labels[index] != "Rows")
            figure.legend(
                [handles[index] for index in order],
                [labels[index] for index in order],
                loc="lower left",
                ncols=2,
                frameon=False,
                fontsize=10.5,
                borderaxespad=0,
                handlelength=2.6,
            )
        lines = (len(axes.get_legend_handles_labels()[1]) + 1) // 2 if legend else 0
        figure.subplots_adjust(left=0.13, right=0.975, top=0.965, bottom=0.125 + 0.085 * lines)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata=NO_METADATA, transparent=True)
    return inline(out.getvalue(), name, alt)


def inline(svg: str, name: str, alt: str) -> str:
    """A drawing as it may stand inside a page, beside others: no prologue, no addresses, ids of its own, a text for who
    cannot see it, and as wide as there is room."""
    body = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    opening, rest = body.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', opening)
    rest = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', rest)
    rest = re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", rest)
    rest = re.sub(r'xlink:href="#([^"]*)"', rf'href="#{name}-\1"', rest)
    return f'<svg role="img" aria-label="{text(alt)}" {box.group() if box else ""}>{rest}'
