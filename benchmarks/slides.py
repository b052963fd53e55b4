"""Seconds and peak memory of `rbc-overlap segment` on slides of 4 to 400 megapixels, each in a process of its own.
A slide is made of a few simulated fields of 1,000x1,000 px: a share of it is empty, a twentieth out of focus.

python benchmarks/slides.py OUT [--megapixels 4 16 64 400] [--empty .34]"""
import argparse, json, subprocess, sys, time
from pathlib import Path
import numpy as np, pandas as pd

SIDE = 1000 # px of a field

def fields():
    "Five simulated fields, the last ones empty and out of focus; and how many cells each has"
    from rbc_overlap.smear import STAINS, simulate
    how = dict(stain=[*STAINS][0], vignette=0., wbc=0, pallor=.4)
    smears = [simulate((SIDE,SIDE), n=260, overlap=.3, seed=i, **how) for i in range(3)]
    smears.append(simulate((SIDE,SIDE), n=0, platelets=0, dirt=0, seed=9, **how))
    smears.append(simulate((SIDE,SIDE), n=260, seed=3, blur=9., **how))
    return [np.asarray(s.image) for s in smears], np.array([len(s.cells) for s in smears[:3]]+[0,0])

def make(path, megapixels, empty):
    "Write a slide of so many `megapixels`; returns the number of cells of its sharp fields"
    from rbc_overlap.slides import lay_slide
    images,cells = fields()
    side = round(megapixels**.5)
    full = (.95-empty)/3
    places = np.random.default_rng(0).choice(5, (side,side), p=[full,full,full,empty,.05])
    lay_slide(path, images, places)
    return int(cells[places].sum())

def segment(path, out):
    "Segment the slide at `path` in this process; prints seconds and peak memory"
    import resource
    from rbc_overlap import slides
    from rbc_overlap.run import Run
    slides.LARGE = 0 # small ones are slides here, too
    started,cpu = time.time(),time.process_time()
    Run([path], out)()
    row = pd.read_csv(Path(out)/'images.csv').iloc[0]
    used = dict(seconds=round(time.time()-started), cpu_seconds=round(time.process_time()-cpu))
    used['peak_MB'] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1e3)
    print(json.dumps(used | dict(cells=int(row.cells), clumps=int(row.clumps), flags=row['flags'])))

def measure(out, megapixels, empty):
    "What `segment` prints of a slide of so many `megapixels`, made for it"
    path = out/f'slide{megapixels}.ome.tif'
    truth = make(path, megapixels, empty) if not path.exists() else None
    command = sys.executable,__file__,str(out/f'results{megapixels}'),'--slide',str(path)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode: sys.exit(done.stderr)
    return dict(megapixels=round(megapixels**.5)**2, truth=truth) | json.loads(done.stdout.splitlines()[-1])

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', type=Path)
    p.add_argument('--megapixels', type=int, nargs='+', default=[4,16,64,400])
    p.add_argument('--empty', type=float, default=.34, help='share of the slide that is empty')
    p.add_argument('--slide', help='segment this one alone, in this process')
    args = p.parse_args()
    if args.slide: return segment(args.slide, args.out)
    args.out.mkdir(parents=True, exist_ok=True)
    for megapixels in args.megapixels: print(json.dumps(measure(args.out, megapixels, args.empty)), flush=True)

if __name__=='__main__': main()
