"""The contact sheet: every shot is on it, at its time, and small frames are what the movie shows."""

from dataclasses import replace

import numpy as np
import painter

from stackreel.movie.sheet import PAGE, cell_size, clock, draw_sheet, rows_by_shot, rows_evenly


def test_every_shot_has_its_row_and_a_hold_needs_one_frame():
    rows = rows_by_shot(painter.timeline(), 4)
    assert [row.heading for row in rows] == ["first   0:00 – 0:02", "hold   0:02 – 0:03", "second   0:03 – 0:05"]
    assert [len(row.cells) for row in rows] == [4, 1, 4]
    assert [cell.caption for cell in rows[0].cells] == ["0:00.0", "0:00.6", "0:01.2", "0:01.8"]


def test_times_are_those_of_frames_inside_the_movie():
    for fps in (1, 5, 24):
        timeline = replace(painter.timeline(), fps=fps)
        for rows in (rows_by_shot(timeline, 5), rows_evenly(timeline, 3, 7)):
            times = [cell.seconds for row in rows for cell in row.cells]
            assert times == sorted(times)
            assert all(abs(t * fps - round(t * fps)) < 1e-9 and t <= timeline.seconds for t in times)


def test_an_even_sheet_has_first_and_last_frame_and_no_more_than_there_are():
    rows = rows_evenly(painter.timeline(), 5, 12)
    assert [len(row.cells) for row in rows] == [5, 5, 2]
    assert rows[0].cells[0].caption == "0:00.0  first"
    assert rows[-1].cells[-1].caption == "0:04.8  second"
    assert sum(len(row.cells) for row in rows_evenly(painter.timeline(), 5, 1000)) == 25


def test_a_full_row_fills_the_page_in_the_movies_proportions():
    width, height = cell_size(5, (1920, 1080))
    rows = rows_by_shot(painter.timeline(), 5)
    cells = [cell for row in rows for cell in row.cells]
    pictures = [np.full((height, width, 3), 10 * k, np.uint8) for k in range(len(cells))]
    page = draw_sheet("flight.yaml", rows, pictures)
    assert PAGE - 5 <= page.shape[1] <= PAGE
    assert abs(width / height - 16 / 9) < 0.02
    for picture in pictures:
        assert (page == picture[0, 0]).all(axis=-1).sum() >= width * height


def test_times_read_as_on_a_clock():
    assert [clock(s) for s in (0, 3.2, 59.96, 75, 600.04)] == ["0:00", "0:03.2", "1:00", "1:15", "10:00"]
    assert clock(75, tenths=True) == "1:15.0"
