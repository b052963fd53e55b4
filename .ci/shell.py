"""Run the shell blocks (```sh) of README and tutorials, each page's in an empty folder, one after the other as a reader would.
`my_slides` are simulated images, `truth` and `gold` labelled folders of them; the clone is of this checkout; training stops after one epoch.
usage: python .ci/shell.py [PAGE...]"""
import json, os, re, shutil, subprocess, sys, time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
SHORT = f'''#!/bin/sh
[ "$1" = train ] && case "$*" in *--epochs*) ;; *) set -- "$@" --epochs 1;; esac
exec {BIN}/rbc-overlap "$@"
'''

def source(path):
    if path.suffix=='.md': return path.read_text(encoding='utf-8')
    return '\n'.join(''.join(c['source']) for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='markdown')

def repository(folder):
    "This checkout as it is, as a repository to clone"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns('.git','.venv','_docs','_proc','__pycache__','*.egg-info'))
    for command in ('init','-q'), ('add','.'), ('-c','user.name=test','-c','user.email=test@localhost','commit','-qm','test'):
        subprocess.run(['git', *command], cwd=folder, check=True)

def blocks(path): return re.findall(r'^```sh\n(.*?)^```', source(path)+'\n', flags=re.M|re.S)

def runs(path, tmp):
    "Do the blocks of a page run?"
    links = '\n'.join(f'[ -e {name} ] || ln -s {tmp}/slides{sub} {name}' for name,sub in dict(my_slides='/images', truth='', gold='').items())
    script = 'set -euo pipefail\n' + '\n'.join(f'{links}\n{b}' for b in blocks(path))
    env = os.environ | dict(PATH=f'{tmp}/bin:{BIN}:{os.environ["PATH"]}', GIT_CONFIG_COUNT='1', GIT_CONFIG_KEY_0=f'url.{tmp}/repository.insteadOf',
        GIT_CONFIG_VALUE_0='https://github.com/rbc-overlap/rbc_overlap', TQDM_DISABLE='1')
    with TemporaryDirectory() as here: r = subprocess.run(['bash','-c',script], cwd=here, env=env, capture_output=True, text=True)
    if r.returncode: print(r.stdout[-2000:]+r.stderr[-2000:])
    return r.returncode==0

def main(pages=()):
    "(passed, failed)"
    pages = [Path(p) for p in pages] or [p for p in [ROOT/'README.md', *sorted((ROOT/'nbs'/'tutorials').glob('*.ipynb'))] if blocks(p)]
    results = []
    with TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        repository(tmp/'repository')
        (tmp/'bin').mkdir()
        (tmp/'bin'/'rbc-overlap').write_text(SHORT)
        (tmp/'bin'/'rbc-overlap').chmod(0o755)
        subprocess.run([BIN/'rbc-overlap','simulate','--out',tmp/'slides','--n','4'], check=True, capture_output=True)
        for p in pages:
            start = time.time()
            results.append(runs(p, tmp))
            print(f'{"ok    " if results[-1] else "FAILED"} {time.time()-start:5.0f} s  {len(blocks(p))} shell blocks of {p.name}', flush=True)
    return sum(results), len(results)-sum(results)

if __name__=='__main__': sys.exit(main(sys.argv[1:])[1]>0)
