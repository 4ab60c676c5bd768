"""What has to be found of addons that were uninstalled."""

from kit import installation


def test_files_that_the_clean_up_would_remove_are_not_kept(tmp_path):
    for name in ("ab/abc", "ab/abd", "checklist/ab/abc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert installation._kept(tmp_path) == {"ab/abd"}


def test_what_came_and_what_went_is_told():
    assert installation._difference(frozenset("ab"), frozenset("ab")) == ""
    assert installation._difference(frozenset("ab"), frozenset("bc")) == "+ c\n- a"
