from hypothesis import given
from hypothesis import strategies as st

from lib.overlap import covered

MINUTES = st.integers(0, 600)


@given(st.dictionaries(st.integers(1, 50), MINUTES), MINUTES)
def test_what_is_counted_in_all_is_the_longer_of_both(lines, talked):
    hidden = covered(lines.items(), talked)
    total = talked + sum(lines[line] - hidden[line] for line in lines)
    assert total == max(talked, sum(lines.values()))
    assert all(0 <= hidden[line] <= lines[line] for line in lines)


@given(st.permutations([(1, 10), (2, 20), (3, 30)]))
def test_the_order_of_lines_does_not_matter(lines):
    # 25 minutes: all of line 1, 15 of line 2, nothing of line 3
    assert covered(lines, 25) == {1: 10, 2: 15, 3: 0}


def test_less_than_nothing_covers_nothing():
    assert covered([(1, 10), (2, -5)], -30) == {1: 0, 2: 0}
