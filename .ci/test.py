"""What `make test` runs: the checks of check.py, every notebook, the documentation site, and with pytest its pages and the
review in a browser and the shell blocks of README and tutorials. Ends with `N passed, N failed, N skipped`."""
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import pytest
from check import NBS, ROOT, report, runs, succeeds, tidy

def notebooks():
    "Run all notebooks, two at a time on two cores"
    paths = sorted(p for p in NBS.rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)
    results,started = [],time.time()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context('spawn'), max_tasks_per_child=1) as pool:
        for path,passed,seconds in pool.map(runs, paths): results.append(report(passed, seconds, path.relative_to(ROOT)))
    if not os.environ.get('RBC_OVERLAP_TEST_DATA'): print('RBC_OVERLAP_TEST_DATA is not set: no tests on real smears')
    print(f'{len(paths)} notebooks in {time.time()-started:.0f} s')
    return results

def site():
    started = time.time()
    return report(succeeds(sys.executable, 'docs/build.py'), time.time()-started, 'the documentation site')

class Count:
    "Counts what pytest reports"
    def __init__(self): self.of = dict(passed=0, failed=0, skipped=0)

    def pytest_runtest_logreport(self, report):
        told = report.when=='call' or report.outcome!='passed'
        if told: self.of[report.outcome] += 1

LONGEST = 'test_shell.py','test_review.py'

def in_pytest():
    "{outcome: number} of the checks in pytest, a group of conftest.py on each core, those first that take longest"
    count = Count()
    files = sorted(ROOT.glob('.ci/test_*.py'), key=lambda file: file.name not in LONGEST)
    options = f'--rootdir={ROOT}', '-q', '-rs', '--durations=5'
    cores = '-n', str(os.cpu_count()), '--dist=loadgroup', '--no-loadscope-reorder'
    code = pytest.main([*map(str, files), *options, *cores], plugins=[count])
    if code not in (0, 1): count.of['failed'] += 1
    return count.of

def main():
    results = [*tidy(), *notebooks(), site()]
    of = in_pytest()
    passed,failed = sum(results)+of['passed'],results.count(False)+of['failed']
    print(f'{passed} passed, {failed} failed, {of["skipped"]} skipped')
    return failed>0

if __name__=='__main__': sys.exit(main())
