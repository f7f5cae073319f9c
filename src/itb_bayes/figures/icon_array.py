"""A hundred small marks of which some are filled: a count in 100 as a picture."""

COLUMNS, ROWS = 20, 5
STEP = 4
WIDTH, HEIGHT = COLUMNS * STEP, ROWS * STEP


def icon_paths(count: int) -> tuple[str, str]:
    """Return the ``d`` of two SVG paths: along the filled marks, and along the others.

    Drawn with a dashed stroke, one dash is one mark (dashes begin anew with each row). Marks fill
    from the lower left, row by row; drawing the two with different widths tells them apart without
    colour.

    Parameters
    ----------
    count : int
        Of 100.

    Raises
    ------
    ValueError
        If it is not between 0 and 100.
    """
    if not 0 <= count <= COLUMNS * ROWS:
        raise ValueError("a count in 100 lies between 0 and 100")
    filled, others = [], []
    for row in range(ROWS):
        y = HEIGHT - STEP * row - STEP // 2
        here = min(max(count - COLUMNS * row, 0), COLUMNS)
        if here:
            filled.append(f"M0 {y}H{STEP * here}")
        if here < COLUMNS:
            others.append(f"M{STEP * here + 1} {y}H{WIDTH}")
    return "".join(filled), "".join(others)
