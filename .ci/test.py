"""What `make test` runs: notebooks are clean, exported and in style, README is up to date, every notebook runs, the site builds,
its pages and the review work in a browser where there is one, and the shell blocks of README and tutorials run.
With RBC_OVERLAP_TEST_DATA set, cells flagged `slow` run as well. Ends with `N passed, N failed`."""
import os, subprocess, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
import browser, pages, shell

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
os.environ |= dict(TQDM_DISABLE='1', OMP_NUM_THREADS='1', PATH=f'{BIN}:{os.environ["PATH"]}')

def contents(*globs): return {p: p.read_bytes() for g in globs for p in ROOT.glob(g)}

def leaves_no_diff(command, *globs):
    "Run `command`; fail if it changes any file that `globs` match"
    before = contents(*globs)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = contents(*globs)
    changed = sorted(str(p.relative_to(ROOT)) for p in {*before, *after} if before.get(p)!=after.get(p))
    if changed: print(f'{" ".join(command)} changed {", ".join(changed)}')
    return not changed

def in_style():
    r = subprocess.run(['chkstyle', 'nbs'], cwd=ROOT, capture_output=True, text=True)
    if r.returncode: print(r.stdout+r.stderr)
    return r.returncode==0

def runs(path):
    "Run one notebook; (its name, did it pass, seconds)"
    from nbdev.test import test_nb
    slow = ['slow'] if os.environ.get('RBC_OVERLAP_TEST_DATA') else []
    passed,seconds = test_nb(path, skip_flags=['notest','slow','cuda'], force_flags=slow, basepath=ROOT, cell_timeout=1200)
    return path.relative_to(ROOT), passed, seconds

def site_builds():
    started,r = time.time(),subprocess.run([sys.executable, 'docs/build.py'], cwd=ROOT)
    print(f'{"FAILED" if r.returncode else "ok    "} {time.time()-started:5.0f} s  the documentation site', flush=True)
    return r.returncode==0

def main():
    notebooks = sorted(p for p in (ROOT/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)
    results = [leaves_no_diff(['nbdev-clean'], 'nbs/**/*.ipynb'), leaves_no_diff(['nbdev-export'], 'rbc_overlap/*.py'),
        leaves_no_diff([sys.executable, 'docs/readme.py'], 'README.md', 'docs/images/*'), in_style()]
    started = time.time()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context('spawn'), max_tasks_per_child=1) as pool:
        for path,passed,seconds in pool.map(runs, notebooks):
            print(f'{"ok    " if passed else "FAILED"} {seconds:5.0f} s  {path}', flush=True)
            results.append(passed)
    if not os.environ.get('RBC_OVERLAP_TEST_DATA'): print('RBC_OVERLAP_TEST_DATA is not set: tests on real smears were skipped')
    print(f'{len(notebooks)} notebooks in {time.time()-started:.0f} s, and 4 checks: clean, exported, README, style')
    results.append(site_builds())
    for checks in (browser.run, pages.main, shell.main):
        passed,failed = checks()
        results += [True]*passed + [False]*failed
    print(f'{sum(results)} passed, {len(results)-sum(results)} failed')
    return 0 if all(results) else 1

if __name__=='__main__': sys.exit(main())
