"""Does a run that was disturbed end as one that wasn't? 40 small images, a third of them with few cells, in two folders.
Each trial disturbs a run into a new folder, starts it again, and compares masks, overlays, files of cells, tables and run.json
with those of a quiet run; dates and seconds are left out. Prints a row for each kind of disturbance: trials, and how many differ.
The engine is the classic one, since what is tried is how files are written.
usage: python benchmarks/kills.py [TRIALS]   (30 by default for `kill -9`, a tenth of them for each other kind)"""
import contextlib, hashlib, json, multiprocessing, os, signal, sys, time
from pathlib import Path
from tempfile import TemporaryDirectory
import cv2, numpy as np, pandas as pd
import rbc_overlap.run # before processes are forked
from rbc_overlap import cli
from rbc_overlap.core import to_png, write_file
from rbc_overlap.smear import simulate

cv2.setNumThreads(1) # so that processes can be forked, which saves the seconds of their imports
N_IMAGES,SIDE = 40,160

def make_images(folder):
    "Images of few and of many cells, and one that is no image"
    for i in range(N_IMAGES):
        n = 2 if i%3==0 else 20
        smear = simulate((SIDE,SIDE), n=n, diameter=20, overlap=.1, wbc=0, platelets=1, seed=i)
        write_file(folder/f'day{i%2}'/f'{i:02}.png', to_png(smear.image))
    write_file(folder/'day0'/'broken.png', 'no image')

def segment(places, out):
    "`rbc-overlap segment`, in silence"
    with open(os.devnull, 'w') as silence, contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        sys.exit(cli.main(['segment', *map(str, places), '--out', str(out), '--engine', 'classic']))

def start(places, out):
    process = multiprocessing.get_context('fork').Process(target=segment, args=(places, out))
    process.start()
    return process

def run(places, out): start(places, out).join()

def without_times(data):
    "`data` of a JSON file without what may differ from run to run"
    if isinstance(data, list): return [without_times(x) for x in data]
    if not isinstance(data, dict): return data
    return {k: without_times(v) for k,v in data.items() if k not in ('date','seconds','memory','command','arguments')}

def content(file):
    data = file.read_bytes()
    if file.suffix=='.json': data = json.dumps(without_times(json.loads(data))).encode()
    return hashlib.sha256(data).hexdigest()

def contents(out):
    "{file: hash} of all that a run wrote, but the report"
    files = [f for f in out.rglob('*') if f.is_file() and f.name not in ('.lock','.written.sha256','report.html')]
    return {f.relative_to(out).as_posix(): content(f) for f in files}

def disturbed(slides, out, how, seconds):
    "Let `how` happen to a run after `seconds`, then let it end"
    process = start([slides], out)
    time.sleep(seconds)
    os.kill(process.pid, how)
    process.join()
    run([slides], out)

def half_first(slides, out, how, seconds):
    "Half of the files first, the others later"
    run([slides/f'day{i%2}'/f'{i:02}.png' for i in range(N_IMAGES//2)], out)
    run([slides], out)

def folder_after(slides, out, how, seconds):
    "All, then a folder in it by its own name, then all again"
    for places in [slides],[slides/'day1'],[slides]: run(places, out)

def at_once(slides, out, how, seconds):
    "Two runs at once, the second a little later"
    first = start([slides], out)
    time.sleep(seconds/10)
    run([slides], out)
    first.join()

KINDS = {'kill -9': (disturbed, signal.SIGKILL, 1), 'Ctrl-C': (disturbed, signal.SIGINT, .1), 'SIGTERM': (disturbed, signal.SIGTERM, .1),
    'half of the files later': (half_first, None, 0), 'a subfolder in between': (folder_after, None, 0), 'two at once': (at_once, None, .1)}

def trial(kind, slides, expected, longest, seed):
    "Names of the files that differ after one disturbance"
    do,how,_ = KINDS[kind]
    moment = np.random.default_rng(seed).uniform(.1, 1)*longest
    with TemporaryDirectory() as d:
        do(slides, Path(d)/'out', how, moment)
        found = contents(Path(d)/'out')
    return sorted(name for name in found|expected if found.get(name)!=expected.get(name))

trials = int(sys.argv[1]) if len(sys.argv)>1 else 30
with TemporaryDirectory() as d:
    slides,quiet = Path(d)/'slides',Path(d)/'quiet'
    make_images(slides)
    started = time.time()
    run([slides], quiet)
    longest = time.time()-started
    expected = contents(quiet)
    shared = pd.read_csv(quiet/'images.csv')['flags'].str.contains('like images').sum()
    print(f'{len(expected)} files; {shared} images take the diameter of others; a quiet run takes {longest:.1f} s', flush=True)
    rows = []
    for kind,(_,_,share) in KINDS.items():
        n = max(round(trials*share), 1)
        differ = []
        for seed in range(n):
            differ.append(trial(kind, slides, expected, longest, seed))
            print(f'{kind} {seed+1}: {len(differ[-1])} files differ {differ[-1][:4]}', flush=True)
        rows.append(dict(disturbance=kind, trials=n, differ=sum(map(bool, differ))))
    print(pd.DataFrame(rows).to_string(index=False))
