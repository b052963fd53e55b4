"""Seconds per 1024x1024 image and stage, on simulated smears, one after the other in one run.
usage: python benchmarks/speed.py   (on one core: OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/speed.py)"""
import os, time
import cv2, numpy as np, pandas as pd
from rbc_overlap.core import absorbance, overlay, to_png
from rbc_overlap.classic import find_objects
from rbc_overlap.cells import measure, watershed_cells
from rbc_overlap.segment import segment
from rbc_overlap.smear import simulate

if len(os.sched_getaffinity(0))==1: cv2.setNumThreads(1)

def clock(f, *args):
    start = time.perf_counter()
    out = f(*args)
    return out, time.perf_counter()-start

def stages(seed):
    "Seconds of each stage on one smear"
    smear,t = clock(lambda: simulate((1024,1024), n=300, seed=seed))
    row = {'simulate, 300 cells': t}
    _,row['absorbance'] = clock(absorbance, smear.image)
    _,row['paper'] = clock(find_objects, smear.image, 'paper')
    seg,row['segment, classic'] = clock(segment, smear.image)
    cells,row['watershed'] = clock(watershed_cells, seg.mask)
    _,row['measure'] = clock(measure, cells, seg.mask.shape)
    _,row['overlay to PNG'] = clock(lambda: to_png(overlay(smear.image, seg.mask, cells=cells)))
    return row

stages(0) # the first call loads libraries
table = pd.DataFrame([stages(s) for s in range(1, 6)])
print(f'{len(os.sched_getaffinity(0))} cores; seconds per 1024x1024')
print(pd.DataFrame(dict(median=table.median(), min=table.min(), max=table.max())).round(3).to_string())
