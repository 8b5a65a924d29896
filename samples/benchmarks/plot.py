"""Bars of seconds, with the time that cannot be avoided drawn in, and how times grow, as SVG."""
from html import escape
import math

LEFT, WIDTH, BAR, GAP = 250, 420, 16, 14
OURS, THEIRS, LIMIT = "#2f6fb7", "#b9bec6", "#c0392b"
# Of a panel that shows how a time grows.
PANEL, MARGIN, PANELS_IN_ROW = (310, 190), 46, 2


def svg(bars, growths, caption):
    """`bars`: (job, [(name, seconds)], limit or None), each with a scale of its own; `growths`: (what, sizes, seconds,
    slope), seconds over sizes, both logarithmic, and the line that fits best."""
    parts, y = [], 34
    for job, values, limit in bars:
        longest = max(seconds for _, seconds in values)
        parts.append(text(8, y + 12, job, 'font-weight="bold"'))
        y += 20
        top = y
        for name, seconds in values:
            width = max(1, WIDTH * seconds / longest)
            parts.append(text(LEFT - 8, y + 12, name, 'text-anchor="end"'))
            colour = OURS if name.startswith("dray") else THEIRS
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{colour}"/>')
            parts.append(text(LEFT + width + 6, y + 12, f"{seconds:.2f} s"))
            y += BAR
        if limit:
            x = LEFT + WIDTH * limit / longest
            parts.append(line(x, top - 3, x, y + 1, LIMIT))
        y += GAP
    for place, growth in enumerate(growths):
        row, column = divmod(place, PANELS_IN_ROW)
        parts += panel(growth, 8 + column * (PANEL[0] + 40), y + row * (PANEL[1] + 30))
    y += -(-len(growths) // PANELS_IN_ROW) * (PANEL[1] + 30)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 80}" height="{y + 6}" '
            'font-family="sans-serif" font-size="12" fill="#24292f">')
    legend = f"{caption}; the red line is work that cannot be avoided"
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', text(8, 18, legend), *parts, "</svg>\n"])


def panel(growth, left, top):
    what, sizes, seconds, slope = growth
    width, height = PANEL[0] - MARGIN, PANEL[1] - MARGIN
    xs, ys = [math.log2(size) for size in sizes], [math.log2(second) for second in seconds]
    # The line goes through the middle of the points.
    middle = sum(xs) / len(xs), sum(ys) / len(ys)
    line_ys = [middle[1] + math.log2(slope) * (x - middle[0]) for x in (xs[0], xs[-1])]
    low, high = min(ys + line_ys), max(ys + line_ys)

    def place(x, y):
        return left + MARGIN + width * (x - xs[0]) / (xs[-1] - xs[0]), top + 38 + (height - 38) * (high - y) / (high - low)

    yield text(left, top + 4, what, 'font-weight="bold"')
    yield text(left, top + 18, f"twice as many take {slope:.2f} times as long")
    yield line(*place(xs[0], line_ys[0]), *place(xs[-1], line_ys[1]), THEIRS)
    for x, y, size, second in zip(xs, ys, sizes, seconds):
        across, down = place(x, y)
        yield f'<circle cx="{across:.1f}" cy="{down:.1f}" r="4" fill="{OURS}"/>'
        yield text(across, top + height + 18, f"{size:,}", 'text-anchor="middle"')
        yield text(across - 8, down - 6, f"{second:.2f} s", 'text-anchor="end" font-size="10"')


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>'


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="2"/>'
