"""What `make check` runs, in two minutes: notebooks are clean, exported and in style, README is up to date, no line carries
too much; and the notebooks that are named, from top to bottom (`make check NB=10_cells`).
With RBC_OVERLAP_TEST_DATA set, cells flagged `slow` run as well."""
import os, subprocess, sys, time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
NBS = ROOT/'nbs'
os.environ |= dict(TQDM_DISABLE='1', OMP_NUM_THREADS='1', PATH=f'{BIN}:{os.environ["PATH"]}')

def report(passed, seconds, name):
    print(f'{"ok    " if passed else "FAILED"} {seconds:5.0f} s  {name}', flush=True)
    return passed

def contents(*globs): return {p: p.read_bytes() for g in globs for p in ROOT.glob(g)}

def leaves_no_diff(command, *globs):
    "Run `command`; fail if it changes any file that `globs` match"
    before = contents(*globs)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = contents(*globs)
    changed = [p for p in sorted({*before, *after}) if before.get(p)!=after.get(p)]
    for p in changed: print(f'{" ".join(map(str, command))} changed {p.relative_to(ROOT)}')
    return not changed

def succeeds(*command): return subprocess.run(command, cwd=ROOT).returncode==0

CHECKS = dict(
    clean    = lambda: leaves_no_diff(['nbdev-clean'], 'nbs/**/*.ipynb'),
    exported = lambda: leaves_no_diff(['nbdev-export'], 'rbc_overlap/*.py'),
    README   = lambda: leaves_no_diff([sys.executable, 'docs/readme.py'], 'README.md'),
    style    = lambda: succeeds('chkstyle', 'nbs'),
    density  = lambda: succeeds(sys.executable, '.ci/density.py', 'rbc_overlap'))

def tidy():
    "Is each of `CHECKS` passed?"
    results = []
    for name,check in CHECKS.items():
        started = time.time()
        results.append(report(check(), time.time()-started, name))
    return results

def runs(path):
    "Run one notebook; (its path, did it pass, seconds)"
    from nbdev.test import test_nb
    slow = ['slow'] if os.environ.get('RBC_OVERLAP_TEST_DATA') else []
    passed,seconds = test_nb(path, skip_flags=['notest','slow','cuda'], force_flags=slow, basepath=ROOT, cell_timeout=1200)
    return path, passed, seconds

def named(name):
    "The notebook of that name, with or without number and folder"
    found = [p for p in sorted(NBS.rglob('*.ipynb')) if name in (p.stem, p.name, p.stem.split('_', 1)[-1])]
    if len(found)!=1: sys.exit(f'{name}: {len(found)} notebooks of that name in {NBS}')
    return found[0]

def main(names):
    notebooks = [named(n) for n in names]
    results = tidy()
    for path in notebooks:
        _,passed,seconds = runs(path)
        results.append(report(passed, seconds, path.relative_to(ROOT)))
    return not all(results)

if __name__=='__main__': sys.exit(main(sys.argv[1:]))
