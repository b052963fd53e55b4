"""Seconds and memory that the cells of one clump take, against its number of cells: carpets of overlapping cells, drawn like a simulated smear, segmented
by the shipped model (which is given the diameter: a carpet has no free-standing cell), each explained in a process of its own.
Writes clumps.csv and clumps.png to DIR. Found: cells; recall: share of the true ones with a cell of IoU 0.5 and 0.8.
usage: python benchmarks/clumps.py DIR [--cells 2 10 50 100 200 500 1000]"""
import argparse, resource, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
import matplotlib.pyplot as plt, numpy as np, pandas as pd
from rbc_overlap.cells import complete_cells
from rbc_overlap.core import ious, number_clumps
from rbc_overlap.scores import match
from rbc_overlap.segment import segment
from rbc_overlap.smear import STAINS, _fill_layers, photograph, red_cell

D,PITCH = 40,.86 # px; distance of neighbours, in diameters

def carpet(n, seed=0):
    "An image of one clump of `n` cells, and its truth"
    rng = np.random.default_rng(seed)
    side = int(np.ceil(n**.5))
    bodies = []
    for i in range(n):
        row,column = divmod(i, side)
        body = red_cell(rng, diameter=D, pallor=.5, anisocytosis=.12)
        body.x = D*(2+(column+row%2/2)*PITCH+rng.normal(0, .05))
        body.y = D*(2+row*PITCH*.9+rng.normal(0, .05))
        bodies.append(body)
    shape = int(D*(4+side*PITCH*.9)), int(D*(4+side*PITCH))
    layers,cells = _fill_layers(shape, bodies, [], D, rng)
    return photograph(layers, STAINS['pink'], rng), number_clumps(cells, shape)

def megabytes(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1e3

def measure(n):
    "A row for a clump of `n` cells"
    image,true = carpet(n)
    seen = segment(image, diameter=D)
    before,started = megabytes(),time.perf_counter()
    cells = complete_cells(seen.mask, D, candidates=seen.candidates)
    seconds,more = time.perf_counter()-started,megabytes()-before
    iou = match(ious(cells, true, image.shape[:2]))[2]
    recall = {f'recall at {limit}': round((iou>=limit).sum()/n, 3) for limit in (.5,.8)}
    return {'cells': n, 'of the clump': true[0].n_in_clump, 'seconds': round(seconds, 2), 'MB': round(more), 'found': len(cells)} | recall

def draw(table, file):
    _,axes = plt.subplots(1, 2, figsize=(9,3.5), layout='constrained')
    for axis,(name,most) in zip(axes, {'seconds': 20, 'MB': 500}.items()):
        axis.plot(table.cells, table[name].clip(lower=.01), 'o-')
        axis.axhline(most, color='gray', ls=':')
        axis.set(xlabel='cells of the clump', ylabel=name, xscale='log', yscale='log')
    plt.savefig(file, dpi=110)

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', type=Path)
    p.add_argument('--cells', type=int, nargs='+', default=[2,10,50,100,200,500,1000])
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(1, get_context('spawn'), max_tasks_per_child=1) as pool: rows = [*pool.map(measure, args.cells)]
    table = pd.DataFrame(rows)
    table.to_csv(args.out/'clumps.csv', index=False)
    draw(table, args.out/'clumps.png')
    print(table.to_string(index=False))
