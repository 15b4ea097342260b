"""What networks of words do on a CPU: the words of a batch are numbered, and windows are scored word by word.

A batch holds far fewer different words than words. So each is multiplied by the filters once, and a window's score is
the sum of what its words came to. Of a maximum over time only one window has a gradient: going back costs next to
nothing.

| symbol   | meaning                                                    | shape             |
|----------|------------------------------------------------------------|-------------------|
| codes    | words by number; 0 is padding                              | row position      |
| words    | the different words of the batch, in order of appearance   | word              |
| places   | where `words` has each word; −1 for padding                | row position      |
| ends     | position behind the last word                              | row               |
| products | what each word comes to at each place of each filter       | word (place unit) |
| best, at | the highest score over time, and where its window begins   | row (filter unit) |
"""

import numpy as np

from cotune.kernels.arrays import Floats, floats, integer_matrix, integers, matrix
from cotune.kernels.compiling import compiled, part

F = np.float32
LEAST = F(-3.0e38)


@compiled
def number_words(
    codes_at: int, rows: int, positions: int, seen_at: int, entries: int, words_at: int, places_at: int, ends_at: int
) -> int:  # fmt: skip
    """Fill `words`, `places` and `ends`; returns how many different words there are.

    Args:
        seen_at: scratch, int64 [entries]; overwritten.
        entries: numbers that words may have.
        words_at: room for as many as the batch has.
    """
    codes, places = integer_matrix(codes_at, rows, positions), integer_matrix(places_at, rows, positions)
    seen, words = integers(seen_at, entries), integers(words_at, rows * positions)
    ends = integers(ends_at, rows)
    for entry in range(entries):
        seen[entry] = -1
    count = 0
    for row in range(rows):
        end = 0
        for position in range(positions):
            word = codes[row, position]
            if word == 0:
                places[row, position] = -1
                continue
            end = position + 1
            if seen[word] < 0:
                seen[word] = count
                words[count] = word
                count += 1
            places[row, position] = seen[word]
        ends[row] = end
    return count


@part
def _score(
    scores: Floats, at: int, places_at: int, end: int, row: int, positions: int, products_at: int, across: int,
    column: int, size: int, units: int,
) -> None:  # fmt: skip
    """What the window that begins at `at` comes to [unit]."""
    places = integers(places_at + 8 * row * positions, positions)
    for unit in range(units):
        scores[unit] = F(0)
    for step in range(size):
        position = at + step
        if position < 0 or position >= end:
            continue
        place = places[position]
        if place < 0:
            continue
        product = floats(products_at + 4 * (place * across + column + step * units), units)
        for unit in range(units):
            scores[unit] += product[unit]


@compiled
def strongest(
    places_at: int, ends_at: int, rows: int, positions: int, products_at: int, across: int, sizes_at: int, filters: int,
    units: int, best_at: int, at_at: int, scratch: int,
) -> None:  # fmt: skip
    """The highest score of the windows that hold a word; 0 where a row has none.

    Args:
        across: columns of `products`.
        sizes_at: words that a window of each filter spans, int64 [filter].
        at_at: float32, as it is chosen beside the score.
        scratch: units floats.
    """
    ends, sizes = integers(ends_at, rows), integers(sizes_at, filters)
    best, at = matrix(best_at, rows, filters * units), matrix(at_at, rows, filters * units)
    scores = floats(scratch, units)
    for row in range(rows):
        column = 0
        for f in range(filters):
            size, first, end = sizes[f], f * units, ends[row]
            for unit in range(units):
                best[row, first + unit] = LEAST if end > 0 else F(0)
                at[row, first + unit] = F(-size)
            for begin in range(1 - size, end):
                _score(
                    scores, begin, places_at, end, row, positions, products_at, across, column, size, units
                )
                here = F(begin)
                for unit in range(units):
                    score = scores[unit]
                    # One that is no number stays: it is to be noticed.
                    better = score > best[row, first + unit] or score != score
                    best[row, first + unit] = score if better else best[row, first + unit]
                    at[row, first + unit] = here if better else at[row, first + unit]
            column += size * units


@compiled
def strongest_backward(
    places_at: int, ends_at: int, rows: int, positions: int, gradient_at: int, across: int, sizes_at: int, filters: int,
    units: int, best_at: int, at_at: int,
) -> None:  # fmt: skip
    """Add the gradients of `best`, at `best_at`, to those of `products`, at `gradient_at`."""
    ends, sizes = integers(ends_at, rows), integers(sizes_at, filters)
    best, at = matrix(best_at, rows, filters * units), matrix(at_at, rows, filters * units)
    gradient = floats(gradient_at, 1 << 60)
    places = integer_matrix(places_at, rows, positions)
    for row in range(rows):
        column = 0
        for f in range(filters):
            size, first = sizes[f], f * units
            for unit in range(units):
                g, begin = best[row, first + unit], int(at[row, first + unit])
                for step in range(max(0, -begin), min(size, ends[row] - begin)):
                    place = places[row, begin + step]
                    if place >= 0:
                        gradient[place * across + column + step * units + unit] += g
            column += size * units


@compiled
def sum_words(
    places_at: int, rows: int, positions: int, table_at: int, width: int, shares_at: int, out_at: int
) -> None:
    """Each row's words from `table` [word width], times the row's share, added up [row width]."""
    places, shares = integer_matrix(places_at, rows, positions), floats(shares_at, rows)
    out = matrix(out_at, rows, width)
    for row in range(rows):
        for unit in range(width):
            out[row, unit] = F(0)
        for position in range(positions):
            place = places[row, position]
            if place >= 0:
                entry = floats(table_at + 4 * place * width, width)
                for unit in range(width):
                    out[row, unit] += entry[unit]
        for unit in range(width):
            out[row, unit] *= shares[row]


@compiled
def sum_words_backward(
    places_at: int, rows: int, positions: int, table_at: int, width: int, shares_at: int, out_at: int
) -> None:
    """Add the gradients of the sums, at `out_at`, to those of the table, at `table_at`."""
    places, shares = integer_matrix(places_at, rows, positions), floats(shares_at, rows)
    out = matrix(out_at, rows, width)
    for row in range(rows):
        for position in range(positions):
            place = places[row, position]
            if place >= 0:
                entry = floats(table_at + 4 * place * width, width)
                for unit in range(width):
                    entry[unit] += shares[row] * out[row, unit]
