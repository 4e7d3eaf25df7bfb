"""Small files as other programs write them."""

import random
from pathlib import Path

from click.testing import CliRunner, Result

from training.commands.new import new


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def run_new(*arguments: object) -> Result:
    return CliRunner().invoke(new, [str(argument) for argument in arguments])


def shop(rows: int = 120, separator: str = ",", decimal: str = ".", gap: str = "NA") -> str:
    """Return a table of purchases: who returns depends on price and colour, with some chance."""
    rng = random.Random(3)
    lines = [separator.join(("order_id", "price", "colour", "shop", "day", "note", "returned", "came_back"))]
    for row in range(rows):
        price = round(rng.uniform(5, 95), 2)
        colour = rng.choice(["red", "green", "blue"])
        returned = (price > 50) != (colour == "red" and rng.random() < 0.2)
        cells = [
            f"A{row + 1000}",
            gap if row % 17 == 3 else f"{price:.2f}".replace(".", decimal),
            gap if row % 23 == 5 else colour,
            "Main Street",
            f"2026-{row % 12 + 1:02}-{row % 28 + 1:02}",
            f"{rng.choice(['too', 'very', 'not'])} {rng.choice(['large', 'small'])} for my {row}th taste indeed",
            "yes" if returned else "no",
            "J" if returned else "N",
        ]
        lines.append(separator.join(cells))
    return "\n".join(lines) + "\n"
