"""The shell blocks (```sh) of README and tutorials: each page's in an empty folder, one after the other as a reader would.
`my_slides` are simulated images, `truth` and `gold` labelled folders of them; the clone is of this checkout; training
stops after one epoch. One page by its name: `pytest .ci/test_shell.py -k README`."""
import json, os, re, shutil, subprocess, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
CLONED = 'https://github.com/rbc-overlap/rbc_overlap'
SHORT = f'''#!/bin/sh
[ "$1" = train ] && case "$*" in *--epochs*) ;; *) set -- "$@" --epochs 1;; esac
exec {BIN}/rbc-overlap "$@"
'''
LINKS = dict(my_slides='/images', truth='', gold='')
MADE = '.git','.venv','_docs','_proc','_traces','__pycache__','*.egg-info'

def source(path):
    "The prose of a page"
    text = path.read_text(encoding='utf-8')
    if path.suffix=='.md': return text
    cells = json.loads(text)['cells']
    return '\n'.join(''.join(c['source']) for c in cells if c['cell_type']=='markdown')

def blocks(path): return re.findall(r'^```sh\n(.*?)^```', source(path)+'\n', flags=re.M|re.S)

PAGES = [p for p in (ROOT/'README.md', *sorted((ROOT/'nbs'/'tutorials').glob('*.ipynb'))) if blocks(p)]

def repository(folder):
    "This checkout as it is, as a repository to clone"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*MADE))
    who = '-c','user.name=test','-c','user.email=test@localhost'
    for command in ('init','-q'), ('add','.'), (*who,'commit','-qm','test'):
        subprocess.run(['git', *command], cwd=folder, check=True)

@pytest.fixture(scope='module')
def world(tmp_path_factory):
    "A folder with slides, a repository, and the command"
    tmp = tmp_path_factory.mktemp('world')
    repository(tmp/'repository')
    (tmp/'bin').mkdir()
    command = tmp/'bin'/'rbc-overlap'
    command.write_text(SHORT)
    command.chmod(0o755)
    subprocess.run([BIN/'rbc-overlap','simulate','--out',tmp/'slides','--n','4'], check=True, capture_output=True)
    return tmp

@pytest.mark.parametrize('page', PAGES, ids=lambda p: p.stem)
def test_shell_blocks(page, world, tmp_path):
    links = [f'[ -e {name} ] || ln -s {world}/slides{sub} {name}' for name,sub in LINKS.items()]
    script = ['set -euo pipefail']
    for block in blocks(page): script += [*links, block]
    env = os.environ | dict(PATH=f'{world}/bin:{BIN}:{os.environ["PATH"]}', TQDM_DISABLE='1', GIT_CONFIG_COUNT='1',
        GIT_CONFIG_KEY_0=f'url.{world}/repository.insteadOf', GIT_CONFIG_VALUE_0=CLONED)
    run = subprocess.run(['bash','-c','\n'.join(script)], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert run.returncode==0, run.stdout[-2000:]+run.stderr[-2000:]
