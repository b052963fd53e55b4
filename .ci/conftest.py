"""Debian's Chromium for all checks in a browser: without one they fail where CI runs, and are told as skipped elsewhere.
And what runs together on one core: the checks of a file, but each page's shell blocks by themselves, since they take longest."""
import os, pytest
from lab import ARGUMENTS, CHROMIUM

@pytest.fixture(scope='session')
def browser_type_launch_args(browser_type_launch_args):
    if CHROMIUM: return browser_type_launch_args | dict(executable_path=CHROMIUM, args=ARGUMENTS)
    missing = 'no Chromium: apt-get install chromium'
    if os.environ.get('CI'): pytest.fail(missing)
    pytest.skip(missing)

@pytest.hookimpl(tryfirst=True) # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items):
    for item in items:
        alone = item.path.name=='test_shell.py'
        item.add_marker(pytest.mark.xdist_group(item.name if alone else item.path.name))
