"Debian's Chromium for all checks in a browser. Without one they fail where CI runs, and are told as skipped elsewhere."
import os, pytest
from lab import ARGUMENTS, CHROMIUM

@pytest.fixture(scope='session')
def browser_type_launch_args(browser_type_launch_args):
    if CHROMIUM: return browser_type_launch_args | dict(executable_path=CHROMIUM, args=ARGUMENTS)
    missing = 'no Chromium: apt-get install chromium'
    if os.environ.get('CI'): pytest.fail(missing)
    pytest.skip(missing)
