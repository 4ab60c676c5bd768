"""Which test tells the story of which metric: ``@story("talk", "reached")`` on the test."""

#: code of a metric -> the tests in which its value is worked out by hand
STORIES = {}


def story(*codes):
    """Say that a test works out by hand what these metrics are."""

    def named(test):
        for code in codes:
            STORIES.setdefault(code, []).append(test.__qualname__)
        return test

    return named
