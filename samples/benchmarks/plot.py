"""Bars of seconds as SVG, with the time that cannot be avoided drawn in."""
from html import escape

LEFT, WIDTH, BAR, GAP = 250, 420, 16, 14
COLOURS = ["#2f6fb7", "#b9bec6", "#d5d9de", "#e5e8ec"]


def svg(bars, caption):
    """`bars`: (job, [(name, seconds)], limit or None); each job has a scale of its own."""
    parts, y = [], 34
    for job, values, limit in bars:
        longest = max(seconds for _, seconds in values)
        parts.append(f'<text x="8" y="{y + 12}" font-weight="bold">{escape(job)}</text>')
        y += 20
        top = y
        for place, (name, seconds) in enumerate(values):
            width = max(1, WIDTH * seconds / longest)
            parts.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{COLOURS[min(place, 3)]}"/>')
            parts.append(f'<text x="{LEFT + width + 6:.1f}" y="{y + 12}">{seconds:.2f} s</text>')
            y += BAR
        if limit:
            x = LEFT + WIDTH * limit / longest
            parts.append(f'<line x1="{x:.1f}" y1="{top - 3}" x2="{x:.1f}" y2="{y + 1}" stroke="#c0392b" stroke-width="2"/>')
        y += GAP
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 80}" height="{y + 6}" '
            'font-family="sans-serif" font-size="12" fill="#24292f">')
    return "\n".join([
        head, '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="8" y="18">{escape(caption)}; the red line is work that cannot be avoided</text>', *parts, "</svg>\n"])
