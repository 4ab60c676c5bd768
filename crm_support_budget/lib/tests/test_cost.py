from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lib.cost import Call, blocks, cost

START = datetime(2026, 11, 2, 9)
minutes = st.integers(0, 600)


def at(minute):
    return START + timedelta(minutes=minute)


spans = st.lists(st.tuples(minutes, st.integers(1, 60)).map(lambda one: (at(one[0]), at(sum(one)))), max_size=8)
calls = st.lists(
    st.builds(
        lambda who, since, takes, disposition: Call(who, at(since), at(since + takes), disposition),
        st.integers(1, 5),
        minutes,
        st.integers(0, 30),
        st.sampled_from(["abandoned", "answered", "missed", "busy"]),
    ),
    max_size=8,
)


def test_a_day_worked_out_by_hand():
    talks = [(at(0), at(20)), (at(22), at(40))]
    found = cost(
        talks,
        [
            Call("before", at(-30), at(-20), "abandoned"),
            Call("gave up", at(5), at(12), "abandoned"),
            # 15 to 25: five minutes of the first, three of the second
            Call("waited", at(15), at(25), "answered"),
            Call("busy", at(30), at(30), "busy"),
            Call("at once", at(35), at(35), "answered"),
        ],
    )
    assert [(one.who, one.what, one.waited) for one in found] == [
        ("gave up", "gave_up", 7),
        ("waited", "waited", 8),
        ("busy", "busy", 0),
    ]
    assert blocks(talks) == [(at(0), at(40))]


@given(spans, calls)
def test_nobody_waits_longer_than_they_waited_or_than_the_other_was_helped(talks, others):
    helped = sum((end - start for start, end in blocks(talks, timedelta())), timedelta()) / timedelta(minutes=1)
    for one in cost(talks, others):
        assert 0 <= one.waited <= helped
        assert any(
            one.waited <= (call.until - call.since) / timedelta(minutes=1) for call in others if call.who == one.who
        )


@given(spans, calls, st.integers(1, 10_000))
def test_it_is_the_same_at_another_time(talks, others, shift):
    by = timedelta(minutes=shift)
    moved = cost(
        [(start + by, end + by) for start, end in talks],
        [Call(one.who, one.since + by, one.until + by, one.disposition) for one in others],
    )
    assert [(one.who, one.what, one.waited) for one in moved] == [
        (one.who, one.what, one.waited) for one in cost(talks, others)
    ]


@given(spans)
def test_blocks_hold_all_and_stand_apart(talks):
    found = blocks(talks)
    assert all(any(start <= one[0] and one[1] <= end for start, end in found) for one in talks)
    assert all(later[0] - earlier[1] > timedelta(minutes=15) for earlier, later in pairwise(found))
