"""One browser, and one server of the built book, for all tests that open pages."""

from browsing import browser, site, visit  # noqa: F401 # fixtures
